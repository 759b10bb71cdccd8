"""Reading and writing picture files as 8-bit R'G'B'."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from vidrts.errors import InputError, UnsupportedFormatError
from vidrts.messages import Code, Message, Tell, ignore

_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "PPM", "JPEG2000")
"""Pillow's names; its other readers run programs, or accept non-pictures."""
_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif", ".bmp", ".gif", ".ppm", ".pgm", ".jp2"}
_SEVERAL = {"GIF": "frames", "PNG": "frames", "WEBP": "frames", "AVIF": "frames", "TIFF": "pages"}
"""Formats with several pictures -> what these are called."""


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its content, or by its extension if the content is unknown.

    Raises `InputError` for a missing file.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a directory, expected a picture or a video")
    if not path.exists():
        raise InputError(f"{path}: no such file")
    try:
        _open(path).close()
    except Image.DecompressionBombError:
        return True
    except OSError:
        return path.suffix.lower() in _SUFFIXES
    return True


def read_picture(path: str | os.PathLike[str], on_message: Tell = ignore) -> NDArray[np.uint8]:
    """(H, W, 3) R'G'B' samples of a picture file, as stored: neither turned nor colour-managed.

    As VIQET's loader: gray becomes three equal channels, 16 bit are cut to the upper 8, alpha is dropped, of an
    animation only the first frame is read; each with a message.

    Raises `InputError` for a file that cannot be read, `UnsupportedFormatError` for floating point.
    """
    path = Path(path)
    try:
        with _open(path) as image:
            lines = list(_conversions(image))
            samples = np.array(image if is_gray16(image) else _converted(path, image))
    except UnidentifiedImageError:
        raise InputError(f"{path}: cannot be read as a picture: unknown format, or damaged") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as a picture: {' '.join(str(error).split())}") from error
    for line in lines:
        on_message(line.about(path))
    return from_gray16(samples) if samples.ndim == 2 else samples


def _conversions(image: ImageFile) -> Iterator[Message]:
    """Messages about conversions, before decoding."""
    count = getattr(image, "n_frames", 1)
    if image.format in _SEVERAL and count > 1:
        yield Message(Code.FIRST_PICTURE_TAKEN, count=count, unit=_SEVERAL[image.format])
    if image.mode.startswith(("1", "L", "I")):
        yield Message(Code.GRAY_AS_RGB)
    stored = (
        image.tile[0].args if image.tile else ""
    )  # for PNG a raw mode such as "RGB;16B", for others a tuple with it
    if "16" in str(stored[0] if isinstance(stored, tuple) else stored):
        yield Message(Code.DEPTH_LOWERED)
    if "A" in image.getbands() or "transparency" in image.info:
        yield Message(Code.ALPHA_DROPPED)
    if image.mode == "CMYK":
        yield Message(Code.CMYK_CONVERTED)


def as_rgb(samples: NDArray[np.uint8]) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 of (H, W, 3) 8-bit samples."""
    return torch.from_numpy(samples).permute(2, 0, 1).float() / 255


def read_photo(path: Path) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 of a picture file."""
    return as_rgb(read_picture(path))


def to_bytes(rgb: torch.Tensor) -> NDArray[np.uint8]:
    """(H, W, 3) 8-bit samples of (3, H, W) R'G'B' in 0..1, rounded."""
    samples: NDArray[np.uint8] = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return samples


def to_image(rgb: torch.Tensor) -> Image.Image:
    """An 8-bit Pillow image of (3, H, W) R'G'B' in 0..1."""
    return Image.fromarray(to_bytes(rgb))


def _open(path: Path) -> ImageFile:
    """Open a file with Pillow, without a warning for large pictures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        Image.init()  # registers all readers
        return Image.open(path, formats=[name for name in _FORMATS if name in Image.OPEN])


def _converted(path: Path, image: Image.Image) -> Image.Image:
    """The picture as 8-bit RGB; Pillow drops alpha and keeps the upper 8 of 16 bits."""
    if image.mode in ("F", "I"):
        raise UnsupportedFormatError(f"{path}: expected 8 or 16 bits per sample, got 32; convert it first")
    return image.convert("RGB")


def is_gray16(image: Image.Image) -> bool:
    """Whether it is 16-bit gray, which Pillow would clip on conversion."""
    return image.mode.startswith("I;16")


def from_gray16(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W) -> (H, W, 3): the upper 8 bits, three times."""
    return np.repeat((samples >> 8).astype(np.uint8)[:, :, None], 3, axis=2)

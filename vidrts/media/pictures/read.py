"""Reading a picture file: `read(path)` gives its samples as a `Frame` and its metadata."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from vidrts.errors import InputError, UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, PixelFormat, pixel_format
from vidrts.media.containers import FFmpegErrors, av_call, reason
from vidrts.media.pictures import jpeg, png, webp
from vidrts.media.pictures.formats import READ
from vidrts.media.pictures.metadata import Metadata, of_image
from vidrts.media.planes import plane_views
from vidrts.messages import Code, Message, Tell, ignore

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
"""Pillow's names; JPEG covers MPO, a JPEG file with further pictures after the first."""
_NAMED = ("AVIF", "JPEG2000", "PPM", "ICO", "TGA", "PSD", "DDS", "SGI")
"""Others that it knows, to say what a file is."""
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for damaged files."""
YA16 = PixelFormat(name="ya16le", model="gray", depth=16, order=((0, 0), (0, 1)), layout="packed")
_INTERLEAVED = {
    (1, 1): pixel_format("gray"), (2, 1): pixel_format("ya8"), (3, 1): pixel_format("rgb24"),
    (4, 1): pixel_format("rgba"), (1, 2): pixel_format("gray16le"), (2, 2): YA16, (3, 2): pixel_format("rgb48le"),
    (4, 2): pixel_format("rgba64le"),
}  # fmt: skip
"""(channels, bytes of a sample) -> the format."""
_TURNED_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip
"""Orientation of a TIFF file -> what undoes that Pillow turned the samples while reading."""
_RGB, _GRAY, _JFIF = ColorTags(matrix=0, range=2), ColorTags(range=2), ColorTags(matrix=5, range=2, siting=2)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture in memory."""

    frame: Frame
    metadata: Metadata
    lossless: bool
    """Whether its file holds the samples without loss."""
    subsampling: int = 0
    """Of the file's chroma as Pillow counts: 0 is 4:4:4, 1 4:2:2, 2 4:2:0."""


@dataclass(frozen=True)
class Header:
    """What the pictures of a sequence have in common."""

    width: int
    height: int
    mode: str
    """Pillow's, and the number of bits."""


def header(path: Path) -> Header:
    """The header alone; raises as `read` does."""
    with _opened(path) as image:
        return Header(*image.size, f"{image.mode} {8 * (1 + _is_16_bit(path, image))} bit")


def read(path: Path, *, ycc: bool = False, on_message: Tell = ignore) -> Picture:
    """The picture of a file: gray, R'G'B' or, of JPEG with `ycc`, Y'CbCr as it is stored; alpha where it has some.

    Samples are as stored, neither turned by EXIF nor colour-managed; palettes become R'G'B'. Raises `InputError` for a
    file that cannot be read or holds several pictures, `UnsupportedFormatError` for CMYK and others.
    """
    with _opened(path) as image:
        metadata = of_image(image)
        lossless = image.format in ("PNG", "TIFF", "BMP", "GIF") or (image.format == "WEBP" and webp.is_lossless(path))
        if image.format == "PNG":
            metadata = replace(metadata, png_chunks=png.kept_chunks(path))
        if image.format in ("JPEG", "MPO"):
            metadata = replace(metadata, jpeg_segments=jpeg.kept_segments(path))
        if (count := getattr(image, "n_frames", 1)) > 1:  # MPO: others were refused
            on_message(Message(Code.PICTURES_LEFT_OUT, count=count - 1).about(path))
        subsampling = _subsampling(image)
        if ycc and image.format in ("JPEG", "MPO") and image.mode == "RGB" and (frame := _ycc(path, image.size)):
            return Picture(frame=frame, metadata=metadata, lossless=False, subsampling=subsampling)
        samples = _samples_16(path, image) if _is_16_bit(path, image) else _samples_8(path, image, on_message)
    planes = tuple(torch.from_numpy(samples).unbind(2))
    fmt = _INTERLEAVED[samples.shape[2], samples.itemsize]
    color = _GRAY if fmt.model == "gray" else _RGB
    return Picture(frame=_frame(planes, fmt, color), metadata=metadata, lossless=lossless, subsampling=subsampling)


def _frame(planes: tuple[torch.Tensor, ...], fmt: PixelFormat, color: ColorTags) -> Frame:
    return Frame(planes=planes, format=fmt, color=color, pts=0, time_base=Fraction(1))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """An open picture that is not refused; what Pillow and FFmpeg raise inside becomes an `InputError`."""
    if path.is_dir():
        raise InputError(f"{path}: is a directory, expected a picture")
    if not path.exists():
        raise InputError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures, damaged EXIF data
            Image.init()
            with Image.open(path, formats=_FORMATS) as image:
                _refuse(path, image)
                yield image
    except UnidentifiedImageError:
        raise InputError(f"{path}: cannot be read as a picture: {_what(path)}; expected {READ}") from None
    except (*_UNREADABLE, *FFmpegErrors) as error:
        raise InputError(f"{path}: cannot be read as a picture: {reason(error)}") from error


def _what(path: Path) -> str:
    """Why a file is no picture for us."""
    if path.stat().st_size == 0:
        return "the file is empty"
    try:
        with Image.open(path, formats=[name for name in _NAMED if name in Image.OPEN]) as image:
            return f"{image.format} is not supported; convert it first"
    except _UNREADABLE:
        return "unknown format, or damaged"


def _refuse(path: Path, image: ImageFile) -> None:
    """Raise for what cannot be enhanced as one picture of gray or R'G'B'."""
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format == "TIFF":
        raise InputError(f"{path}: a TIFF of {count} pages, expected one; split it first")
    if count > 1 and image.format != "MPO":
        raise InputError(
            f"{path}: an animated {image.format} of {count} pictures, expected one; "
            f"make a video of it: ffmpeg -i {path} OUT.mkv"
        )
    if image.mode == "CMYK":
        raise UnsupportedFormatError(f"{path}: CMYK pictures are not supported; convert it to RGB first")
    if image.mode in ("F", "I", "LAB", "HSV"):
        kind = {"F": "32-bit floats", "I": "32-bit or signed samples"}.get(image.mode, image.mode)
        raise UnsupportedFormatError(f"{path}: expected gray or RGB of 8 or 16 bit, got {kind}; convert it first")


def _is_16_bit(path: Path, image: ImageFile) -> bool:
    if image.format == "PNG":
        return png.depth(path) == 16
    return image.format == "TIFF" and max(image.tag_v2.get(258, (8,))) > 8  # type: ignore[attr-defined]


def _subsampling(image: ImageFile) -> int:
    """Of a JPEG file; others have all chroma."""
    layers = getattr(image, "layer", None) or ()
    if len(layers) != 3:
        return 0
    (across, down), (second, other) = (layer[1:3] for layer in layers[:2])
    return {(1, 1): 0, (2, 1): 1, (2, 2): 2}.get((across // second, down // other), 2)


def _samples_8(path: Path, image: ImageFile, tell: Tell) -> NDArray[np.uint8]:
    """(H, W, C)."""
    transparent = "transparency" in image.info
    mode = image.mode
    if mode in ("P", "PA"):
        mode = "RGBA" if transparent or mode == "PA" else "RGB"
        tell(Message(Code.PALETTE_CONVERTED, model=mode).about(path))
    elif transparent:
        mode = {"L": "LA", "1": "LA", "RGB": "RGBA"}.get(mode, mode)
    mode = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB"}.get(mode, mode)
    turned = _TURNED_BACK.get(image.tag_v2.get(274, 1)) if image.format == "TIFF" else None  # type: ignore[attr-defined]
    image.load()
    stored = image if image.mode == mode else image.convert(mode)
    samples = np.array(stored if turned is None else stored.transpose(turned))
    return samples.reshape(*samples.shape[:2], -1)


def _samples_16(path: Path, image: ImageFile) -> NDArray[np.uint16]:
    """(H, W, C), by FFmpeg: Pillow reads the upper 8 bits alone."""
    if image.format == "TIFF":
        image.load()  # FFmpeg does not always say that data is missing
        image.close()
    frame = _decoded(path, "png" if image.format == "PNG" else "tiff")
    found = {"gray16": 1, "ya16": 2, "rgb48": 3, "rgba64": 4}
    name, end = frame.format.name[:-2], frame.format.name[-2:]
    if name not in found:
        raise UnsupportedFormatError(f"{path}: expected gray or RGB of 8 or 16 bit, got {frame.format.name}")
    plane = frame.planes[0]
    stored = np.frombuffer(plane, ">u2" if end == "be" else "<u2").reshape(frame.height, -1)
    return stored[:, : frame.width * found[name]].reshape(frame.height, frame.width, found[name]).astype(np.uint16)


def _ycc(path: Path, size: tuple[int, int]) -> Frame | None:
    """The planes of a JPEG file as FFmpeg decodes them; None where they are no Y'CbCr of a kind that we know."""
    with Image.open(path, formats=("JPEG",)) as image:
        image.draft("L", (-(-size[0] // 8), -(-size[1] // 8)))
        image.load()  # FFmpeg does not say that data is missing; small and gray this is quick
    frame = _decoded(path, "mjpeg")
    if frame.format.name not in ("yuvj420p", "yuvj422p", "yuvj444p") or (frame.width, frame.height) != size:
        return None
    fmt = pixel_format(frame.format.name)
    return _frame(plane_views(frame, fmt), fmt, _JFIF)


def _decoded(path: Path, codec: str) -> av.VideoFrame:
    with av_call():
        context: Any = av.CodecContext.create(codec, "r")
        context.thread_count = 1
        packet: Any = av.Packet(path.read_bytes())
        frames = [*context.decode(packet), *context.decode(None)]
    if not frames or not isinstance(frames[0], av.VideoFrame):
        raise InputError(f"{path}: cannot be read as a picture: no samples")
    return frames[0]

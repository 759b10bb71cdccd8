"""Writing a picture file in the format of its name."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidrts.errors import OptionError, OutputError
from vidrts.frame import Frame
from vidrts.media.containers import FFmpegErrors, write_error
from vidrts.media.pictures import jpeg, png, tiff, webp
from vidrts.media.pictures.formats import DEFAULT_QUALITY, LONGEST_SIDE, SUFFIXES
from vidrts.media.pictures.read import Picture
from vidrts.messages import Code, Message, Tell, ignore


def check_quality(path: Path, quality: int | None) -> None:
    """Raise `OptionError` for a quality that the format of this name does not have."""
    kind = SUFFIXES[path.suffix.lower()]
    if quality is not None and kind in ("PNG", "TIFF"):
        raise OptionError(
            f"--quality {quality}: {path} is {kind}, which is lossless; leave it out, or write .jpg or .webp"
        )


def quality_words(name: Path, quality: int | None, *, lossless: bool) -> str:
    """In which quality `write` writes a picture, as "quality 95"; `lossless`: whether its source is."""
    kind = SUFFIXES[name.suffix.lower()]
    if kind in ("PNG", "TIFF") or (kind == "WebP" and quality is None and lossless):
        return "lossless"
    return f"quality {quality or DEFAULT_QUALITY}"


def write(
    path: Path, picture: Picture, name: Path, *, quality: int | None = None, on_message: Tell = ignore
) -> None:  # fmt: skip
    """Write `picture` to `path` in the format of the extension of `name`, its final name, which errors tell.

    quality: of JPEG and WebP, 1..100; None: `DEFAULT_QUALITY`, for WebP of a lossless source lossless. Messages name
    what the format does not hold. Raises `OutputError`.
    """
    kind, frame = SUFFIXES[name.suffix.lower()], picture.frame
    most = LONGEST_SIDE.get(kind, 1 << 31)
    if max(frame.width, frame.height) > most:
        raise OutputError(
            f"{name}: {kind} holds {most}x{most} pixels at most, got {frame.width}x{frame.height}; write .png"
        )
    try:
        if kind == "PNG":
            png.write(path, interleaved(frame), picture.metadata)
        elif kind == "TIFF":
            tiff.write(path, interleaved(frame), picture.metadata)
        else:
            _write_8_bit(path, picture, kind, quality, lambda line: on_message(line.about(name)))
    except OverflowError as error:
        raise OutputError(f"{name}: {error}; write .png") from error
    except FFmpegErrors as error:
        raise write_error(name, error, reader_closed=False) from error


def interleaved(frame: Frame) -> NDArray[Any]:
    """(H, W, C) samples: gray or R'G'B' with its alpha; of Y'CbCr each chroma sample as often as it covers luma.

    libjpeg, which takes chroma at full size, makes of those by averaging the very samples that the frame has.
    """
    fmt = frame.format
    dtype = np.uint8 if fmt.depth == 8 else np.uint16
    samples = np.empty((frame.height, frame.width, len(frame.planes)), dtype)
    for component, plane in enumerate(frame.planes):
        values = plane.numpy()
        for repeats, axis in ((fmt.log2_h, 0), (fmt.log2_w, 1)):
            if repeats and fmt.model == "yuv" and component in (1, 2):
                values = np.repeat(values, 1 << repeats, axis)
        samples[:, :, component] = values[: frame.height, : frame.width]
    return samples


def _write_8_bit(path: Path, picture: Picture, kind: str, quality: int | None, tell: Tell) -> None:
    frame, metadata = picture.frame, picture.metadata
    samples = interleaved(frame)
    if samples.dtype == np.uint16:
        tell(Message(Code.PICTURE_DEPTH_LOST, format=kind))
        samples = _in_8_bit(samples)
    if kind == "JPEG":
        if frame.format.alpha:
            tell(Message(Code.ALPHA_NOT_HELD, format=kind))
            samples = samples[:, :, :-1]
        ycc = frame.format.model == "yuv"
        quality = quality or DEFAULT_QUALITY
        jpeg.write(path, samples, metadata, quality=quality, subsampling=picture.subsampling, ycc=ycc)
        return
    if metadata.dpi is not None and metadata.exif is None:
        tell(Message(Code.RESOLUTION_LOST, dpi=f"{metadata.dpi[0]:g}", format=kind))
    if samples.shape[2] < 3:  # WebP has no gray
        samples = np.concatenate((np.repeat(samples[:, :, :1], 3, 2), samples[:, :, 1:]), 2)
    webp.write(path, samples, metadata, quality=quality or (None if picture.lossless else DEFAULT_QUALITY))


def _in_8_bit(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The nearest of 8 bit: 257 steps of 16 bit are one."""
    lower = np.empty(samples.shape, np.uint8)
    for first in range(0, len(samples), 64):
        lower[first : first + 64] = (samples[first : first + 64].astype(np.uint32) + 128) // 257
    return lower

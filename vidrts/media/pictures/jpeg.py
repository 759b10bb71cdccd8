"""JPEG files: segments that are carried over, chroma as it is stored, and the samples by Pillow's libjpeg."""

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidrts.media.pictures import exif, mark
from vidrts.media.pictures.metadata import Metadata

_SOI, _SOS, _COM, _APP0, _APP2, _APP14 = 0xD8, 0xDA, 0xFE, 0xE0, 0xE2, 0xEE


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, whole segment) of what stands before the samples."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # filled up
            at += 1
            continue
        if marker == _SOS:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at : at + 2 + length]
        at += 2 + length


def kept_segments(path: Path) -> tuple[bytes, ...]:
    """APPn and comments; not Adobe's word about the colours, nor the index of further pictures, nor our mark."""
    return tuple(
        whole
        for marker, whole in segments(path.read_bytes())
        if (_APP0 <= marker <= 0xEF or marker == _COM)
        and marker != _APP14
        and not (marker == _APP2 and whole[4:8] == b"MPF\0")
        and not (marker == _COM and whole[4:].startswith(b"vidrts "))
    )


def write(
    path: Path, samples: NDArray[np.uint8], metadata: Metadata, *, quality: int, subsampling: int, ycc: bool
) -> None:  # fmt: skip
    """Write (H, W, C) samples: C is 1 for gray, else 3, R'G'B' or, with `ycc`, Y'CbCr as JFIF has it.

    subsampling: 0 is 4:4:4, 1 4:2:2, 2 4:2:0, as Pillow counts.
    """
    height, width, channels = samples.shape
    image = Image.fromarray(samples[:, :, 0]) if channels == 1 else Image.frombytes(
        "YCbCr" if ycc else "RGB", (width, height), np.ascontiguousarray(samples)
    )  # fmt: skip
    settings: dict[str, Any] = {"quality": quality, "subsampling": subsampling, "optimize": width * height < 1 << 24}
    if not metadata.jpeg_segments:
        with_prefix = metadata.exif and exif.PREFIX + metadata.exif
        whole_dpi = metadata.dpi and tuple(round(value) for value in metadata.dpi)
        given = {"icc_profile": metadata.icc, "exif": with_prefix, "xmp": metadata.xmp, "dpi": whole_dpi}
        settings |= {name: value for name, value in given.items() if value is not None}
    written = io.BytesIO()
    image.save(written, "JPEG", **settings)
    data = written.getvalue()
    made = list(segments(data))
    begin = 2 + len(made[0][1]) if made[0][0] == _APP0 else 2
    head = [data[:2], *_first(metadata.jpeg_segments, data[2:begin]), _comment(mark.text())]
    for whole in metadata.jpeg_segments:
        if whole[1] == _APP0 and whole[4:8] == b"JFIF":
            continue
        is_exif = whole[4:].startswith(exif.PREFIX) and metadata.exif is not None
        head.append(whole[: 4 + len(exif.PREFIX)] + (metadata.exif or b"") if is_exif else whole)
    with path.open("wb") as file:
        file.writelines(head)
        file.write(memoryview(data)[begin:])


def _first(kept: Sequence[bytes], made: bytes) -> list[bytes]:
    """The JFIF segment, which comes first: the source's, with its resolution, or the one that libjpeg made."""
    return [next((whole for whole in kept if whole[1] == _APP0 and whole[4:8] == b"JFIF"), made)]


def _comment(text: str) -> bytes:
    content = text.encode()
    return b"\xff" + bytes([_COM]) + struct.pack(">H", len(content) + 2) + content

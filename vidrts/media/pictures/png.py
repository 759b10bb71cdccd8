"""PNG files: chunks that are carried over, and the samples by FFmpeg's encoder, which holds 16 bit, too."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vidrts.media.containers import av_call
from vidrts.media.pictures import mark
from vidrts.media.pictures.metadata import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = {
    *(b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi", b"pHYs", b"eXIf", b"tEXt"),
    *(b"zTXt", b"iTXt", b"oFFs", b"pCAL", b"sCAL", b"sTER"),
}
"""Of the registered ones those that say nothing of the samples or the palette."""
_FORMATS = {
    (1, 1): "gray", (2, 1): "ya8", (3, 1): "rgb24", (4, 1): "rgba",
    (1, 2): "gray16be", (2, 2): "ya16be", (3, 2): "rgb48be", (4, 2): "rgba64be",
}  # fmt: skip
"""(channels, bytes of a sample) -> FFmpeg's format."""


def depth(path: Path) -> int:
    """Bits of a sample, by the header of a PNG file."""
    with path.open("rb") as file:
        return file.read(25)[24]


def chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(type, content) of the chunks of a PNG file but for the samples; ends where the file does."""
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IDAT":
                file.seek(length + 4, 1)
                continue
            content = file.read(length)
            if len(content) < length or kind == b"IEND":
                return
            file.seek(4, 1)
            yield kind, content


def kept_chunks(path: Path) -> tuple[tuple[bytes, bytes], ...]:
    """Those that stay true; of unknown ones those that are marked as safe to copy (a small fourth letter)."""
    known = {b"IHDR", b"PLTE", b"tRNS", b"sBIT", b"bKGD", b"hIST", b"sPLT", b"tIME", b"acTL", b"fcTL", b"fdAT"}
    return tuple(
        (kind, content)
        for kind, content in chunks(path)
        if kind in _KEPT or (kind not in known and kind[:1].islower() and kind[3:].islower())
    )


def write(path: Path, samples: NDArray[Any], metadata: Metadata) -> None:
    """Write (H, W, C) 8 or 16 bit samples: gray, gray and alpha, R'G'B' or R'G'B' and alpha."""
    encoded = _encoded(samples)
    with path.open("wb") as file:
        file.write(encoded[: len(SIGNATURE)])
        for kind, whole in _parts(encoded):
            if kind in (b"IHDR", b"IDAT", b"IEND"):
                file.write(whole)
            if kind == b"IHDR":
                for name, content in _ancillary(metadata):
                    file.write(chunk(name, content))


def chunk(kind: bytes, content: bytes) -> bytes:
    """A whole chunk."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _parts(encoded: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """(type, whole chunk) of a PNG file in memory."""
    at = len(SIGNATURE)
    while at < len(encoded):
        (length,) = struct.unpack_from(">I", encoded, at)
        yield bytes(encoded[at + 4 : at + 8]), encoded[at : at + 12 + length]
        at += 12 + length


def _ancillary(metadata: Metadata) -> Iterable[tuple[bytes, bytes]]:
    """The source's own chunks, or those made of what another format held; the mark first, where it is found."""
    yield b"tEXt", b"Software\0" + mark.text().encode("latin-1")
    if metadata.png_chunks:
        for kind, content in metadata.png_chunks:
            if kind == b"eXIf" and metadata.exif is not None:
                content = metadata.exif  # with the sizes of this picture
            if not (kind == b"tEXt" and content.startswith(b"Software\0vidrts ")):
                yield kind, content
        return
    if metadata.icc is not None:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)
    if metadata.dpi is not None:
        across, down = (round(value / 0.0254) for value in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif
    if metadata.xmp is not None:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp


def _encoded(samples: NDArray[Any]) -> memoryview:
    height, width, channels = samples.shape
    frame = av.VideoFrame(width, height, _FORMATS[channels, samples.itemsize])
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(height, -1)[:, : width * channels * samples.itemsize]
    rows.view(samples.dtype.newbyteorder(">")).reshape(samples.shape)[...] = samples
    with av_call():
        context = av.CodecContext.create("png", "w")
        context.width, context.height, context.pix_fmt = width, height, frame.format.name
        context.time_base, context.options = Fraction(1), {"pred": "mixed"}
        context.thread_count = 1
        frame.pts = 0
        (packet,) = [*context.encode(frame), *context.encode(None)]
    return memoryview(packet)

"""Raw video: the samples of one frame after the other, laid out as FFmpeg's `-f rawvideo`, and not a word beside them.

    header = parse("1920x1080:yuv420p10@24000/1001")
    for planes, order in Reader(stream, header).frames(): ...

`y4m.Header` says what is known of the stream here, too. Planes are stored samples (h, w), uint8 or uint16, one for each
component in canonical order, as everywhere.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.errors import InputError, OptionError, SourceBrokenError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS, FieldOrder, PixelFormat
from vidrts.media.pipes.y4m import MAX_FRAME, MAX_SIDE, Header, counted, fill, write_all
from vidrts.media.pixelformats import known

_TEXT = re.compile(r"(\d{1,6})x(\d{1,6}):([a-z0-9]+)@(\d{1,9})(?:/(\d{1,9})|(\.\d{1,6}))?")
_PADDED = ("rgb0", "bgr0")
"""Formats with a fourth byte that is no component."""

Samples = NDArray[np.uint8] | NDArray[np.uint16]


def parse(text: str) -> Header:
    """The stream that WxH:pixfmt@rate describes, a rate being 25, 29.97 or 30000/1001; raises `OptionError`.

    Depths beyond 8 bit are little-endian, and may be named without saying so: yuv420p10.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise OptionError(f"--raw {text}: expected WIDTHxHEIGHT:PIXFMT@RATE, such as 1920x1080:yuv420p@24000/1001")
    width, height, name, number, divisor, decimals = match.groups()
    if not (1 <= int(width) <= MAX_SIDE and 1 <= int(height) <= MAX_SIDE):
        raise OptionError(f"--raw {text}: expected 1 to {MAX_SIDE} pixels per side, got {width}x{height}")
    rate = Fraction(int(number), int(divisor)) if divisor and int(divisor) else Fraction(number + (decimals or ""))
    if not rate or (divisor and not int(divisor)):
        raise OptionError(f"--raw {text}: expected a rate above 0 frames/s, got {number}/{divisor or 1}")
    try:
        fmt = known(f"{name}le" if f"{name}le" in PIXEL_FORMATS else name)
    except UnsupportedFormatError as error:
        raise OptionError(f"--raw {text}: {error}") from None
    header = Header(width=int(width), height=int(height), format=fmt, rate=rate)
    if (size := frame_bytes(header)) > MAX_FRAME:
        raise OptionError(f"--raw {text}: expected frames of at most {MAX_FRAME:,} bytes, got {size:,}")
    return header


def frame_bytes(header: Header) -> int:
    """Bytes of one frame."""
    return sum(rows * columns * step for rows, columns, step in _layout(header)) * header.format.dtype.itemsize


class Reader:
    """Frames out of a binary stream, which need not be seekable."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header
        self.frames_read = 0
        self._size = frame_bytes(header)

    def frames(self) -> Iterator[tuple[tuple[torch.Tensor, ...], FieldOrder]]:
        """(planes, field order) of each frame.

        Raises `InputError` for an empty stream, `SourceBrokenError` where it ends within a frame, with the count of
        whole ones.
        """
        while (samples := self._samples()) is not None:
            yield self._planes(samples), "progressive"
            self.frames_read += 1
        if self.frames_read == 0:
            raise InputError("raw video: empty stream; check the program before this one")

    def _samples(self) -> NDArray[np.uint8] | None:
        """The bytes of the next frame; None at the end."""
        buffer = np.empty(self._size, np.uint8)
        done = fill(self._stream, buffer)
        if not done:
            return None
        if done < len(buffer):
            raise SourceBrokenError(
                f"raw video: the stream ends within a frame ({done:,} of {len(buffer):,} bytes; check --raw), "
                f"after {counted(self.frames_read)}"
            )
        return buffer

    def _planes(self, samples: NDArray[np.uint8]) -> tuple[torch.Tensor, ...]:
        """The components of one frame, as views."""
        fmt = self.header.format
        values: Samples = samples.view("<u2").astype(np.uint16, copy=False) if fmt.depth > 8 else samples
        stored, start = [], 0
        for rows, columns, step in _layout(self.header):
            end = start + rows * columns * step
            stored.append(torch.from_numpy(values[start:end].reshape(rows, columns, step)))
            start = end
        return tuple(stored[plane][:, :, position] for plane, position in fmt.order)


class Writer:
    """Frames into a binary stream. Every call writes all it got."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header

    def write(self, planes: Sequence[torch.Tensor]) -> None:
        """One frame: its components as `header.format` has them, on the CPU; views are fine."""
        fmt = self.header.format
        for index, (rows, columns, step) in enumerate(_layout(self.header)):
            held = [(position, planes[c]) for c, (plane, position) in enumerate(fmt.order) if plane == index]
            if step == 1:
                samples = held[0][1].numpy()
            else:
                samples = np.zeros((rows, columns, step), held[0][1].numpy().dtype)
                for position, component in held:
                    samples[:, :, position] = component.numpy()
            stored = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("<"), copy=False))
            write_all(self._stream, memoryview(stored))


def _layout(header: Header) -> list[tuple[int, int, int]]:
    """(rows, columns, samples that lie interleaved) of each plane in FFmpeg's order."""
    fmt: PixelFormat = header.format
    found = []
    for plane in sorted({plane for plane, _ in fmt.order}):
        held = [(c, position) for c, (place, position) in enumerate(fmt.order) if place == plane]
        rows, columns = fmt.plane_size(held[0][0], header.width, header.height)
        found.append((rows, columns, 4 if fmt.name in _PADDED else max(position for _, position in held) + 1))
    return found

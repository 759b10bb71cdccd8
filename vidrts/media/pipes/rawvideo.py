"""Raw video: samples of frame after frame, laid out as in FFmpeg's `-f rawvideo`, without any header.

    header = raw_header.parse("1920x1080:yuv420p10@24000/1001")
    for planes, order in Reader(stream, header).frames(): ...
 Planes are stored samples (h, w), uint8 or uint16, one for each
component in canonical order, as everywhere.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.errors import InputError, SourceBrokenError
from vidrts.frame import FieldOrder
from vidrts.media.pipes.header import Header, counted
from vidrts.media.pipes.raw_header import frame_bytes, layout
from vidrts.media.pipes.y4m import fill, write_all

Samples = NDArray[np.uint8] | NDArray[np.uint16]


class Reader:
    """Reads frames from a binary stream, which need not be seekable."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header
        self.frames_read = 0
        self._size = frame_bytes(header)

    def frames(self) -> Iterator[tuple[tuple[torch.Tensor, ...], FieldOrder]]:
        """(planes, field order) of each frame.

        Raises `InputError` for an empty stream, and `SourceBrokenError`, with the number of whole frames, if it ends
        within one.
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
        for rows, columns, step in layout(self.header):
            end = start + rows * columns * step
            stored.append(torch.from_numpy(values[start:end].reshape(rows, columns, step)))
            start = end
        return tuple(stored[plane][:, :, position] for plane, position in fmt.order)


class Writer:
    """Writes frames to a binary stream, unbuffered."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header

    def write(self, planes: Sequence[torch.Tensor]) -> None:
        """One frame: its components as `header.format` has them, on the CPU; views are fine."""
        fmt = self.header.format
        for index, (rows, columns, step) in enumerate(layout(self.header)):
            held = [(position, planes[c]) for c, (plane, position) in enumerate(fmt.order) if plane == index]
            if step == 1:
                samples = held[0][1].numpy()
            else:
                samples = np.zeros((rows, columns, step), held[0][1].numpy().dtype)
                for position, component in held:
                    samples[:, :, position] = component.numpy()
            stored = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("<"), copy=False))
            write_all(self._stream, memoryview(stored))

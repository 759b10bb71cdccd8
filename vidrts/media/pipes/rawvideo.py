"""Raw video: samples of frame after frame, laid out as in FFmpeg's `-f rawvideo`, without any header.

header = raw_header.parse("1920x1080:yuv420p10@24000/1001")
for planes, order in Reader(stream, header).frames(): ...
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import torch

from vidrts.errors import InputError, SourceBrokenError
from vidrts.frame import FieldOrder
from vidrts.media.pipes.header import Header, counted
from vidrts.media.pipes.samples import read_samples, split_planes, write_samples


class Reader:
    """Reads frames from a binary stream, which need not be seekable."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header
        self.frames_read = 0

    def frames(self) -> Iterator[tuple[tuple[torch.Tensor, ...], FieldOrder]]:
        """(planes, field order) of each frame; planes are stored samples (h, w), uint8 or uint16.

        Raises `InputError` for an empty stream, and `SourceBrokenError`, with the number of whole frames, if it ends
        within one.
        """
        size = self.header.frame_bytes
        while len(samples := read_samples(self._stream, self.header)) == size:
            yield split_planes(samples, self.header), "progressive"
            self.frames_read += 1
        if len(samples):
            raise SourceBrokenError(
                f"raw video: the stream ends within a frame ({len(samples):,} of {size:,} bytes; check --raw), "
                f"after {counted(self.frames_read)}"
            )
        if self.frames_read == 0:
            raise InputError("raw video: empty stream; check the program before this one")


class Writer:
    """Writes frames to a binary stream, unbuffered."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header

    def write(self, planes: Sequence[torch.Tensor]) -> None:
        """Write a frame: planes of stored samples (h, w) as `header.format` has them, on the CPU; views are fine."""
        write_samples(self._stream, self.header, planes)

"""The length that a truncated Matroska or WebM file announces, made that of what it holds.

FFmpeg's muxer completes the header of a small file while all of it lies in a buffer. Where the disk takes only part of
the buffer, that header tells the length of the whole. In a larger file it is unfinished then, and tells none.
"""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

from vidrts.media.containers import FFmpegErrors, time_base
from vidrts.media.write.ebml import checked, elements

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _ENTRY, _UID = 0x1654AE6B, 0xAE, 0x73C5
_TAGS, _TAG, _TARGETS, _TARGET, _SIMPLE, _NAME, _STRING = 0x1254C367, 0x7373, 0x63C0, 0x63C5, 0x67C8, 0x45A3, 0x4487
_HEAD = 1 << 24
"""Bytes at the start of the file in which its header lies."""
_ANYWHERE = 1 << 60
"""Beyond the end of every file."""


def correct(path: Path) -> None:
    """Write the length of what a truncated file holds over the one that it announces; a complete file stays as it is.

    Raises OSError.
    """
    with path.open("r+b") as file:
        head = file.read(_HEAD)
        ends = (end for name, _, _, end in elements(head, 0, _ANYWHERE) if name == _SEGMENT)
        if not path.stat().st_size < next(ends, 0) < _ANYWHERE:
            return
        for place, content in _patches(head, _lengths(path)):
            file.seek(place)
            file.write(content)


def _lengths(path: Path) -> list[Fraction]:
    """Seconds at which the last packet of each stream ends."""
    ends: list[Fraction] = []
    try:
        with av.open(f"file:{path}") as container:
            ends = [Fraction(0) for _ in container.streams]
            for packet in container.demux():
                if packet.size and packet.pts is not None:
                    end = (packet.pts + (packet.duration or 0)) * time_base(packet.time_base)
                    ends[packet.stream_index] = max(ends[packet.stream_index], end)
    except FFmpegErrors:
        pass  # the packet that is truncated
    return ends


def _patches(head: bytes, lengths: Sequence[Fraction]) -> Iterator[tuple[int, bytes]]:
    """(place, bytes) to be written over a file that begins with `head`; `lengths`: seconds of each track."""
    start, stop = next(_children(head, 0, len(head), _SEGMENT))
    by_track: dict[bytes, Fraction] = {}
    for name, _, begin, end in elements(head, start, stop):
        if name == _CLUSTER:
            return
        made = bytearray(head[begin:end])
        if name == _TRACKS:
            entries = _children(head, begin, end, _ENTRY)
            by_track = {_first(head, s, e, _UID): length for (s, e), length in zip(entries, lengths, strict=False)}
        elif name == _INFO:
            scale = int.from_bytes(_first(head, begin, end, _SCALE)) or 1_000_000
            for s, e in _children(head, begin, end, _DURATION):
                value = float(max(lengths, default=Fraction(0)) * 1_000_000_000 / scale)
                made[s - begin : e - begin] = struct.pack(">d" if e - s == 8 else ">f", value)
            yield begin, checked(bytes(made))
        elif name == _TAGS:
            for s, e, length in _announced(head, begin, end, by_track):
                made[s - begin : e - begin] = _clock(length).ljust(e - s, b"\0")[: e - s]
            yield begin, checked(bytes(made))


def _announced(
    head: bytes, begin: int, end: int, by_track: dict[bytes, Fraction]
) -> Iterator[tuple[int, int, Fraction]]:
    """(start, end) of the text of each track's DURATION among the tags, and the track's length in seconds."""
    for tag, tag_end in _children(head, begin, end, _TAG):
        for s, e in _children(head, tag, tag_end, _TARGETS):
            length = by_track.get(_first(head, s, e, _TARGET))
            for simple, simple_end in _children(head, tag, tag_end, _SIMPLE):
                if length is not None and _first(head, simple, simple_end, _NAME) == b"DURATION":
                    yield from ((a, b, length) for a, b in _children(head, simple, simple_end, _STRING))


def _children(data: bytes, begin: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """(start of content, end) of the elements `wanted`."""
    return ((start, stop) for name, _, start, stop in elements(data, begin, end) if name == wanted)


def _first(data: bytes, begin: int, end: int, wanted: int) -> bytes:
    """The content of the first element `wanted`; empty without one."""
    return next((data[start:stop] for start, stop in _children(data, begin, end, wanted)), b"")


def _clock(length: Fraction) -> bytes:
    """Seconds as the muxer writes them: 00:00:05.021000000."""
    seconds, rest = divmod(round(length * 1_000_000_000), 1_000_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:09}".encode()

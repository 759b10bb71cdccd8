"""The sample aspect ratio in Matroska and WebM, which cannot be set through PyAV.

FFmpeg's muxer reads it from a field that PyAV does not set. So the enhanced track's name ends in `ROOM`, and `write`
replaces that by DisplayWidth, DisplayHeight and DisplayUnit (RFC 9559 section 5.1.4.1.28) in the complete file, without
moving anything else.
"""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

ROOM = " vidrts keeps room for the aspect ratio here"
"""Longer than the elements that take its place."""

_SEGMENT, _TRACKS, _ENTRY, _NAME, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x536E, 0xE0
_CRC, _VOID, _DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0xBF, 0xEC, 0x54B0, 0x54BA, 0x54B2
_HEAD = 1 << 24
"""Bytes at the start of the file in which the tracks lie: the muxer writes them before any attachment."""


def write(path: Path, width: int, height: int, sar: Fraction) -> bool:
    """Write the display size of the track whose name ends in `ROOM`; False where there is no such track.

    `width` and `height`: the coded picture in pixels; `sar`: width of a pixel over its height.
    """
    with path.open("r+b") as file:
        found = patch(file.read(_HEAD), width, height, sar)
        if found is None:
            return False
        begin, tracks = found
        file.seek(begin)
        file.write(tracks)
    return True


def patch(head: bytes, width: int, height: int, sar: Fraction) -> tuple[int, bytes] | None:
    """(place, bytes) to be written over a file that begins with `head`, tracks included; None without `ROOM`."""
    for name, _, start, end in _elements(head, 0, len(head)):
        if name != _SEGMENT:
            continue
        for inner, _, begin, stop in _elements(head, start, end):
            if inner == _TRACKS:
                tracks = _patched(head[begin:stop], *display_size(width, height, sar))
                return None if tracks is None else (begin, tracks)
    return None


def display_size(width: int, height: int, sar: Fraction) -> tuple[int, int, int]:
    """(width, height, unit) of the picture with square pixels: unit 0, one side kept, where those are whole pixels.

    Else unit 3: two numbers in the picture's proportion.
    """
    if (width * sar).denominator == 1:
        return int(width * sar), height, 0
    if (height / sar).denominator == 1:
        return width, int(height / sar), 0
    shape = width * sar / height
    return shape.numerator, shape.denominator, 3


def _patched(tracks: bytes, width: int, height: int, unit: int) -> bytes | None:
    """The content of Tracks with the display size in place of `ROOM`, as long as before; None without `ROOM`."""
    made = b""
    found = False
    for name, first, start, end in _elements(tracks, 0, len(tracks)):
        content = tracks[start:end]
        if name == _CRC:
            continue
        if name == _ENTRY and ROOM.encode() in content:
            found = True
            before = len(content)
            content = _entry(content, width, height, unit)
            content += _element(_VOID, b"", before - len(content))
        made += tracks[first:start] + content
    if not found:
        return None
    if len(made) < len(tracks):  # the muxer put a CRC-32 of the rest in front
        made = bytes((_CRC, 0x84)) + zlib.crc32(made).to_bytes(4, "little") + made
    return made


def _entry(content: bytes, width: int, height: int, unit: int) -> bytes:
    """A TrackEntry's children with their display size, without `ROOM`."""
    made = b""
    size = _element(_DISPLAY_WIDTH, _number(width)) + _element(_DISPLAY_HEIGHT, _number(height))
    if unit:  # 0 is the default
        size += _element(_DISPLAY_UNIT, _number(unit))
    for name, first, start, end in _elements(content, 0, len(content)):
        value = content[start:end]
        if name == _NAME:
            value = value.removesuffix(ROOM.encode())
            made += _element(_NAME, value) if value else b""
        elif name == _VIDEO:
            kept = (value[f:e] for child, f, _, e in _elements(value, 0, len(value)) if child != _DISPLAY_UNIT)
            made += _element(_VIDEO, b"".join(kept) + size)
        else:
            made += content[first:end]
    return made


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(identifier, start, start of content, end) of the EBML elements from `at` on; stops at a truncated one."""
    while at < end:
        first = at
        length = 9 - data[at].bit_length()
        name = int.from_bytes(data[at : at + length])
        at += length
        if at >= end or not data[at]:
            return
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) - (1 << 7 * length)
        unknown = size == (1 << 7 * length) - 1
        at += length
        stop = end if unknown else min(at + size, end)
        yield name, first, at, stop
        at = stop


def _element(name: int, content: bytes, size: int | None = None) -> bytes:
    """An element; `size`: padded with zeros to that many bytes in total, at least 2."""
    mark = name.to_bytes((name.bit_length() + 7) // 8)
    if size is not None:
        content = bytes(size - len(mark) - 1)
    length = 1
    while len(content) >= (1 << 7 * length) - 1:
        length += 1
    return mark + (len(content) | 1 << 7 * length).to_bytes(length) + content


def _number(value: int) -> bytes:
    """An unsigned integer in as few bytes as hold it."""
    return value.to_bytes((value.bit_length() + 7) // 8)

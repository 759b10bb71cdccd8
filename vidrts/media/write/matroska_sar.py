"""The sample aspect ratio in Matroska and WebM, which cannot be set through PyAV.

FFmpeg's muxer reads it from a field that PyAV does not set. So the enhanced track's name ends in `ROOM`, and `write`
replaces that by DisplayWidth, DisplayHeight and DisplayUnit (RFC 9559 section 5.1.4.1.28) in the complete file, without
moving anything else.
"""

import zlib
from fractions import Fraction
from pathlib import Path

from vidrts.media.write.ebml import CRC, VOID, element, elements, number

ROOM = " vidrts keeps room for the aspect ratio here"
"""Longer than the elements that take its place."""

_SEGMENT, _TRACKS, _ENTRY, _NAME, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x536E, 0xE0
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
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
    for name, _, start, end in elements(head, 0, len(head)):
        if name != _SEGMENT:
            continue
        for inner, _, begin, stop in elements(head, start, end):
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
    for name, first, start, end in elements(tracks, 0, len(tracks)):
        content = tracks[start:end]
        if name == CRC:
            continue
        if name == _ENTRY and ROOM.encode() in content:
            found = True
            before = len(content)
            content = _entry(content, width, height, unit)
            content += element(VOID, b"", before - len(content))
        made += tracks[first:start] + content
    if not found:
        return None
    if len(made) < len(tracks):  # the muxer put a CRC-32 of the rest in front
        made = bytes((CRC, 0x84)) + zlib.crc32(made).to_bytes(4, "little") + made
    return made


def _entry(content: bytes, width: int, height: int, unit: int) -> bytes:
    """A TrackEntry's children with their display size, without `ROOM`."""
    made = b""
    size = element(_DISPLAY_WIDTH, number(width)) + element(_DISPLAY_HEIGHT, number(height))
    if unit:  # 0 is the default
        size += element(_DISPLAY_UNIT, number(unit))
    for name, first, start, end in elements(content, 0, len(content)):
        value = content[start:end]
        if name == _NAME:
            value = value.removesuffix(ROOM.encode())
            made += element(_NAME, value) if value else b""
        elif name == _VIDEO:
            kept = (value[f:e] for child, f, _, e in elements(value, 0, len(value)) if child != _DISPLAY_UNIT)
            made += element(_VIDEO, b"".join(kept) + size)
        else:
            made += content[first:end]
    return made

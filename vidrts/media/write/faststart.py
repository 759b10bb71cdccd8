"""The index (moov) of a complete mp4 or mov moved before its samples, so that playing can begin while it is read.

The file is written once more, beside itself, and takes its own place once that is complete. FFmpeg's muxer does it in
place, but finds its file by the name that it opened: where the folder was renamed meanwhile, it writes no index.
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_OUTER = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
"""Boxes on the way to the offsets of samples."""
_CHUNK = 1 << 22
"""Bytes that are copied at a time."""


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    size: int


def move_index(path: Path, beside: Path) -> bool:
    """Move the index of `path` to the front, by way of the new file `beside`; False where there is no room for it.

    True, too, where nothing is to be moved: the index is in front, or there are fragments. Raises OSError.
    """
    with path.open("rb") as file:
        boxes = _boxes(file, path.stat().st_size)
        kinds = [box.kind for box in boxes]
        if kinds.count(b"moov") != 1 or b"mdat" not in kinds or b"moof" in kinds:
            return True
        index, samples = boxes[kinds.index(b"moov")], boxes[kinds.index(b"mdat")]
        if index.start < samples.start:
            return True
        end = boxes[-1].start + boxes[-1].size
        if shutil.disk_usage(path.parent).free < end:
            return False
        file.seek(index.start)
        moved = _shifted(file.read(index.size), samples.start, index.start)
        try:
            with beside.open("xb") as copy:
                _copy(file, copy, 0, samples.start)
                copy.write(moved)
                _copy(file, copy, samples.start, index.start)
                _copy(file, copy, index.start + index.size, end)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return True


def _boxes(file: BinaryIO, end: int) -> list[_Box]:
    """The outermost boxes; those up to one whose size makes no sense."""
    found: list[_Box] = []
    start = 0
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack(">Q", head[8:])
        if size < 8 or start + size > end:
            return []
        found.append(_Box(kind, start, size))
        start += size
    return found


def _shifted(index: bytes, first: int, last: int) -> bytes:
    """The index with the offsets between `first` and `last` moved by its own length."""
    # Offsets of 32 bit that would no longer fit become such of 64 bit, which makes the index longer.
    wide = last + 2 * len(index) >= 1 << 32
    length = len(_rebuilt(index, 0, first, last, wide=wide))
    return _rebuilt(index, length, first, last, wide=wide)


def _rebuilt(box: bytes, shift: int, first: int, last: int, *, wide: bool) -> bytes:
    """A box, and those within it."""
    kind = box[4:8]
    if kind in _OUTER:
        body, at = b"", 8
        while at + 8 <= len(box):
            (size,) = struct.unpack(">I", box[at : at + 4])
            size = size if size >= 8 else len(box) - at
            body += _rebuilt(box[at : at + size], shift, first, last, wide=wide)
            at += size
        return struct.pack(">I4s", 8 + len(body), kind) + body
    if kind not in (b"stco", b"co64"):
        return box
    (count,) = struct.unpack(">I", box[12:16])
    letter, width = ("I", 4) if kind == b"stco" else ("Q", 8)
    offsets = struct.unpack(f">{count}{letter}", box[16 : 16 + count * width])
    moved = [offset + shift if first <= offset < last else offset for offset in offsets]
    if kind == b"stco" and wide:
        kind, letter, width = b"co64", "Q", 8
    table = struct.pack(f">{count}{letter}", *moved)
    return struct.pack(">I4s", 16 + len(table), kind) + box[8:16] + table


def _copy(file: BinaryIO, copy: BinaryIO, start: int, end: int) -> None:
    file.seek(start)
    left = end - start
    while left > 0:
        data = file.read(min(_CHUNK, left))
        if not data:
            raise OSError("the file became shorter")
        copy.write(data)
        left -= len(data)

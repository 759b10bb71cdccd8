"""EXIF data as bytes: a TIFF structure, which is carried as it is, so that offsets in maker notes stay valid."""

import struct
from collections.abc import Sequence

PREFIX = b"Exif\0\0"
"""Before EXIF data in a JPEG file; other formats do without."""
_SHORT, _LONG = 3, 4
_EXIF_IFD = 0x8769
_FIRST_SIZES, _EXIF_SIZES = (0x0100, 0x0101), (0xA002, 0xA003)
"""Tags of width and height, in the first directory and in the EXIF one."""


def bare(data: bytes | None) -> bytes | None:
    """Without the prefix; None for none at all."""
    return data.removeprefix(PREFIX) or None if data else None


def enlarged(data: bytes, scale: int) -> bytes:
    """The same with width and height, where they are told, times `scale`; damaged data is returned as it is."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or scale == 1:
        return data
    changed = bytearray(data)
    try:
        (first,) = struct.unpack_from(order + "I", data, 4)
        below = _enlarge(changed, order, first, _FIRST_SIZES, scale)
        if below is not None:
            _enlarge(changed, order, below, _EXIF_SIZES, scale)
    except struct.error:
        return data
    return bytes(changed)


def _enlarge(data: bytearray, order: str, start: int, sizes: Sequence[int], scale: int) -> int | None:
    """Change the entries of one directory; returns where the EXIF directory is."""
    (count,) = struct.unpack_from(order + "H", data, start)
    below = None
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        form = order + {_SHORT: "H", _LONG: "I"}.get(kind, "")
        if tag == _EXIF_IFD:
            (below,) = struct.unpack_from(order + "I", data, entry + 8)
        elif tag in sizes and number == 1 and len(form) == 2:
            (size,) = struct.unpack_from(form, data, entry + 8)
            if size * scale < 1 << (16 if kind == _SHORT else 32):
                struct.pack_into(form, data, entry + 8, size * scale)
    return below

"""TIFF files of 8 and 16 bit, which Pillow writes in 8 bit alone: strips after its directory of tags."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from vidrts.media.pictures import mark
from vidrts.media.pictures.metadata import Metadata, tiff_tags

_STRIP = 1 << 20
"""Bytes of a strip before compression, about."""
_SOFTWARE, _OFFSETS, _COUNTS = 305, 273, 279
_SHORT, _LONG = 3, 4
_DEFLATE, _DIFFERENCES = 8, 2


def write(path: Path, samples: NDArray[Any], metadata: Metadata) -> None:
    """Write (H, W, C) samples, little-endian, deflated after horizontal differencing (TIFF 6.0, section 14).

    C is 1 or 2 for gray, 3 or 4 for R'G'B', the last of 2 or 4 alpha. Raises OverflowError beyond 4 GB.
    """
    height, width, channels = samples.shape
    rows = max(1, _STRIP // (width * channels * samples.itemsize))
    starts = range(0, height, rows)
    directory = _directory(samples, metadata, rows, len(starts))
    counts: list[int] = []
    with path.open("wb") as file:
        directory.save(file)  # its length does not depend on the numbers
        for first in starts:
            strip = samples[first : first + rows].astype(samples.dtype.newbyteorder("<"))
            strip[:, 1:] -= strip[:, :-1].copy()
            counts.append(file.write(zlib.compress(strip)))
        directory[_COUNTS] = tuple(counts)
        offsets = np.cumsum([0, *counts])
        if int(offsets[-1]) + 2**20 > 2**32:
            raise OverflowError("TIFF holds 4 GB at most")
        directory[_OFFSETS] = tuple(
            int(offset) for offset in offsets[:-1]
        )  # from the directory's end, as Pillow has it
        file.seek(0)
        directory.save(file)


def _directory(samples: NDArray[Any], metadata: Metadata, rows: int, strips: int) -> ImageFileDirectory_v2:
    height, width, channels = samples.shape
    found = tiff_tags(metadata)
    by = mark.text()
    if (made := found.get(_SOFTWARE)) is not None and by not in str(made[1]):
        by = f"{made[1]}; {by}"
    found[_SOFTWARE] = 2, by
    found |= {
        256: (_LONG, width), 257: (_LONG, height), 258: (_SHORT, (8 * samples.itemsize,) * channels),
        259: (_SHORT, _DEFLATE), 262: (_SHORT, 1 if channels < 3 else 2), 277: (_SHORT, channels),
        278: (_LONG, rows), 284: (_SHORT, 1), 317: (_SHORT, _DIFFERENCES), 339: (_SHORT, (1,) * channels),
        _OFFSETS: (_LONG, (0,) * strips), _COUNTS: (_LONG, (0,) * strips),
    }  # fmt: skip
    if channels in (2, 4):
        found[338] = _SHORT, 1 if metadata.associated_alpha else 2
    directory = ImageFileDirectory_v2()
    for tag, (kind, value) in found.items():
        directory.tagtype[tag] = kind
        directory[tag] = value
    return directory

"""A second of source and results, to be played in step: part of the picture, since calm noise shows in motion alone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from PIL import Image

from vidrts.compare.snapshot import lossy_webp

_PIXELS = 6_500_000
"""Of all frames of one side and the source together; about two megabytes."""
_QUALITY = 90
"""Of WebP: what it loses is less than grain."""
MOST = 120
"""Frames."""


@dataclass(frozen=True)
class Clip:
    """Frames of a part of the picture. Made by `take_clip`, consumed by pages."""

    moment: int
    """Index of the snapshot that it surrounds."""
    at: tuple[int, int]
    """(x, y) of the part's corner in the picture of that snapshot."""
    size: tuple[int, int]
    times: tuple[Fraction, ...]
    """Seconds from the source's first frame."""
    sides: tuple[tuple[bytes, ...], ...]
    """Source, then results -> WebP of each frame."""


def part(size: tuple[int, int], spot: tuple[int, int], count: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the part around `spot` that is played, of a picture of `size`, 4:3 where it is cut.

    The more frames, the smaller: all of them have to be sent with the page.
    """
    width = math.sqrt(_PIXELS / (2 * max(1, count)) * 4 / 3)
    sides = [min(int(most) // 2 * 2, have) for most, have in zip((width, width * 3 / 4), size, strict=True)]
    left, top = (min(max(0, at - side // 2), have - side) for at, side, have in zip(spot, sides, size, strict=True))
    return left, top, left + sides[0], top + sides[1]


def take_clip(
    moment: int, box: tuple[int, int, int, int], frames: Iterable[tuple[Fraction, Sequence[Image.Image]]]
) -> Clip | None:
    """The `Clip` of the part `box` of frames with their times; None for fewer than two."""
    times, sides = [], []
    for time, images in frames:
        times.append(time)
        sides.append([lossy_webp(image.crop(box), _QUALITY) for image in images])
        if len(times) == MOST:
            break
    if len(times) < 2:
        return None
    size = box[2] - box[0], box[3] - box[1]
    return Clip(moment, box[:2], size, tuple(times), tuple(zip(*sides, strict=True)))

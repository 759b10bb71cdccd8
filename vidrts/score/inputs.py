"""The pictures that are scored: picture files and sampled frames of videos, each alone or beside its reference."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidrts.compare.frames import to_rgb
from vidrts.compare.reference_metrics import WINDOW, TwoSided
from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.images import as_rgb, is_picture, read_picture, to_bytes
from vidrts.media.read.random_access import Cursor
from vidrts.media.read.sampling import check_sizes, pairs, sample

type Tell = Callable[[str], None]

SMALLEST = 80
"""Pixels that each side of a picture must have: the side of a block of VIQET's noise measure."""

Samples = NDArray[np.uint8]
"""(H, W, 3) R'G'B'."""


@dataclass(frozen=True)
class Moments:
    """Which frames of a video: so many, evenly spread, or one `every` so many seconds; the other is None."""

    count: int | None
    every: Fraction | None


def alone(path: Path, moments: Moments, tell: Tell) -> Iterator[Samples]:
    """The picture of a picture file, or the sampled frames of a video; raises `InputError` where there is none."""
    if is_picture(path):
        yield _large_enough(path, read_picture(path, tell))
        return
    with closing(sample(path, count=moments.count, every=moments.every, on_message=tell)) as frames:
        for number, frame in enumerate(frames):
            if number == 0:
                _tell_of_hdr(path, frame, tell)
            yield _large_enough(path, to_bytes(to_rgb(frame)))


class Reference:
    """What files were made of: a picture, which is kept, or a video, which is read anew beside each file.

    Raises `InputError` when made, for what cannot be read.
    """

    def __init__(self, path: Path, tell: Tell) -> None:
        self.path = path
        self._picture: Samples | None = None
        if is_picture(path):
            self._picture = read_picture(path, tell)
        else:
            Cursor(path).close()

    def beside(self, path: Path, moments: Moments, tell: Tell, tally: TwoSided) -> Iterator[Samples]:
        """As `alone`, of moments that both have; the two-sided measures go to `tally`.

        Raises `InputError` where one is a picture and the other a video, and where `path` is neither as large as the
        reference nor twice as large.
        """
        still = is_picture(path)
        if still != (self._picture is not None):
            kinds = ("a picture", "a video") if still else ("a video", "a picture")
            raise InputError(f"{path}: is {kinds[0]}, but its reference {self.path} is {kinds[1]}")
        if self._picture is not None:
            samples = _large_enough(path, read_picture(path, tell))
            check_sizes(self.path, _size(self._picture), path, _size(samples))
            tally.add_picture(as_rgb(self._picture), as_rgb(samples))
            yield samples
            return
        moments_of_both = pairs(
            self.path, path, count=moments.count, every=moments.every, window=WINDOW, on_message=tell
        )  # fmt: skip
        with closing(moments_of_both) as found:
            for pair in found:
                if pair.index == 0:
                    _tell_of_hdr(path, pair.result[0], tell)
                samples = _large_enough(path, to_bytes(to_rgb(pair.result[0])))
                tally.add_moment(pair)
                yield samples


def _size(samples: Samples) -> tuple[int, int]:
    """(width, height)."""
    return samples.shape[1], samples.shape[0]


def _large_enough(path: Path, samples: Samples) -> Samples:
    width, height = _size(samples)
    if min(width, height) < SMALLEST:
        raise InputError(f"{path}: is {width}x{height}, wanted at least {SMALLEST}x{SMALLEST} pixels")
    return samples


def _tell_of_hdr(path: Path, frame: Frame, tell: Tell) -> None:
    if frame.color.hdr:
        tell(f"{path}: {frame.color.hdr} video is measured as coded; VIQET was made for SDR pictures")

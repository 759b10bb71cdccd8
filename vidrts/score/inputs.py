"""The pictures that are scored: picture files and sampled frames of videos, each alone or beside its reference."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.compare.frames import to_rgb
from vidrts.compare.metrics import Moment, of_pair, of_pictures
from vidrts.errors import InputError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.images import as_rgb, is_picture, read_picture, to_bytes
from vidrts.media.read.random_access import Cursor
from vidrts.media.read.sampling import check_sizes, pairs, sample
from vidrts.messages import Code, Message, Tell
from vidrts.score.options import Moments

SMALLEST = 80
"""Pixels that each side of a picture must have: the side of a block of VIQET's noise measure."""
WINDOW = 5
"""Consecutive frames at each moment of a video beside its reference."""

Samples = NDArray[np.uint8]
"""(H, W, 3) R'G'B'."""


@dataclass(frozen=True)
class Input:
    """A picture to measure. Made by `alone` and `Reference.beside`, consumed by `scoring`."""

    frame: Frame
    samples: Samples
    """The same as VIQET sees it."""
    moment: Moment | None = None
    """It and its reference."""


def alone(path: Path, moments: Moments, tell: Tell) -> Iterator[Input]:
    """The picture of a picture file, or the sampled frames of a video; raises `InputError` where there is none."""
    if is_picture(path):
        yield _still(path, read_picture(path, tell))
        return
    with closing(sample(path, count=moments.count, every=moments.every, on_message=tell)) as frames:
        for number, frame in enumerate(frames):
            yield _of_video(path, frame, number, tell)


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

    def beside(self, path: Path, moments: Moments, tell: Tell) -> Iterator[Input]:
        """As `alone`, of moments that both have.

        Raises `InputError` where one is a picture and the other a video, and where `path` is not 1, 2, 4 or 8
        times as large as the reference.
        """
        still = is_picture(path)
        if still != (self._picture is not None):
            kinds = ("a picture", "a video") if still else ("a video", "a picture")
            raise InputError(f"{path}: is {kinds[0]}, but its reference {self.path} is {kinds[1]}")
        if self._picture is not None:
            samples = read_picture(path, tell)
            check_sizes(self.path, _size(self._picture), path, _size(samples))
            yield _still(path, samples, self._picture)
            return
        moments_of_both = pairs(
            self.path, path, count=moments.count, every=moments.every, window=WINDOW, on_message=tell
        )  # fmt: skip
        with closing(moments_of_both) as found:
            for pair in found:
                yield _of_video(path, pair.result[0], pair.index, tell, of_pair(pair))


def _still(path: Path, samples: Samples, reference: Samples | None = None) -> Input:
    _check_size(path, *_size(samples))
    planes = tuple(torch.from_numpy(samples).unbind(2))
    frame = Frame(
        planes=planes, format=pixel_format("gbrp"), color=ColorTags(matrix=0, range=2), pts=0, time_base=Fraction(1)
    )
    return Input(frame, samples, None if reference is None else of_pictures([as_rgb(reference)], [as_rgb(samples)]))


def _of_video(path: Path, frame: Frame, number: int, tell: Tell, moment: Moment | None = None) -> Input:
    _check_size(path, frame.width, frame.height)
    if number == 0 and frame.color.hdr:
        tell(Message(Code.SCORED_AS_CODED, signal=frame.color.hdr).about(path))
    return Input(frame, to_bytes(to_rgb(frame) if moment is None else moment.result), moment)


def _size(samples: Samples) -> tuple[int, int]:
    """(width, height)."""
    return samples.shape[1], samples.shape[0]


def _check_size(path: Path, width: int, height: int) -> None:
    if min(width, height) < SMALLEST:
        raise InputError(f"{path}: expected at least {SMALLEST}x{SMALLEST} pixels, got {width}x{height}")

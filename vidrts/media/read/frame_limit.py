"""What is told of a source of which only so many frames are read (-frames:v); how long they last comes out later."""

from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from vidrts.frame import Frame
from vidrts.media.containers import time_base
from vidrts.media.input import Input

if TYPE_CHECKING:
    from av.container.core import Chapter

_RATE = Fraction(25)
"""Frames/s where none is known."""


def shortened(source: Input, first: Frame, count: int) -> Input:
    """`source` as it is with `count` frames from `first` on, by its frame rate.

    Chapters end where the frames do by that. `end` leaves room for frames that last longer: packets are cut by the
    frames themselves.
    """
    info = source.info
    length = count / (info.frame_rate or _RATE)
    begin = first.pts * first.time_base + source.shift
    end = begin + 2 * length + 1
    return replace(
        source,
        end=end if source.end is None else min(end, source.end),
        chapters=tuple(_cut(source, begin + length)),
        info=replace(
            info,
            frames=count if info.frames is None else min(count, info.frames),
            length=length if info.length is None else min(length, info.length),
        ),
    )


def _cut(source: Input, end: Fraction) -> "list[Chapter]":
    """The chapters before `end`."""
    found: list[Chapter] = []
    for chapter in source.chapters:
        base = time_base(chapter["time_base"])
        if chapter["start"] * base < end:
            found.append({**chapter, "end": min(chapter["end"], ceil(end / base))})
    return found

"""Frames of a video, as the enhancer gets them and as R'G'B'."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import torch

from vidrts import color, colorplan
from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source


def frames(path: Path, count: int, start: Fraction | None = None) -> Iterator[Frame]:
    """The first `count` frames of a video from `start` seconds on, as the enhancer gets them."""
    with Source(path, DecodeOptions(start=start)) as source:
        for event in source.events():
            if isinstance(event, Frame):
                yield event
                count -= 1
                if count == 0:
                    return


def to_rgb(frame: Frame) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 of a frame, as vidrts itself understands its colours."""
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    return color.to_rgb(frame.planes, colorplan.plan(tags, frame.format)).clamp(0, 1)

"""What the plugin costs beside the work itself: rates at 1080p, measured in turns; the median of their ratios."""

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch

from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.networks.checkpoint import load_model
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions

vs = pytest.importorskip("vapoursynth", reason="VapourSynth is not installed: pip install vapoursynth")

from vsrts import enhance  # noqa: E402 - after the skip

pytestmark = pytest.mark.slow
W, H = 1920, 1080


def source() -> Any:
    """A clip that costs nothing: one frame, again and again."""
    blank = vs.core.std.BlankClip(
        width=W, height=H, format=vs.YUV420P8, length=100_000, keep=True, color=[90, 100, 120]
    )
    return blank.std.SetFrameProps(_Matrix=1, _Range=0)


def copied(clip: Any) -> Any:
    """The least that a Python filter can do which gives frames of its own."""

    def copy(n: int, f: Any) -> Any:
        target = vs.core.create_video_frame(f.format, f.width, f.height)
        for plane in range(3):
            np.asarray(target[plane])[:] = np.asarray(f[plane])
        return target

    return clip.std.ModifyFrame(clip, copy)


def alone(enhancer: Enhancer) -> Iterator[object]:
    """The enhancer's frames without VapourSynth."""
    planes = tuple(torch.full(size, 100, dtype=torch.uint8) for size in ((H, W), (H // 2, W // 2), (H // 2, W // 2)))
    frame = Frame(
        planes=planes, format=pixel_format("yuv420p"), color=ColorTags(matrix=1, range=1), pts=0,
        time_base=Fraction(1, 25),
    )  # fmt: skip
    while True:
        yield enhancer([frame])


def ratio(ours: Iterator[object], theirs: Iterator[object], frames: int, rounds: int) -> float:
    """Our rate over theirs: the median of `rounds`, each of `frames` frames of both."""

    def seconds(run: Iterator[object]) -> float:
        began = time.perf_counter()
        for _ in islice(run, frames):
            pass
        return time.perf_counter() - began

    seconds(ours), seconds(theirs)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    print("frames/s:", *(f"{frames / a:.1f} against {frames / b:.1f}" for a, b in pairs), sep="\n")
    return median(b / a for a, b in pairs)


def shown(clip: Any, ahead: int) -> Iterator[object]:
    """The clip's frames, `ahead` of them asked for at a time."""
    return iter(clip.frames(prefetch=ahead, close=True))


def test_identity_is_as_fast_as_a_copy() -> None:
    threads = vs.core.num_threads
    ours = shown(enhance(source(), strength=0, device="cpu"), threads)
    assert ratio(ours, shown(copied(source()), threads), frames=100, rounds=21) > 0.8


def test_the_network_is_as_fast_as_alone() -> None:
    enhancer = Enhancer(load_model("rts-r1").network, EnhancerOptions(device="cpu"))
    clip = enhance(source(), model="rts-r1", device="cpu")
    ours = (clip.get_frame(n) for n in count())  # none is made while the other is timed
    assert ratio(ours, alone(enhancer), frames=4, rounds=5) > 0.9

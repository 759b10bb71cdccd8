"""Flicker along motion, against the known motion of a moved photograph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidrts.measure.flicker import Change, flicker, still_change
from vidrts.measure.luma import luma
from vidrts.measure.motion import motion_change
from vidrts.measure.sharpening_filters import unsharp


def panned(kodak: Path, dx: int, dy: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A camera's walk over a photograph, (4, 240, 320) luma, and independent noise for each frame."""
    with Image.open(sorted(kodak.rglob("*.png"))[4]) as image:
        plane = luma(torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255)
    steps = [(60 + dy * t, 80 + dx * t) for t in range(4)]
    frames = torch.stack([plane[y : y + 240, x : x + 320] for y, x in steps])
    return frames, noise * torch.randn(frames.shape)


def shifted_change(video: torch.Tensor, dx: int, dy: int) -> float:
    """The mean change of a panned video along its true, whole-pixel motion."""
    one = video[:-1, max(0, dy) : 240 + min(0, dy), max(0, dx) : 320 + min(0, dx)]
    two = video[1:, max(0, -dy) : 240 + min(0, -dy), max(0, -dx) : 320 + min(0, -dx)]
    return float((two - one).abs().mean())


@pytest.mark.parametrize(("dx", "dy"), [(3, 1), (7, -4)])
def test_noise_and_sharpening_along_a_known_motion(dx: int, dy: int, kodak: Path) -> None:
    frames, noise = panned(kodak, dx, dy, 0.01)
    source = frames + noise
    mask = torch.stack([luma(unsharp(f.expand(3, -1, -1), 0.5)) for f in source])
    wanted = shifted_change(mask, dx, dy) / shifted_change(source, dx, dy)
    assert 1.3 < wanted < 1.5
    assert motion_change(mask, source).ratio == pytest.approx(wanted, rel=0.02)
    # Twice the noise on the same picture: the estimate of the motion, disturbed by noise, leaves a little behind.
    assert motion_change(frames + 2 * noise, source).ratio == pytest.approx(2, rel=0.1)
    assert motion_change(source, source).ratio == 1
    # Pixels that stand still are few here, and chosen by chance: the flicker of still pixels cannot be trusted.
    assert still_change(source, source).source < motion_change(source, source).source / 2


def test_what_cannot_be_followed_is_left_out(kodak: Path) -> None:
    """One half is new in every frame and cannot be followed; what happens there must not count."""
    frames, noise = panned(kodak, 3, 1, 0.01)
    source = frames + noise
    source[:, :, 160:] = torch.rand(4, 240, 160)
    enhanced = source.clone()
    enhanced[:, :, 176:] = torch.rand(4, 240, 144)
    assert motion_change(enhanced, source).ratio == pytest.approx(1, abs=0.01)
    with pytest.raises(ValueError, match="followed"):
        _ = motion_change(torch.zeros(3, 64, 64), torch.zeros(3, 64, 64)).ratio


def test_windows_add_up(kodak: Path) -> None:
    """Sums of two windows are those of the whole, and the ratio is of the sums, not the mean of ratios."""
    still = torch.full((5, 40, 40), 0.5)
    calm, loud = still + 0.001 * torch.rand(5, 40, 40), still + 0.02 * torch.rand(5, 40, 40)
    total = still_change(2 * calm - still, calm) + still_change(still + 3 * (loud - still), loud)
    assert flicker(2 * calm - still, calm) == pytest.approx(2, rel=1e-3)
    assert 2.9 < total.ratio < 3
    frames, _ = panned(kodak, 3, 1, 0.0)
    parts = motion_change(frames[:2], frames[:2]) + motion_change(frames[1:], frames[1:])
    whole = motion_change(frames, frames)
    assert (parts.enhanced, parts.source) == pytest.approx((whole.enhanced, whole.source), rel=1e-9)
    with pytest.raises(ValueError, match="not defined"):
        _ = Change().ratio

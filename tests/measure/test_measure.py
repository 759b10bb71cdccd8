"""Measures against values computed another way."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from scipy import ndimage

from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr
from vidrts.measure.flicker import flicker
from vidrts.measure.sharpening_filters import equal_amount, unsharp
from vidrts.measure.sharpness import flat_noise_gain, predicted_gain, radial_gain, response


def photo(kodak: Path, index: int = 4) -> torch.Tensor:
    with Image.open(sorted(kodak.rglob("*.png"))[index]) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def test_difference_ratio_by_hand(kodak: Path) -> None:
    assert difference_ratio(torch.tensor([2.0, 2.0]), torch.tensor([1.0, 3.0])) == 50.0
    a = photo(kodak)
    assert difference_ratio(a, a) == 0
    assert difference_ratio(a * 1.01, a) == pytest.approx(1.0, rel=1e-5)
    with pytest.raises(ValueError, match="black"):
        difference_ratio(a, torch.zeros_like(a))


def test_psnr_by_hand(kodak: Path) -> None:
    a = photo(kodak)
    assert psnr(a, a) == math.inf
    assert psnr(a + 0.1, a) == pytest.approx(20, abs=1e-4)


def test_the_gain_of_a_known_filter_is_measured(kodak: Path) -> None:
    """Filter by [1 2 1]/4 in both directions with scipy: the radial mean lies between the axis and the diagonal."""
    a = photo(kodak)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    b = torch.from_numpy(np.stack([ndimage.convolve(c, kernel, mode="nearest") for c in a.double().numpy()]))
    for frequency, gain in zip(*radial_gain(b, a), strict=True):
        along = math.cos(math.pi * frequency) ** 2
        across = math.cos(math.pi * frequency / math.sqrt(2)) ** 4
        assert min(along, across) - 0.03 < gain < max(along, across) + 0.03


def test_the_formula_gives_the_table_of_the_specification() -> None:
    """Gain of the linear model at f = 0.35, HR1 to HR4."""
    table = {
        "box": (1.09, 1.14, 1.16, 1.16), "triangle": (1.50, 1.70, 1.75, 1.76),
        "cubic": (1.16, 1.19, 1.19, 1.19), "lanczos": (1.00, 1.00, 1.00, 1.00),
    }  # fmt: skip
    for kernel, gains in table.items():
        for stage, gain in enumerate(gains, 1):
            assert predicted_gain(kernel, stage, 0.35) == pytest.approx(gain, abs=0.006)
    assert response("triangle", 0.2) == pytest.approx(math.cos(math.pi * 0.2) ** 3, abs=1e-12)


def test_unsharp_is_pillows(kodak: Path) -> None:
    a = photo(kodak)
    image = Image.fromarray((a * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    wanted = np.array(image.filter(ImageFilter.UnsharpMask(radius=1, percent=80, threshold=0))) / 255
    got = unsharp(a, 0.8).permute(1, 2, 0).numpy()
    assert np.abs(got - wanted).mean() < 0.004  # Pillow's Gaussian is three box blurs


def test_equal_amount_meets_the_ratio(kodak: Path) -> None:
    a = photo(kodak)
    assert difference_ratio(unsharp(a, equal_amount(a, 1.5)), a) == pytest.approx(1.5, rel=0.01)


def test_flicker_by_hand() -> None:
    still = torch.full((5, 4, 6), 0.5)
    noise = 0.01 * torch.randn(5, 4, 6)
    source = still + noise.clamp(-0.02, 0.02)
    assert flicker(source, source) == 1.0
    assert flicker(still + 2 * (source - still), source) == pytest.approx(2, abs=1e-3)
    moving = source.clone()
    moving[:, :, :3] += torch.linspace(0, 0.5, 5).view(5, 1, 1)  # left half moves: it must not count
    enhanced = moving.clone()
    enhanced[:, :, :3] = torch.rand(5, 4, 3)
    assert flicker(enhanced, moving) == 1.0
    with pytest.raises(ValueError, match="stands still"):
        flicker(still, still)


def test_flat_noise_gain_by_hand() -> None:
    source = 0.5 + 0.01 * torch.randn(3, 160, 160)
    assert flat_noise_gain(0.5 + 3 * (source - 0.5), source) == pytest.approx(3, rel=1e-4)
    with pytest.raises(ValueError, match="varies"):
        flat_noise_gain(source, torch.zeros(3, 160, 160))

"""Nearness of pictures: difference ratios, PSNR, SSIM, CIEDE2000, overshoot, against values computed another way."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from scipy import ndimage

from vidrts.measure.color_difference import ciede2000, color_shift, mean_ciede2000, srgb_to_lab
from vidrts.measure.difference import delta_scalar, difference_ratio, mean_difference, rms_difference, step_ratio
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.luma import luma
from vidrts.measure.sharpening_filters import unsharp
from vidrts.measure.sharpness import edge_gain, overshoot


def photo(kodak: Path, index: int = 4) -> torch.Tensor:
    with Image.open(sorted(kodak.rglob("*.png"))[index]) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
"""L a b of two colours and their difference: Sharma, Wu and Dalal 2005, table 1."""


def test_ciede2000_has_the_published_values() -> None:
    rows = torch.tensor([[float(v) for v in line.split()] for line in SHARMA.strip().splitlines()]).double()
    assert len(rows) == 34
    one, two, wanted = rows[:, :3].T, rows[:, 3:6].T, rows[:, 6]
    for got in (ciede2000(one, two), ciede2000(two, one)):
        assert got.numpy() == pytest.approx(wanted.numpy(), abs=5e-5)


def test_lab_of_the_primaries_and_opencvs(kodak: Path) -> None:
    """Published L*a*b* of sRGB's primaries (D65); OpenCV's conversion of a photograph, which interpolates a table."""
    primaries = torch.cat([torch.eye(3), torch.ones(3, 1)], dim=1)
    published = [[53.2408, 80.0925, 67.2032], [87.7347, -86.1827, 83.1793], [32.2970, 79.1875, -107.8602], [100, 0, 0]]
    assert srgb_to_lab(primaries).T.numpy() == pytest.approx(np.array(published), abs=0.02)
    rgb = photo(kodak)
    wanted = cv2.cvtColor(np.ascontiguousarray(rgb.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2LAB)
    difference = np.abs(srgb_to_lab(rgb).permute(1, 2, 0).numpy() - wanted)
    assert difference.mean() < 0.1
    assert difference.max() < 1


def test_mean_ciede2000_of_photographs(kodak: Path) -> None:
    """The mean over all pixels, in bands that do not divide the height; greys differ by their lightness alone."""
    rgb = photo(kodak)[:, :300]
    changed = (rgb * 1.05).clamp(0, 1)
    assert mean_ciede2000(rgb, rgb) == 0
    whole = float(ciede2000(srgb_to_lab(changed), srgb_to_lab(rgb)).mean())
    assert mean_ciede2000(changed, rgb) == pytest.approx(whole, rel=1e-12)
    assert 0.5 < whole < 3
    white, grey = torch.ones(3, 8, 8), torch.full((3, 8, 8), 0.4663)  # L* 100 and 50: S_L at their mean of 75
    weight = 1 + 0.015 * 25**2 / math.sqrt(20 + 25**2)
    assert mean_ciede2000(white, grey) == pytest.approx(50 / weight, rel=1e-3)


def test_difference_ratios_by_hand(kodak: Path) -> None:
    reference, first, second = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.0]), torch.tensor([2.0, 4.0])
    assert difference_ratio(first, reference) == 50
    assert mean_difference(first * 50, reference * 50, peak=255) == pytest.approx(100 * 50 / 255)
    assert rms_difference(torch.tensor([1.0, 5.0]), reference) == pytest.approx(100 * math.sqrt(2) / 2)
    # The scalar delta is 0 although the second stage differs from the first: the paper's table cannot see that.
    assert delta_scalar(second, first, reference) == 0
    assert step_ratio(second, first) == 50
    a = photo(kodak)
    b = unsharp(a, 0.5)
    x, y = b.double().numpy(), a.double().numpy()
    assert difference_ratio(b, a) == pytest.approx(100 * np.abs(x - y).sum() / y.sum(), rel=1e-9)
    assert mean_difference(b, a) == pytest.approx(100 * np.abs(x - y).mean(), rel=1e-9)
    assert rms_difference(b, a) == pytest.approx(100 * np.sqrt(((x - y) ** 2).mean()) / y.mean(), rel=1e-9)
    for measure in (difference_ratio, rms_difference):
        with pytest.raises(ValueError, match="black"):
            measure(a, torch.zeros_like(a))


def test_ssim_window_by_window(kodak: Path) -> None:
    """Weighted means, variances and covariance of each 11x11 window, straight from the definition, in numpy."""
    rgb = photo(kodak)[:, 60:140, 90:190]
    x, y = luma(unsharp(rgb, 1.0)).double().numpy(), luma(rgb).double().numpy()
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    one, two = sliding_window_view(x, (11, 11)), sliding_window_view(y, (11, 11))
    mx, my = ((w * weights).sum(axis=(2, 3), keepdims=True) for w in (one, two))
    vx, vy = (((w - m) ** 2 * weights).sum(axis=(2, 3)) for w, m in ((one, mx), (two, my)))
    cov = ((one - mx) * (two - my) * weights).sum(axis=(2, 3))
    mx, my = mx[..., 0, 0], my[..., 0, 0]
    wanted = ((2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))).mean()
    got = ssim(torch.from_numpy(x), torch.from_numpy(y))
    assert got == pytest.approx(wanted, abs=1e-10)
    assert 0.5 < got < 0.99
    assert ssim(torch.from_numpy(x) * 255, torch.from_numpy(y) * 255, peak=255) == pytest.approx(wanted, abs=1e-10)
    assert ssim(torch.from_numpy(y), torch.from_numpy(y)) == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="11x11"):
        ssim(torch.zeros(10, 50), torch.zeros(10, 50))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_psnr_is_ffmpegs(kodak: Path, tmp_path: Path) -> None:
    """FFmpeg's psnr filter on the same samples: gray for a plane of luma, rgb24 for all three."""
    a = photo(kodak)
    b = unsharp(a, 0.7)
    for name, one, two in (("rgb24", a, b), ("gray", luma(a)[None], luma(b)[None])):
        stored = [(p * 255).round().to(torch.uint8) for p in (one, two)]
        for file, picture in zip(("a", "b"), stored, strict=True):
            (tmp_path / file).write_bytes(picture.permute(1, 2, 0).contiguous().numpy().tobytes())
        raw = ["-f", "rawvideo", "-s", f"{a.shape[2]}x{a.shape[1]}", "-pix_fmt", name, "-i"]
        command = [
            "ffmpeg",
            "-nostdin",
            *raw,
            tmp_path / "a",
            *raw,
            tmp_path / "b",
            "-lavfi",
            "psnr",
            "-f",
            "null",
            "-",
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        match = re.search(r"average:([\d.]+)", told)
        assert match is not None, told
        assert psnr(stored[1], stored[0], peak=255) == pytest.approx(float(match[1]), abs=2e-6)


def test_luma_is_bt709(kodak: Path) -> None:
    a = photo(kodak)
    wanted = 0.2126 * a[0].double() + 0.7152 * a[1].double() + 0.0722 * a[2].double()
    assert float((luma(a) - wanted).abs().max()) < 1e-6
    assert luma(torch.stack([a, a])).shape == (2, *a.shape[1:])
    assert torch.equal(luma(torch.ones(3, 2, 2).double()), torch.ones(2, 2).double())


def test_the_steepness_of_edges(kodak: Path) -> None:
    """That of a blurred step by its formula; noise makes no difference."""
    x = torch.arange(64, dtype=torch.float64) - 31.5

    def step(sigma: float) -> torch.Tensor:
        return (0.5 + 0.2 * torch.erf(x / (sigma * 2**0.5))).expand(3, 64, 64)

    slope = {s: math.erf(0.5 / (s * 2**0.5)) for s in (1.0, 2.0)}  # of the middle difference, over the step's height
    found = edge_gain(step(1.0), step(2.0), share=1 / 63)
    assert found == pytest.approx(slope[1.0] / slope[2.0], rel=1e-6)
    assert edge_gain(step(2.0), step(1.0), share=1 / 63) == pytest.approx(1 / found, rel=1e-6)
    assert edge_gain(step(1.0), step(1.0)) == 1
    clean = photo(kodak)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    assert edge_gain(clean, clean + 0.03 * noise) == pytest.approx(1, abs=0.02), "taking noise away blurs no edge"
    with pytest.raises(ValueError, match="one colour"):
        edge_gain(clean * 0 + 0.5, clean * 0 + 0.5)


def test_the_shift_of_colours_is_that_of_blocks() -> None:
    grey = torch.full((3, 32, 48), 0.5)
    checks = grey + 0.1 * (torch.arange(48) % 2 * 2 - 1)
    assert color_shift(checks, grey) == pytest.approx(0, abs=1e-4)
    redder = grey + torch.tensor([0.1, 0, 0])[:, None, None]
    assert color_shift(redder, grey) == pytest.approx(mean_ciede2000(redder, grey), rel=1e-6)


def test_overshoot_by_scipy(kodak: Path) -> None:
    a = photo(kodak)
    b = unsharp(a, 1.0)
    before, after = luma(a).double().numpy(), luma(b).double().numpy()
    high, low = ndimage.maximum_filter(before, 5, mode="nearest"), ndimage.minimum_filter(before, 5, mode="nearest")
    edge = high - low >= 0.1
    beyond = np.maximum(after - high, 0) + np.maximum(low - after, 0)
    wanted = 100 * beyond[edge].sum() / (high - low)[edge].sum()
    assert overshoot(b, a) == pytest.approx(wanted, rel=1e-6)
    assert wanted > 1
    assert overshoot(a, a) == 0


def test_overshoot_of_a_step_and_a_steeper_edge() -> None:
    """A step from 0.3 to 0.7 with a halo of 0.1 one pixel wide on each side; and an edge that only became steeper."""
    step = torch.full((3, 40, 40), 0.3)
    step[:, :, 20:] = 0.7
    halo = step.clone()
    halo[:, :, 19] -= 0.1
    halo[:, :, 20] += 0.1
    # Four columns see both sides within 5 pixels, and two of them carry the halo.
    assert overshoot(halo, step) == pytest.approx(100 * 2 * 0.1 / (4 * 0.4), rel=1e-5)
    ramp = torch.linspace(0, 1, 9).clamp(0.3, 0.7).repeat_interleave(2).expand(3, 40, 18)
    steeper = (0.5 + 1.5 * (ramp - 0.5)).clamp(0.3, 0.7)
    assert overshoot(steeper, ramp) == 0
    with pytest.raises(ValueError, match="no edge"):
        overshoot(step * 0 + 0.5, step * 0 + 0.5)

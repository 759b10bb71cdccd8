"""Resampling against Pillow, and its invariants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vidrts.ops.lanczos import KERNELS, enlarge, half_taps, halve

PILLOW = {
    "box": Image.Resampling.BOX,
    "triangle": Image.Resampling.BILINEAR,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_halve_is_pillows_antialiased_scaling(kernel: str, kodak) -> None:
    with Image.open(sorted(kodak.rglob("*.png"))[2]) as image:
        gray = np.asarray(image.convert("F"))[:300, :400]
    wanted = np.asarray(Image.fromarray(gray).resize((200, 150), PILLOW[kernel]))
    got = halve(torch.from_numpy(gray.copy())[None, None], kernel)[0, 0].numpy()
    # Pillow renormalises at the borders where we replicate, so only the interior is the same.
    assert np.abs(got - wanted)[4:-4, 4:-4].max() < 1e-3


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_enlarging_is_pillows_lanczos(factor: int, kodak) -> None:
    with Image.open(sorted(kodak.rglob("*.png"))[2]) as image:
        gray = np.asarray(image.convert("F"))[:100, :120]
    size = (120 * factor, 100 * factor)
    expected = np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.LANCZOS))
    x = torch.from_numpy(gray.copy())[None, None]
    got = enlarge(x, factor)
    inner = (slice(4 * factor, -4 * factor),) * 2
    assert np.abs(got[0, 0].numpy() - expected)[inner].max() < 1e-3


def test_taps() -> None:
    assert [len(half_taps(k)) for k in KERNELS] == [2, 4, 8, 12]
    assert torch.allclose(half_taps("triangle") * 8, torch.tensor([1.0, 3, 3, 1], dtype=torch.float64))
    for kernel in KERNELS:
        assert torch.allclose(half_taps(kernel), half_taps(kernel).flip(0), atol=1e-16)


@given(value=st.floats(-1, 2), offset=st.floats(0.0, 0.5))
def test_flat_stays_flat(value: float, offset: float) -> None:
    flat = torch.full((1, 2, 6, 8), value, dtype=torch.float64)
    assert torch.allclose(enlarge(flat, 2, offset, offset), torch.tensor(value, dtype=torch.float64), atol=1e-12)
    for kernel in KERNELS:
        assert torch.allclose(halve(flat, kernel), torch.tensor(value, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("offset", [0.125, 0.25, 0.375])
def test_enlarging_keeps_a_ramp_in_place(offset: float) -> None:
    """Output 2k lies at input k - offset: on a ramp that can be read off. Lanczos-3 reproduces a ramp to a few %."""
    ramp = torch.arange(40, dtype=torch.float64).repeat(12, 1)[None, None]
    out = enlarge(ramp, 2, offset, 0.25)[0, 0, 12, 20:60]
    wanted = torch.arange(20, 60, dtype=torch.float64) / 2 - offset
    assert (out - wanted).abs().max() < 0.03


def test_halve_refuses_odd_sizes() -> None:
    with pytest.raises(ValueError, match="even"):
        halve(torch.zeros(1, 1, 5, 4))

"""Colour and place of damaged pictures: the correction, the measure of displacement, the limits."""

import cv2
import numpy as np
import pytest
import torch

from vidrts.training.degrader.control import Fit, corrected, displacement, fit
from vidrts.training.degrader.report import lattice


def shifted(picture: torch.Tensor, across: float, down: float) -> torch.Tensor:
    """By the Fourier transform: exact for what is periodic; the border is cut away by the caller."""
    rows, columns = torch.fft.fftfreq(picture.shape[1])[:, None], torch.fft.fftfreq(picture.shape[2])
    phase = torch.exp(-2j * torch.pi * (rows * down + columns * across))
    return torch.fft.ifft2(torch.fft.fft2(picture) * phase).real


def blurred(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.stack([torch.from_numpy(cv2.GaussianBlur(plane.numpy(), (0, 0), sigma)) for plane in picture])


@pytest.mark.parametrize(("across", "down"), [(0, 0), (0.7, -0.4), (0, 0.9), (-1.5, 1.2)])
def test_displacement_of_blurred_and_noisy_pictures(picture: torch.Tensor, across: float, down: float) -> None:
    damaged = blurred(shifted(picture, across, down), 0.8) + 0.02 * torch.randn_like(picture)
    piece = (slice(None), slice(40, 136), slice(60, 156))
    assert displacement(damaged[piece], picture[piece]) == pytest.approx(np.hypot(across, down), abs=0.06)


def test_noise_on_a_flat_picture_is_no_displacement() -> None:
    flat = torch.full((3, 48, 48), 0.5)
    assert displacement(flat + 0.02 * torch.randn(3, 48, 48), flat) < 0.1


def test_correction_takes_a_cast_and_leaves_damage(picture: torch.Tensor) -> None:
    clean = picture[:, :128, :128]
    noise = 0.05 * torch.randn(1, 128, 128).expand(3, -1, -1)
    cast = torch.tensor([0.06, 0.0, -0.06]).view(3, 1, 1)
    damaged = (blurred(clean, 1.0) + noise + cast).clamp(0, 1)
    made = corrected(damaged, clean)
    before, after = fit(damaged, clean), fit(made, clean)
    plain = fit((blurred(clean, 1.0) + noise).clamp(0, 1), clean)
    assert before.difference > 1.3 * after.difference and after.difference < plain.difference + 0.3
    left = made - clean
    assert float(left.std()) > 0.8 * float((damaged - cast - clean).std()), "blur and noise are still there"
    assert torch.equal(corrected(clean, clean), clean)


@pytest.mark.parametrize("across", [True, False])
def test_correction_takes_a_lattice_and_leaves_damage(picture: torch.Tensor, across: bool) -> None:
    clean = picture[:, :96, :128]
    noise = 0.005 * torch.randn(1, 96, 128).expand(3, -1, -1)
    grid = torch.zeros(3, 96, 128)
    grid[:, :, :64:4] = 0.01  # in one half
    grid = grid if across else grid.transpose(1, 2)[:, :96].repeat(1, 1, 2)[:, :, :128]
    assert lattice(grid) > 0.8
    without, with_it = (corrected(clean + damage, clean) - clean for damage in (noise, noise + grid))
    assert lattice(noise + grid) > 0.3
    assert lattice(with_it) < lattice(without) + 0.1 < 0.15
    inner = (slice(None), slice(16, -16), slice(16, 48))
    assert without[inner].std() > 0.9 * noise[inner].std(), "noise stays"
    line = torch.zeros(3, 96, 128)
    line[:, :, 60] = 0.5
    beside = (corrected(0.25 + line, torch.full((3, 96, 128), 0.25)) - 0.25)[:, :, 62:80].mean((0, 1))
    assert beside.diff(dim=0).abs().max() < 1 / 255, "one line does not repeat"
    tiny = torch.rand(3, 3, 40)
    assert corrected(tiny, tiny).equal(tiny)


def test_limits() -> None:
    assert Fit(6.0, 0.8).keeps and not Fit(6.1, 0.1).keeps and not Fit(1, 0.81).keeps

"""A test chart that follows the steps of a degradation that soften, to see how much detail they take."""

import copy
from functools import cache

import numpy as np
import torch

from vidrts.networks.blur_level import BANDS
from vidrts.ops.lanczos import halve
from vidrts.training.degradation.step import Step

_SIDE = 96
_EDGE = 16
"""Pixels at each side that are not looked at: filters see beyond the border there."""


class Chart:
    """White noise, sharp, and what softening steps make of it."""

    def __init__(self) -> None:
        self._sharp = self._soft = _noise()

    def follow(self, step: Step, rng: np.random.Generator) -> None:
        """Do to the chart what `step` is about to do to a picture with the same `rng`, which stays as it is."""
        if step.scales:  # held against the sharpest of the ways to halve
            self._sharp = halve(self._sharp[None].float(), "lanczos")[0].round().clamp(0, 255).to(torch.uint8)
        (self._soft,) = step([self._soft], [copy.deepcopy(rng)])

    @property
    def levels(self) -> tuple[float, ...]:
        """The blur levels: the share of the detail in each of `BANDS` that is gone, 0..1."""
        if self._soft is self._sharp:
            return (0.0,) * len(BANDS)
        sharp, radius = _spectrum(self._sharp)
        soft, _ = _spectrum(self._soft)
        gone = []
        for low, high in BANDS:
            band = (radius >= low) & (radius <= high)
            kept = float((soft * sharp.conj())[band].real.sum() / sharp[band].abs().square().sum())
            gone.append(min(1.0, max(0.0, 1 - kept)))
        return tuple(gone)


@cache
def _noise() -> torch.Tensor:
    samples = np.random.default_rng(0).integers(64, 192, size=(1, _SIDE, _SIDE), dtype=np.uint8)
    return torch.from_numpy(samples).expand(3, -1, -1).contiguous()


def _spectrum(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the chart's green, and the frequency of each sample in cycles per pixel."""
    edge = _EDGE * picture.shape[1] // _SIDE
    inner = picture[1, edge:-edge, edge:-edge].double() - 128
    window = torch.hann_window(inner.shape[0], periodic=False, dtype=torch.float64)
    frequencies = torch.fft.fftfreq(inner.shape[0], dtype=torch.float64)
    return torch.fft.fft2(inner * window[:, None] * window), torch.hypot(frequencies[:, None], frequencies[None])

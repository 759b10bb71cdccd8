"""What a network has to beat: plain filters that change the picture by as much.

Each takes a picture (3, H, W) of R'G'B' in 0..1 and a strength, and gives the sharpened picture, clamped to 0..1.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from scipy.optimize import brentq  # type: ignore[import-untyped]

from vidrts.measure.difference import difference_ratio
from vidrts.measure.separable import gaussian, separable
from vidrts.measure.sharpness import predicted_gain


def unsharp(picture: torch.Tensor, amount: float, sigma: float = 1.0) -> torch.Tensor:
    """picture + amount * (picture - Gaussian(picture)); edges replicated."""
    return _unsharp(picture, sigma)(picture, amount)


def _unsharp(picture: torch.Tensor, sigma: float = 1.0) -> Callable[[torch.Tensor, float], torch.Tensor]:
    """`unsharp` for this picture, whose detail is found once for all amounts."""
    detail = picture - separable(picture, gaussian(sigma, math.ceil(3 * sigma)))
    return lambda picture, amount: (picture + amount * detail).clamp_(0, 1)


def linear(picture: torch.Tensor, amount: float, stage: int = 2) -> torch.Tensor:
    """The linear filter with the gain of `sharpness.predicted_gain` for `stage` (triangle LR), at 0..1 and beyond.

    It does along each axis what a network would do that only inverted the kernel of its LR; what a trained network
    does otherwise, with noise, edges and blocks, is its own.
    """
    return (picture + amount * (separable(picture, _inverse_taps(stage)) - picture)).clamp_(0, 1)


@cache
def _inverse_taps(stage: int, radius: int = 10, grid: int = 256) -> torch.Tensor:
    """Symmetric taps whose response is `predicted_gain`, by the inverse transform, cut at `radius`; float64."""
    gains = torch.tensor([predicted_gain("triangle", stage, k / grid) for k in range(grid // 2 + 1)]).double()
    impulse = torch.fft.irfft(gains, n=grid)
    taps = torch.cat([impulse[-radius:], impulse[: radius + 1]])
    return taps / taps.sum()


def of_gain(
    picture: torch.Tensor, frequencies: Sequence[float], gains: Sequence[float], radius: int = 10
) -> torch.Tensor:
    """The linear filter that is alike in all directions and has these gains at these radial frequencies.

    frequencies: rising, in cycles per pixel; beyond the ends the gain is that of the end. The mean colour stays. What a
    network of the same mean gain does otherwise is not a matter of how much it sharpens.
    """
    centre = picture.mean(dim=(1, 2), keepdim=True)
    spread = F.pad((picture - centre)[:, None], (radius,) * 4, mode="replicate")
    taps = _radial_taps(tuple(frequencies), tuple(gains), radius).to(picture)
    return (centre + F.conv2d(spread, taps[None, None])[:, 0]).clamp_(0, 1)


@cache
def _radial_taps(
    frequencies: tuple[float, ...], gains: tuple[float, ...], radius: int, grid: int = 256
) -> torch.Tensor:
    """(2 radius + 1, 2 radius + 1) float64: the inverse transform of the radial response, cut at `radius`."""
    axis = np.fft.fftfreq(grid)
    wanted = np.interp(np.hypot(axis[:, None], axis), frequencies, gains)
    impulse = np.roll(np.fft.ifft2(wanted).real, (radius, radius), axis=(0, 1))
    return torch.from_numpy(impulse[: 2 * radius + 1, : 2 * radius + 1].copy())


def equal_amount(
    picture: torch.Tensor,
    ratio: float,
    control: Callable[[torch.Tensor, float], torch.Tensor] | None = None,
    most: float = 8.0,
) -> float:
    """The strength in 0..`most` at which `control`, or `unsharp`, has a difference ratio of `ratio` percent.

    To about 1e-5 of `most`, by Brent's method. Where no strength has it, the nearer end.
    """
    sharpened = control or _unsharp(picture)

    def beyond(amount: float) -> float:
        return difference_ratio(sharpened(picture, amount), picture) - ratio

    if beyond(0.0) >= 0:
        return 0.0
    if beyond(most) <= 0:
        return most
    return float(brentq(beyond, 0.0, most, xtol=1e-5 * most))

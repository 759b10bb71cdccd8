"""What a network has to beat: an unsharp mask that changes the picture by as much."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.measure.difference import difference_ratio


def unsharp(picture: torch.Tensor, amount: float, sigma: float = 1.0) -> torch.Tensor:
    """picture + amount * (picture - Gaussian(picture)), clamped to 0..1; (C, H, W), edges replicated.

    specs/RTS.md section 8.
    """
    radius = math.ceil(3 * sigma)
    taps = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float64).square() / (2 * sigma * sigma))
    taps = (taps / taps.sum()).to(picture)
    blurred = F.pad(picture[:, None], (radius,) * 4, mode="replicate")
    blurred = F.conv2d(F.conv2d(blurred, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))[:, 0]
    return (picture + amount * (picture - blurred)).clamp_(0, 1)


def equal_amount(picture: torch.Tensor, ratio: float, most: float = 8.0) -> float:
    """The amount of `unsharp` whose difference ratio on `picture` is `ratio` (percent), by bisection to 0.1 %."""
    return _bisect(lambda amount: difference_ratio(unsharp(picture, amount), picture) - ratio, 0.0, most)


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a rising function between `low` and `high`, or the nearer end."""
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return (low + high) / 2

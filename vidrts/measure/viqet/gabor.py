"""The Gabor kernels of VIQET, from the closed form that gives its tables to their last digit."""

import math
from functools import cache

import numpy as np

from vidrts.measure.viqet.preprocess import F64

ORIENTATIONS = 4
EDGE_SIZES = (49, 25, 17, 15, 11, 11, 9, 9, 7)
"""Sides of the Set 1 kernels, scale 1 first."""
NOISE_SIZES = (45, 25, 13, 7)
"""Sides of the Set 3 kernels, scale 1 first."""


def gabor(low: float, high: float, size: int, orientation: int) -> F64:
    """Real part of a Gabor kernel, (size, size): zero mean, unit energy of the complex one, 5 significant digits.

    The band `low`..`high` is in cycles per pixel; orientation 1..4 = along x, x + y, y, x - y.
    """
    frequency = (low + high) / 2
    sigma = (high - low) / (2 * math.sqrt(math.log(2)))
    y, x = np.mgrid[:size, :size] - size // 2
    along = (x, (x + y) / math.sqrt(2), y, (x - y) / math.sqrt(2))[orientation - 1]
    spread = 2 * math.pi**2 * sigma**2
    kernel = np.exp(-spread * (x * x + y * y)) * np.exp(2j * math.pi * frequency * along)
    kernel -= kernel.mean()
    kernel /= np.sqrt((np.abs(kernel) ** 2).sum())
    return np.array([float(f"{value:.4e}") for value in kernel.real.flat]).reshape(size, size)


@cache
def edge_kernels() -> tuple[F64, ...]:
    """The nine kernels of Set 1, each the mean over its four orientations (filtering is linear)."""
    return tuple(
        np.mean([gabor(0.5 * 2 ** (-0.1 * scale), 0.5, size, k) for k in range(1, ORIENTATIONS + 1)], axis=0)
        for scale, size in enumerate(EDGE_SIZES, 1)
    )


@cache
def noise_kernels() -> tuple[tuple[F64, ...], ...]:
    """The kernels of Set 3: for each of the four orientations, the four scales."""
    highs = [0.5 * 2 ** (-0.9 * (4 - scale)) for scale in range(1, 5)]
    return tuple(
        tuple(gabor(high * 2**-0.9, high, size, k) for high, size in zip(highs, NOISE_SIZES, strict=True))
        for k in range(1, ORIENTATIONS + 1)
    )

"""Shapes of generalised Gaussians from moments, on VIQET's grids."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import gamma  # type: ignore[import-untyped]

from vidrts.measure.viqet.preprocess import F64

_NO_SHAPE = 11.0
"""What VIQET takes for the shape where no grid point fits (nearly uniform or nearly two-valued samples)."""


def symmetric_shape(ratio: F64) -> F64:
    """Shape of zero-mean generalised Gaussians (1 Laplace, 2 normal) from variance / (mean |deviation|)^2; any shape.

    The grid point before the true value, 0.03..10 in steps of 0.001, or 11 beyond the grid. Section 5.
    """
    shapes, ratios = _symmetric_grid()
    # Ratios fall along the grid: wanted is the last one that is >= `ratio`.
    index = len(ratios) - np.searchsorted(ratios[::-1], ratio, side="left") - 1
    fits = (index >= 0) & (index < len(ratios) - 1)
    return np.where(fits, shapes[np.where(fits, index, 0)], _NO_SHAPE)


@cache
def _symmetric_grid() -> tuple[F64, F64]:
    shapes = np.cumsum(np.r_[0.03, np.full(10_000, 0.001)])  # VIQET adds up the step, rounding errors and all
    shapes = shapes[shapes <= 10]
    return shapes, gamma(1 / shapes) * gamma(3 / shapes) / gamma(2 / shapes) ** 2


@dataclass(frozen=True, eq=False)
class Asymmetric:
    """An asymmetric generalised Gaussian: its shape, and what the scales are made of."""

    shape: float
    left: float
    """Root mean square of the negative samples."""
    right: float
    scale: float
    """sqrt(Gamma(1/shape) / Gamma(3/shape)): side's root mean square -> its scale parameter."""


def fit_asymmetric(samples: F64, first: float, last: float, guard: float) -> Asymmetric:
    """Fit samples of any shape; the grid is `first`..`last` in steps of 0.001, `guard` keeps left / right finite.

    All is NaN where either side has no sample. Sections 6 and 9.
    """
    negative, positive = samples[samples < 0], samples[samples > 0]
    if not (negative.size and positive.size):
        return Asymmetric(np.nan, np.nan, np.nan, np.nan)
    left, right = (float(np.sqrt(np.mean(side * side))) for side in (negative, positive))
    skew = left / (guard + right)
    ratio = np.mean(np.abs(samples)) ** 2 / np.mean(samples * samples)
    wanted = float(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
    shapes, ratios = _asymmetric_grid(first, last)
    # Ratios rise along the grid: the best is one of the two around the wanted one, of equally good ones the first.
    above = int(np.searchsorted(ratios, wanted))
    near = np.clip([above - 1, above], 0, len(ratios) - 1)
    shape = float(shapes[near[np.argmin((ratios[near] - wanted) ** 2)]])
    return Asymmetric(shape, left, right, float(np.sqrt(gamma(1 / shape) / gamma(3 / shape))))


@cache
def _asymmetric_grid(first: float, last: float) -> tuple[F64, F64]:
    """Shapes and their rising ratios; undefined entries (Gamma overflows) and repeated ratios are left out."""
    shapes = np.arange(round(first * 1000), round(last * 1000) + 1) / 1000
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    shapes, ratios = shapes[np.isfinite(ratios)], ratios[np.isfinite(ratios)]
    distinct, index = np.unique(ratios, return_index=True)
    return shapes[index], distinct

"""Measures that are not defined for every picture, and means over those for which they are."""

import math
from collections.abc import Callable, Iterable

import torch


def or_nan(measure: Callable[..., float], *pictures: torch.Tensor) -> float:
    """The measure, NaN where it raises ValueError: it is not defined for these pictures."""
    try:
        return measure(*pictures)
    except ValueError:
        return math.nan


def mean(values: Iterable[float]) -> float:
    """The mean of those that are finite; NaN where none is."""
    held = [value for value in values if math.isfinite(value)]
    return sum(held) / len(held) if held else math.nan

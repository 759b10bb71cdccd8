"""The picture as VIQET looks at it: fitted to a 1920x1200 monitor, 8 bit, and its grey version."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidrts.errors import UnsupportedFormatError

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

MONITOR_WIDTH, MONITOR_HEIGHT = 1920, 1200
SMALLEST_SIDE = 80
"""Pixels of a side below which a picture is refused: its detail would be that of the enlargement alone."""
SMALLEST_FITTED_WIDTH, SMALLEST_FITTED_HEIGHT = 107, 121
"""Three quarters of 107 is one noise block of 80; up to 120 rows the window of the final noise is one pixel."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The fitted picture that all measures share. Produced by `fit`, passive."""

    resolution_mp: float
    """Megapixels of the picture before it was fitted."""
    rgb: U8  # (h, w, 3)
    grey: U8  # (h, w)


def fit(picture: NDArray[Any]) -> Fitted:
    """Fit (H, W, 3) uint8 RGB to the monitor, bilinear, keeping its aspect; small pictures are enlarged.

    Raises `UnsupportedFormatError` for another type or shape, a side below `SMALLEST_SIDE`, and an aspect that leaves
    less than 107 columns or 121 rows (beyond about 1:11 upright, 16:1 lying).
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise UnsupportedFormatError(
            f"VIQET: expected (H, W, 3) uint8 RGB, got shape {picture.shape} and type {picture.dtype}; convert it"
        )
    height, width = picture.shape[:2]
    fitted_width, fitted_height = fitted_size(width, height)
    if min(height, width) < SMALLEST_SIDE:
        raise UnsupportedFormatError(
            f"VIQET: expected at least {SMALLEST_SIDE} pixels a side, got {width}x{height}; take a larger piece"
        )
    if fitted_width < SMALLEST_FITTED_WIDTH or fitted_height < SMALLEST_FITTED_HEIGHT:
        raise UnsupportedFormatError(
            f"VIQET: a picture of {width}x{height} becomes a strip of {fitted_width}x{fitted_height} on its monitor, "
            f"expected at least {SMALLEST_FITTED_WIDTH}x{SMALLEST_FITTED_HEIGHT}; take a squarer piece"
        )
    rgb = shrink_or_enlarge(np.ascontiguousarray(picture), fitted_width, fitted_height)
    return Fitted(width * height / 1e6, rgb, to_grey(rgb))


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) after the fit, in VIQET's integer arithmetic; a side can be 0 for a thin strip."""
    if width < 1 or height < 1:
        return 0, 0
    fitted_width = MONITOR_HEIGHT * width // height
    if fitted_width <= MONITOR_WIDTH:
        return fitted_width, MONITOR_HEIGHT
    return MONITOR_WIDTH, MONITOR_WIDTH * height // width


def shrink_or_enlarge(rgb: U8, width: int, height: int) -> U8:
    """Bilinear in OpenCV's 8-bit fixed point: no antialias, half-pixel centres; exactly half is the 2x2 mean."""
    half = rgb.shape[:2] == (2 * height, 2 * width)
    method = cv2.INTER_AREA if half else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=method), dtype=np.uint8)


def to_grey(rgb: U8) -> U8:
    """0.299 R + 0.587 G + 0.114 B, rounded."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

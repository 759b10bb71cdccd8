"""Noise of the calmest pixels, an input of the Preview 1 models alone."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vidrts.measure.viqet.preprocess import F64, U8

_SHARE = 0.005
"""Share of the pixels with any deviation that counts as the calmest."""
_NEIGHBOURS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=np.float64)
_ONE = np.ones(1)


def final_noise(rgb: U8, grey: U8) -> float:
    """Local s.d. of the calmest pixels over the mean one, over the strongest Laplacian; NaN for a flat picture.

    (h, w, 3) RGB and its (h, w) grey.
    """
    side = math.ceil(rgb.shape[0] / 120)
    side += 1 - side % 2
    taps = np.asarray(cv2.getGaussianKernel(side, side / 6, cv2.CV_64F), dtype=np.float64).ravel()
    planes = [rgb[..., channel].astype(np.float64) for channel in range(3)]

    deviation = np.zeros(grey.shape)
    for p in planes:
        deviation += _deviation(_blur(p * p, taps), _blur(p, taps))
    deviation /= 3
    counted = deviation > 1e-5
    count = np.count_nonzero(counted)
    lowest = int(_SHARE * count)
    laplacian = cv2.filter2D(grey, cv2.CV_16S, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE).max()
    if lowest == 0 or laplacian <= 0:
        return math.nan

    # Twice as many pixels as wanted are looked at again, so that the wanted ones are among them.
    below = deviation.size - count + 2 * lowest
    at = np.argpartition(deviation, below, axis=None)[:below]
    at = at[counted.ravel()[at]]
    again = np.zeros(at.size)
    for p in planes:
        again += _deviation(_blur_at(p * p, taps, at), _blur_at(p, taps, at))
    calmest = np.partition(again / 3, lowest)[:lowest]
    return float(calmest.mean() / (deviation.sum(where=counted) / count) / laplacian)


def _deviation(mean_square: F64, mean: F64) -> F64:
    """sqrt|mean_square - mean^2|, written into `mean_square`; `mean` is spent."""
    mean *= mean
    mean_square -= mean
    np.abs(mean_square, out=mean_square)
    return np.sqrt(mean_square, out=mean_square)


def _blur(plane: F64, taps: F64) -> F64:
    return np.asarray(cv2.sepFilter2D(plane, -1, taps, taps, borderType=cv2.BORDER_REPLICATE), dtype=np.float64)


def _blur_at(plane: F64, taps: F64, at: NDArray[np.intp]) -> F64:
    """`_blur` at flat indices, down the columns with fused multiply-adds, whatever OpenCV's build does.

    Where one channel is flat its two terms cancel, and the root of their rounding errors (some 1e-6) is a part of
    what VIQET finds. The reference was rounded like this, OpenCV from 4.13 on is not: 1e-6 of the result.
    """
    across = np.asarray(cv2.sepFilter2D(plane, -1, taps, _ONE, borderType=cv2.BORDER_REPLICATE), dtype=np.float64)
    row, column = np.divmod(at, plane.shape[1])
    middle = len(taps) // 2

    def line(offset: int) -> F64:
        values: F64 = across[np.clip(row + offset, 0, len(plane) - 1), column]
        return values

    total: F64 = taps[middle] * line(0)
    for offset in range(1, middle + 1):
        total = fused_multiply_add(taps[middle + offset], line(offset) + line(-offset), total)
    return total


def fused_multiply_add(a: float, b: F64, c: F64) -> F64:
    """a * b + c rounded once: product and sum with their exact rounding errors (Dekker, Knuth)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    product_error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    back = total - product
    total_error = (product - (total - back)) + (c - back)
    return total + (product_error + total_error)


def _split[T: (float, F64)](value: T) -> tuple[T, T]:
    """`value` as the sum of two doubles of 26 bits each."""
    scaled = 134217729.0 * value
    high = scaled - (scaled - value)
    return high, value - high

"""Texture: how each DCT coefficient is distributed over the picture."""

import numpy as np

from vidrts.measure.viqet.cosine import cut_blocks, dct_blocks, zigzag
from vidrts.measure.viqet.gaussian import symmetric_shape
from vidrts.measure.viqet.preprocess import F64, U8

_BLOCK, _BINS = 36, 6


def measure_texture(grey: U8) -> F64:
    """24 numbers of (h, w) grey: shape, r, variance and mean |C|, each in six bins from low to high frequency."""
    coefficients = dct_blocks(cut_blocks(grey, _BLOCK)).reshape(-1, _BLOCK * _BLOCK)[:, zigzag(_BLOCK)]
    deviation = coefficients - coefficients.mean(axis=0)
    variance = (deviation * deviation).mean(axis=0)
    ratio = variance / (np.abs(deviation).mean(axis=0) ** 2 + 1e-7)
    maps = (symmetric_shape(ratio), ratio, variance, np.abs(coefficients).mean(axis=0))
    width = _BLOCK * _BLOCK // _BINS
    starts = [1, *range(width, _BINS * width, width)]  # the first bin leaves out DC
    return np.array([values[s : (k + 1) * width].mean() for values in maps for k, s in enumerate(starts)])


def texture_acutance(texture: F64) -> float:
    """Mean |C| of all bins but the lowest."""
    return float(texture[-5:].mean())

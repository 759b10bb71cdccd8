"""How frequency content changes from block to block: the 256 numbers of version 2."""

import numpy as np

from vidrts.measure.viqet.cosine import dct_blocks
from vidrts.measure.viqet.gaussian import fit_asymmetric
from vidrts.measure.viqet.preprocess import F64, U8

_BLOCK, _STRIDE = 34, 17
_BANDS = ((0, 10), (10, 21), (21, None))
"""Low, middle and high positions of a line of coefficients."""
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows down, columns right."""


def measure_neighbours(grey: U8) -> F64:
    """256 numbers of (h, w) grey: shape, scale, mean |D| and s.d. of D, each [line][shift][low, mid, high, high / mid].

    D is the difference of a band's map and its circular shift. Where nearly all D are 0 (flat areas, JPEG's blocks)
    the sign of rounding errors decides shape and scale, so these follow the reference to about 0.2 only.
    NaN where a map does not vary at all.
    """
    maps = _band_maps(grey)  # [line, band, row, column]
    values = np.empty((4, len(maps), len(_SHIFTS), len(_BANDS)))  # [parameter, line, shift, band]
    for line, bands in enumerate(maps):
        for index, shift in enumerate(_SHIFTS):
            for band, blocks in enumerate(bands):
                values[:, line, index, band] = _change(blocks - np.roll(blocks, shift, axis=(0, 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        high_over_middle = values[..., 2:] / values[..., 1:2]
    return np.concatenate([values, high_over_middle], axis=-1).ravel()


def _change(difference: F64) -> tuple[float, float, float, float]:
    """Shape, scale, mean |D| and s.d. of one map of differences, their mean taken off."""
    difference = difference - difference.mean()
    fit = fit_asymmetric(difference, 0.001, 20, guard=1e-7)
    scale = (fit.left + fit.right) / 2 * fit.scale
    return fit.shape, scale, float(np.abs(difference).mean()), float(difference.std())


def _band_maps(grey: U8) -> F64:
    """Band means of four lines of each block's DCT: first row, first column (both without DC) and the two diagonals.

    (4 lines, 3 bands, rows, columns). Block rows start at 0, 17, ... < h - 34: where h - 34 is a multiple of 17 the
    last row of the map is never filled and stays 0, likewise for columns (a defect of VIQET, kept).
    """
    height, width = grey.shape
    sizes = [(side - _BLOCK) // _STRIDE + 1 for side in (height, width)]
    maps = np.zeros((4, len(_BANDS), *sizes))
    columns = len(range(0, width - _BLOCK, _STRIDE))
    along = np.arange(_BLOCK)
    exact = grey.astype(np.float64)
    for row, top in enumerate(range(0, height - _BLOCK, _STRIDE)):
        strip = np.lib.stride_tricks.sliding_window_view(exact[top : top + _BLOCK], _BLOCK, axis=1)
        blocks = strip[:, : columns * _STRIDE : _STRIDE].swapaxes(0, 1)
        c = dct_blocks(blocks).transpose(1, 2, 0)  # [frequency down, frequency across, block]
        lines = (c[0, 1:], c[1:, 0], c[along[1:], along[1:]], c[along, along[::-1]])
        for line, coefficients in enumerate(lines):
            for band, (first, last) in enumerate(_BANDS):
                # A sum over the first axis goes from left to right, as the reference's does.
                part = coefficients[first:last]
                maps[line, band, row, :columns] = np.add.reduce(part, axis=0) / len(part)
    return maps

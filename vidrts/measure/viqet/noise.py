"""Noise of the calmest blocks: its signature, and what of it lies at the highest frequencies."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vidrts.measure.viqet.cosine import cut_blocks, dct_blocks, zigzag
from vidrts.measure.viqet.gabor import NOISE_SIZES, ORIENTATIONS, noise_kernels
from vidrts.measure.viqet.preprocess import F64, U8, shrink_or_enlarge, to_grey
from vidrts.measure.viqet.windows import window_deviations

_BLOCK, _WINDOW = 80, 20
_HIGHEST_SIGNATURE = 1.8
_HIGH_FREQUENCIES = slice(4500, 6400)
_DARK, _BRIGHT = 1600, 4800
"""Ranks (0-based) among the 6400 sorted pixels of a block."""


@dataclass(frozen=True)
class BlockNoise:
    """Noise of the calmest hundredth of the blocks, in grey levels."""

    signature: float
    """At most 1.8."""
    high_frequency: float
    """Mean |DCT coefficient| of the highest frequencies."""


def measure_block_noise(rgb: U8) -> BlockNoise:
    """Noise signature and high-frequency noise of (h, w, 3) RGB at three quarters of its size.

    Calm is what has little of everything: variation in small windows, response to Gabor filters, spread of levels.
    Black blocks, whose order VIQET leaves undefined (0/0), come last here.
    """
    height, width = rgb.shape[:2]
    grey = to_grey(shrink_or_enlarge(rgb, int(0.75 * width), int(0.75 * height)))
    blocks = cut_blocks(grey, _BLOCK)
    window_mean, window_sd = deviations_of_windows(grey)
    amplitude, entropy, score = gabor_activity(grey)
    ranked = np.partition(blocks.reshape(len(blocks), -1), (_DARK, _BRIGHT), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ranked[:, _BRIGHT] / ranked[:, _DARK]
        activity = (window_mean * window_sd * score * ratio * amplitude * entropy) ** (1 / 6)
    calmest = np.argsort(activity, kind="stable")[: math.ceil(0.01 * len(blocks))]

    signature = np.sqrt(window_mean * window_sd)[calmest].mean()
    coefficients = dct_blocks(blocks[calmest]).reshape(len(calmest), -1)[:, zigzag(_BLOCK)[_HIGH_FREQUENCIES]]
    return BlockNoise(min(float(signature), _HIGHEST_SIGNATURE), float(np.abs(coefficients).mean(axis=1).mean()))


def deviations_of_windows(grey: U8) -> tuple[F64, F64]:
    """For each block the mean and the sample s.d. of the sample s.d. of its 61 x 61 windows; each (N,)."""
    deviation = window_deviations(grey, _WINDOW)
    rows, columns = (
        np.add.outer(np.arange(0, side - _BLOCK + 1, _BLOCK), np.arange(_BLOCK - _WINDOW + 1)) for side in grey.shape
    )
    windows = deviation[rows.ravel()][:, columns.ravel()].reshape(*rows.shape, *columns.shape)
    windows = windows.swapaxes(1, 2).reshape(len(rows) * len(columns), -1)
    return windows.mean(axis=1), windows.std(axis=1, ddof=1)


def gabor_activity(grey: U8) -> tuple[F64, F64, F64]:
    """For each block the means over 16 filters of |response|, of its Renyi entropy (order 3), and of their ratio."""
    exact = grey.astype(np.float64)
    rows, columns = (side // _BLOCK for side in grey.shape)
    sums = np.empty((ORIENTATIONS * len(NOISE_SIZES), 3, rows, columns))  # of |t|, t^2 and t^6 over a block
    for index, kernel in enumerate(kernel for scales in noise_kernels() for kernel in scales):
        response = cv2.filter2D(exact, -1, kernel, borderType=cv2.BORDER_REFLECT)
        for row in range(rows):  # a strip of blocks stays in the processor's cache
            strip = response[row * _BLOCK : (row + 1) * _BLOCK, : columns * _BLOCK].reshape(_BLOCK, columns, _BLOCK)
            energy = strip * strip
            for power, values in enumerate((np.abs(strip), energy, energy * energy * energy)):
                sums[index, power, row] = values.sum(axis=2).sum(axis=0)
    total, energy, cube = sums.reshape(len(sums), 3, -1).swapaxes(0, 1)
    amplitude = total / _BLOCK**2
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -0.5 * np.log(cube / energy**3)
        score = amplitude / entropy
    return amplitude.mean(axis=0), entropy.mean(axis=0), score.mean(axis=0)

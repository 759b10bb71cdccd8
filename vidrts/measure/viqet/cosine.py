"""Orthonormal two-dimensional DCT-II of many square blocks, by OpenCV's own DCT."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vidrts.measure.viqet.preprocess import F64, U8


def cut_blocks(picture: U8 | F64, side: int) -> F64:
    """Whole side x side blocks of (h, w) from the top left, row by row: (N, side, side); the remainder is dropped."""
    rows, columns = (length // side for length in picture.shape)
    whole = picture[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return whole.swapaxes(1, 2).reshape(-1, side, side).astype(np.float64)


def dct_blocks(blocks: F64) -> F64:
    """DCT of each of (N, n, n) blocks, n even; the very arithmetic of `cv2.dct` on one block, in two calls for all.

    `cv2.dct` transforms the rows, then the columns; here the columns are rows of a transposed copy.
    """
    for _ in range(2):
        rows = np.ascontiguousarray(blocks).reshape(-1, blocks.shape[-1])
        transformed = np.asarray(cv2.dct(rows, flags=cv2.DCT_ROWS), dtype=np.float64)
        blocks = transformed.reshape(blocks.shape).swapaxes(1, 2)
    return blocks


@cache
def zigzag(side: int) -> NDArray[np.intp]:
    """Flat indices of a (side, side) map in VIQET's zig-zag order: even anti-diagonals rise, odd ones fall."""
    row, column = np.divmod(np.arange(side * side), side)
    diagonal = row + column
    return np.lexsort((np.where(diagonal % 2, row, -row), diagonal))

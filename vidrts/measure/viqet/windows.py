"""Standard deviations in a sliding window."""

import cv2
import numpy as np

from vidrts.measure.viqet.preprocess import F64, U8


def window_deviations(picture: U8 | F64, side: int) -> F64:
    """Sample s.d. of every side x side window: (h, w) -> (h - side + 1, w - side + 1).

    From sums over the windows, which are exact, so that nothing cancels: pixels are bytes or means of a few bytes.
    """
    count = side * side
    sums, squares = (
        table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
        for table in cv2.integral2(picture, sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
    )
    return np.sqrt((count * squares - sums * sums) / (count * (count - 1)))

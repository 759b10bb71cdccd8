"""Colour, light and exposure: the measures without a filter bank."""

from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree  # type: ignore[import-untyped]

from vidrts.measure.viqet.preprocess import F64, U8

_TILE = 7


def saturation(rgb: U8) -> float:
    """Mean of the 8-bit S of HSV, 0..255; (h, w, 3) RGB."""
    return float(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 1].mean())


def contrast_and_exposure(grey: U8) -> tuple[float, float]:
    """Michelson contrast (0..1) and mean level (0..255) of the busier 7x7 tiles of (h, w); edge tiles are smaller."""
    rows, columns = (np.arange(0, side, _TILE) for side in grey.shape)

    def over_tiles(reduce: np.ufunc, pixels: NDArray[Any]) -> F64:
        return reduce.reduceat(reduce.reduceat(pixels, rows, axis=0), columns, axis=1).astype(np.float64)

    low, high = over_tiles(np.minimum, grey), over_tiles(np.maximum, grey)
    contrast = float(((high - low) / (1e-19 + high + low)).mean())

    wide = grey.astype(np.int32)
    total, squares = over_tiles(np.add, wide), over_tiles(np.add, wide * wide)
    count = np.outer(*(np.diff(starts, append=side) for starts, side in zip((rows, columns), grey.shape, strict=True)))
    mean = total / count
    deviation = np.sqrt(count * squares - total * total) / count  # integers under the root: no cancellation
    busy = deviation > deviation.sum() / (deviation.size + 1)
    return contrast, float(mean[busy].sum() / (busy.sum() + 1))


def divergence_from_flat_histogram(grey: U8) -> float:
    """KL = sum p ln(256 p) in nats over the grey values 0..254; 255 falls out of VIQET's histogram."""
    histogram = np.bincount(grey.ravel(), minlength=256)[:255].astype(np.float64)
    p = histogram[histogram > 0] / max(histogram.sum(), 1)
    return float((p * np.log(256 * p)).sum())


def color_warmth(rgb: U8) -> float:
    """Mean temperature in kelvin, 1000..40000, of the black bodies nearest to the pixels of the quarter-size picture.

    VIQET's defects are part of it: red and blue change places before XYZ, and X/256, Y/256 stand for chromaticities.
    """
    xyz = cv2.cvtColor(rgb, cv2.COLOR_BGR2XYZ)
    # Means of four bytes: four times them are whole numbers up to 1020, of which a picture has few different pairs.
    x4, y4 = (cv2.resize(4.0 * xyz[..., k], None, fx=0.25, fy=0.25).astype(np.int32) for k in (0, 1))
    counts = np.bincount((x4 * 1024 + y4).ravel())
    pairs = np.flatnonzero(counts)
    kelvin, tree = _black_bodies()
    nearest = tree.query(np.stack(np.divmod(pairs, 1024), axis=-1) / 1024)[1]
    return float((kelvin[nearest] * counts[pairs]).sum() / counts.sum())


@cache
def _black_bodies() -> tuple[F64, KDTree]:
    """Temperatures and a search tree over their (x, y); of rows with equal (x, y) only the first, as VIQET finds it."""
    text = files(__package__).joinpath("tables", "table_color_warmth.csv").read_text()
    table = np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)
    first = np.sort(np.unique(table[:, 1:], axis=0, return_index=True)[1])
    return table[first, 0], KDTree(table[first, 1:])


def badly_exposed(grey: U8) -> tuple[float, float]:
    """Percent of (h, w) whose surrounding square (an eighth of the shorter side) has a mean above 254, and below 2."""
    side = min(grey.shape) // 8
    sums = cv2.boxFilter(grey, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT)
    return 100 * float((sums > 254 * side * side).mean()), 100 * float((sums < 2 * side * side).mean())

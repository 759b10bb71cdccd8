"""Edges: how many, how strong, and how much of each frequency band lies on them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidrts.measure.viqet.gabor import edge_kernels
from vidrts.measure.viqet.preprocess import F64, U8

_FRAME = 10
"""Pixels at each side of the picture that do not count for the bands."""
_GATHERED = 17
"""Largest side of a kernel that is applied at the edge pixels alone."""
_CHUNK = 4096
"""Edge pixels at a time: 9 MB of surroundings."""


@dataclass(frozen=True, eq=False)
class Edges:
    """What the edges say: sums over their pixels, so they grow with the number of edges."""

    pixel_count: int
    strength_sum: float
    bands: F64
    """Nine sums of |response|, for Gabor bands from 0.47..0.5 to 0.27..0.5 cycles per pixel."""

    @property
    def acutance(self) -> float:
        """Geometric mean of the nine bands over 10,000."""
        return float(np.prod(self.bands) ** (1 / 9) / 10_000)


def measure_edges(grey: U8) -> Edges:
    """Edges of (h, w) grey. VIQET finds them twice, and rounds the blurred picture in two ways; both are kept."""
    exact = grey.astype(np.float64)
    blurred = cv2.GaussianBlur(exact, (13, 13), 2, borderType=cv2.BORDER_REFLECT)
    strength_mask = canny(np.rint(blurred).astype(np.uint8))
    band_mask = canny(np.asarray(cv2.GaussianBlur(grey, (13, 13), 2, borderType=cv2.BORDER_REFLECT), dtype=np.uint8))

    soft = exact
    for _ in range(2):
        soft = np.asarray(cv2.GaussianBlur(soft, (7, 7), 7 / 6, borderType=cv2.BORDER_CONSTANT), dtype=np.float64)
    across, down = (cv2.Sobel(soft, cv2.CV_64F, dx, 1 - dx, borderType=cv2.BORDER_CONSTANT) for dx in (1, 0))
    strength = float((np.abs(across[strength_mask]) + np.abs(down[strength_mask])).sum() / 2)

    band_mask[:_FRAME] = band_mask[-_FRAME:] = False
    band_mask[:, :_FRAME] = band_mask[:, -_FRAME:] = False
    large, small = (
        [kernel for kernel in edge_kernels() if (len(kernel) > _GATHERED) == is_large] for is_large in (True, False)
    )
    bands = [
        np.abs(cv2.filter2D(exact, -1, kernel, borderType=cv2.BORDER_CONSTANT)[band_mask]).sum() for kernel in large
    ]
    return Edges(int(strength_mask.sum()), strength, np.array([*bands, *_sums_at(grey, band_mask, small)]))


def _sums_at(grey: U8, mask: NDArray[np.bool_], kernels: list[F64]) -> F64:
    """Sum of |response| over the mask for each of several small kernels, largest first; zeros beyond the picture.

    A few percent of the pixels are edges, so their surroundings times all kernels is less work than whole pictures.
    """
    side = len(kernels[0])
    weights = np.stack([np.pad(kernel, (side - len(kernel)) // 2).ravel() for kernel in kernels], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(grey, side // 2), (side, side))
    rows, columns = np.nonzero(mask)
    sums = np.zeros(len(kernels))
    for start in range(0, len(rows), _CHUNK):
        piece = slice(start, start + _CHUNK)
        surroundings = windows[rows[piece], columns[piece]].reshape(-1, side * side).astype(np.float64)
        sums += np.abs(surroundings @ weights).sum(axis=0)
    return sums


def canny(blurred: U8) -> NDArray[np.bool_]:
    """Pixels of a (H, W) picture that lie on an edge, by Canny's detector with VIQET's thresholds."""
    mask: NDArray[np.bool_] = cv2.Canny(blurred, 40, 80, apertureSize=3, L2gradient=False) > 0
    return mask

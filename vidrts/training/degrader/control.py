"""What keeps damage from being a change of colour or place, or a lattice: a correction, and limits beyond which a pair
is dropped.

Training on pairs of other colours makes networks worse (arXiv 2503.02767), and on displaced ones blurred.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.measure.color_difference import mean_ciede2000
from vidrts.measure.luma import luma

_LOW, _CHROMA = 8.0, 2.0
"""Sigmas of a Gaussian in pixels, wider than which luma and chroma are the clean picture's."""
LATTICE = 4
"""Pixels at which networks of two strides of 2 repeat, where they rebuild flat areas badly."""
_REPEATS = 4.0
"""Sigma, in repetitions, of a Gaussian within which a lattice is taken for the same."""
_FAINT = 6 / 255
"""A change that counts half."""
MOST_DIFFERENCE = 6.0
"""Mean CIEDE2000."""
MOST_DISPLACED = 0.8
"""Pixels."""
_ROUNDS = 4
_FARTHEST = 6.0
_SMALLEST = 16
_STEADY = 1.0
"""Squared code values a pixel: gradients below that say nothing of displacement."""

type Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """How far a damaged picture is from the clean one in colour and place."""

    difference: float
    """Mean CIEDE2000."""
    displaced: float
    """Pixels."""

    @property
    def keeps(self) -> bool:
        """Whether the pair is within the limits."""
        return self.difference <= MOST_DIFFERENCE and self.displaced <= MOST_DISPLACED


def fit(damaged: torch.Tensor, clean: torch.Tensor) -> Fit:
    """Of two (3, H, W) float32 pictures in 0..1."""
    return Fit(mean_ciede2000(damaged, clean), displacement(damaged, clean))


def corrected(damaged: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """The damaged picture with the clean one's coarse luma and less coarse chroma; (3, H, W) float32 in 0..1.

    What repeats every 4 pixels for a while is taken out, too. Detail, and so most of the damage, stays.
    """
    lattice = _repeated(damaged - clean)
    damaged = damaged - lattice
    change = clean - damaged
    light = luma(change)
    soft_light = _blurred(light, _LOW)
    soft_colour = _blurred_planes(change - light, _CHROMA)
    return (damaged + soft_light + soft_colour).clamp(0, 1)


def _repeated(change: torch.Tensor) -> torch.Tensor:
    """What repeats every `LATTICE` pixels in both directions, without what is coarse; smaller pictures have nothing.

    It is faint and found where a picture is flat: what changes by much counts less, or one dark line would repeat.
    """
    if min(change.shape[1:]) < LATTICE:
        return torch.zeros_like(change)
    fine = change - _blurred_planes(change, LATTICE)
    faint = fine / (1 + (fine / _FAINT).square())
    found = torch.empty_like(change)
    for y, x in product(range(LATTICE), repeat=2):
        found[:, y::LATTICE, x::LATTICE] = _blurred_planes(faint[:, y::LATTICE, x::LATTICE], _REPEATS)
    return found - _blurred_planes(found, LATTICE)


def displacement(damaged: torch.Tensor, clean: torch.Tensor) -> float:
    """Pixels by which the whole damaged picture is displaced: the shift of least squared difference in luma.

    Gauss-Newton as by Lucas and Kanade (1981) on slightly blurred luma; where there is no detail, none. Larger than
    about 3 pixels it is not found, but told to be large. 0 for pictures of less than 16 pixels a side.
    """
    if min(clean.shape[1:]) < _SMALLEST:
        return 0.0
    first, other = (_lightness(picture) for picture in (damaged, clean))
    shift = np.zeros(2)
    for _ in range(_ROUNDS):
        matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]])
        moved = cv2.warpAffine(
            other, matrix, other.shape[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        gradients = np.stack([cv2.Sobel(moved, -1, dx, 1 - dx, ksize=3, scale=1 / 8)[4:-4, 4:-4] for dx in (1, 0)])
        rest = (first - moved)[4:-4, 4:-4].astype(np.float64)
        flat = gradients.reshape(2, -1).astype(np.float64)
        tensor = flat @ flat.T / flat.shape[1] + _STEADY * np.eye(2)
        shift = np.clip(shift - np.linalg.solve(tensor, flat @ rest.ravel() / flat.shape[1]), -_FARTHEST, _FARTHEST)
    return float(np.hypot(*shift))


def _lightness(picture: torch.Tensor) -> Plane:
    plane: Plane = cv2.GaussianBlur(255 * luma(picture).numpy(), (0, 0), 1.0)  # type: ignore[assignment]
    return plane


def _blurred(plane: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.from_numpy(cv2.GaussianBlur(plane.contiguous().numpy(), (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def _blurred_planes(planes: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.stack([_blurred(plane, sigma) for plane in planes])

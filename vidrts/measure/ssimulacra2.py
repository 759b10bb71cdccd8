"""SSIMULACRA2: how much of a picture's quality is left, as people see it; 100 = the truth, 90 nothing seen, 30 low.

    truth = Truth(clean)
    truth.score(spoiled)

Weights and pooling are those of the package `ssimulacra2` (of the extra `report`). The filtering is
our own: the package takes 130 ms for 384x384 pixels, this 30 ms, and it does the truth's half once for all that is held
to it; and the package reflects at two of the four borders, where the original has nothing.

How the values were checked: against the original program (C++, built from its source), eight versions (JPEG, blur,
unsharp, the same) of each of eight 384x384 crops of Kodak's pictures: at most 0.19 points apart, 0.03 in the mean (the
original computes powers and roots to fewer digits), where the package is up to 4.4 apart, 1.0 in the mean. Sides are to
be multiples of 32 for that: of others the original makes something else, 20 points away, where this and the package
agree.
"""

import math
from functools import cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.errors import MissingPackageError

type Planes = NDArray[np.float32]

_SCALES = 6
_SMALLEST = 8
_SIGMA = 1.5
_C2 = 0.0009
_BIAS = 0.0037930732552754493
_OPSIN = np.array([
    [0.30, 0.622, 0.078], [0.23, 0.692, 0.078],
    [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
], dtype=np.float32)  # fmt: skip
"""Linear light -> responses of the eye's cones, roughly: those of JPEG XL."""


class Truth:
    """A picture that others are held to: (3, H, W) R'G'B' in 0..1 with the curve of sRGB, sides of at least 8 pixels.

    Raises `MissingPackageError` without the package, ValueError for a smaller picture.
    """

    def __init__(self, rgb: torch.Tensor) -> None:
        if min(rgb.shape[-2:]) < _SMALLEST:
            raise ValueError(f"SSIMULACRA2: expected at least {_SMALLEST}x{_SMALLEST} pixels, got {tuple(rgb.shape)}")
        self._package = _package()
        self._shape = rgb.shape
        self._scales = [(x, _blur(x), _blur(x * x)) for x in _pyramid(rgb)]

    def score(self, rgb: torch.Tensor) -> float:
        """At most 100, of a picture of the truth's shape; below 0 for what is hardly recognised."""
        if rgb.shape != self._shape:
            raise ValueError(f"SSIMULACRA2: expected equal shapes, got {tuple(rgb.shape)} and {tuple(self._shape)}")
        pool = self._package.Msssim()
        for (x, mean_x, square_x), y in zip(self._scales, _pyramid(rgb), strict=True):
            mean_y = _blur(y)
            covariance = _blur(x * y) - mean_x * mean_y
            variances = (square_x - mean_x * mean_x) + (_blur(y * y) - mean_y * mean_y)
            alike = (1 - (mean_x - mean_y) ** 2) * (2 * covariance + _C2) / (variances + _C2)
            edges = (1 + np.abs(y - mean_y)) / (1 + np.abs(x - mean_x)) - 1
            scale = self._package.MsssimScale()
            scale.avg_ssim = _norms(np.maximum(1 - alike, 0))
            scale.avg_edgediff = np.stack(
                [_norms(np.maximum(edges, 0)).reshape(3, 2), _norms(np.maximum(-edges, 0)).reshape(3, 2)], axis=1
            ).ravel()
            pool.scales.append(scale)
        return float(pool.score())


def ssimulacra2(picture: torch.Tensor, truth: torch.Tensor) -> float:
    """`Truth(truth).score(picture)`: one picture against one truth."""
    return Truth(truth).score(picture)


@cache
def _package() -> Any:
    try:
        from ssimulacra2 import ssimulacra2  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingPackageError("SSIMULACRA2 needs the package ssimulacra2: pip install ssimulacra2") from error
    return ssimulacra2


def _pyramid(rgb: torch.Tensor) -> list[Planes]:
    """The picture in (H, W, 3) XYB made positive, and again at half the size in linear light, up to six times."""
    coded: Planes = np.ascontiguousarray(rgb.detach().float().clamp(0, 1).permute(1, 2, 0).numpy())
    curve = ((coded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear = np.where(coded <= 0.04045, coded / np.float32(12.92), curve).astype(np.float32)
    scales = [_xyb(linear)]
    while len(scales) < _SCALES:
        linear = _halve(linear)
        if min(linear.shape[:2]) < _SMALLEST:
            break
        scales.append(_xyb(linear))
    return scales


def _halve(linear: Planes) -> Planes:
    """Means of 2x2 pixels; a last odd row or column counts twice."""
    height, width, _ = linear.shape
    if height % 2 or width % 2:
        linear = np.pad(linear, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    pairs = linear[::2] + linear[1::2]
    return (pairs[:, ::2] + pairs[:, 1::2]) * np.float32(0.25)


def _xyb(linear: Planes) -> Planes:
    cones = np.cbrt(np.maximum(linear @ _OPSIN.T + np.float32(_BIAS), 0)) - np.float32(math.cbrt(_BIAS))
    long, middle, short = np.moveaxis(cones, 2, 0)
    bright = (long + middle) / 2
    planes: Planes = np.stack(((long - middle) * 7 + 0.42, bright + 0.01, short - bright + 0.55), axis=2)
    return planes


def _blur(planes: Planes) -> Planes:
    """Gaussian of sigma 1.5, with nothing (0) beyond all borders."""
    blurred: Planes = cv2.sepFilter2D(planes, -1, _taps(), _taps(), borderType=cv2.BORDER_CONSTANT)  # type: ignore[assignment]
    return blurred


@cache
def _taps() -> Planes:
    """The original's Gaussian, a sum of three cosines, as a filter (Charalampidis 2016; its equations' numbers)."""
    reach = round(3.2795 * _SIGMA + 0.2546)  # (57)
    omega = np.array([1, 3, 5]) * math.pi / (2 * reach)
    p = np.array([1, -1, 1]) / np.tan(omega / 2)  # (37)
    r = np.array([1, -1, 1]) * p**2 / np.sin(omega)  # (44)
    rho = np.exp(-0.5 * _SIGMA**2 * omega**2) / reach  # (50)
    minor = p[0] * r[1] - r[0] * p[1]  # (52)
    zeta = np.array([(p[1] * r[2] - r[1] * p[2]) / minor, (p[2] * r[0] - r[2] * p[0]) / minor, 1.0])
    beta = np.linalg.solve(np.stack((p, r, zeta)), [1, reach**2 - _SIGMA**2, zeta @ rho])  # (53)
    places = np.arange(1 - reach, reach)
    taps: Planes = (beta @ np.cos(omega[:, None] * places)).astype(np.float32)
    return taps


def _norms(planes: Planes) -> NDArray[np.float64]:
    """Of each channel the mean and the fourth root of the mean fourth power, one after the other: (6,)."""
    squares = planes * planes
    means = [
        planes.mean(axis=(0, 1), dtype=np.float64),
        (squares * squares).mean(axis=(0, 1), dtype=np.float64) ** 0.25,
    ]
    return np.stack(means, axis=1).ravel()

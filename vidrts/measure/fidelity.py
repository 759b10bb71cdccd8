"""How near a picture is to its truth: PSNR and SSIM.

Y values are those of `luma`: `psnr(luma(a), luma(b))`, `ssim(luma(a), luma(b))`.
"""

import math

import torch

from vidrts.measure.separable import gaussian, separable

_TAPS, _SIGMA = 11, 1.5
_K1, _K2 = 0.01, 0.03


def psnr(picture: torch.Tensor, truth: torch.Tensor, peak: float = 1.0) -> float:
    """10 log10(peak^2 / MSE) in dB over all samples of two equal shapes; infinite for equal pictures."""
    error = float((picture.double() - truth.double()).square().mean())
    return math.inf if error == 0 else 10 * math.log10(peak * peak / error)


def ssim(picture: torch.Tensor, truth: torch.Tensor, peak: float = 1.0) -> float:
    """Mean structural similarity of two (H, W) planes in 0..`peak`, at most 1, which equal planes have.

    Wang, Bovik, Sheikh and Simoncelli 2004: an 11x11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03, the mean over
    all places where the window lies inside the picture. Raises ValueError for a side shorter than the window.
    """
    if min(truth.shape) < _TAPS:
        raise ValueError(f"SSIM: expected at least {_TAPS}x{_TAPS} pixels, got {tuple(truth.shape)}")
    x, y = picture.double(), truth.double()
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = _window_means(torch.stack((x, y, x * x, y * y, x * y)))
    variance_x, variance_y, covariance = mean_xx - mean_x**2, mean_yy - mean_y**2, mean_xy - mean_x * mean_y
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return float(similarity.mean())


def _window_means(planes: torch.Tensor) -> torch.Tensor:
    """Gaussian-weighted means of (N, H, W) planes at every place of the window: (N, H - 10, W - 10)."""
    half = _TAPS // 2
    return separable(planes, gaussian(_SIGMA, half))[:, half:-half, half:-half]

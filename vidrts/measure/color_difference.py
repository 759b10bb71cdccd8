"""CIEDE2000: how different two colours look."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
"""Linear sRGB -> XYZ of D65, IEC 61966-2-1."""
_BAND = 256
"""Rows at a time: the formula takes some thirty values for each pixel."""


def mean_ciede2000(picture: torch.Tensor, truth: torch.Tensor) -> float:
    """Mean CIEDE2000 of two (3, H, W) pictures of R'G'B' in 0..1, read as sRGB under D65; 0 for equal ones.

    Differences of about 1 are just seen side by side. Not meant for PQ and HLG signals, which are not sRGB.
    """
    total = 0.0
    for top in range(0, truth.shape[1], _BAND):
        pieces = (srgb_to_lab(p[:, top : top + _BAND]) for p in (picture, truth))
        total += float(ciede2000(*pieces).sum())
    return total / truth[0].numel()


def color_shift(picture: torch.Tensor, truth: torch.Tensor, block: int = 16) -> float:
    """`mean_ciede2000` of the means of blocks of `block` pixels, which neither detail nor noise changes."""
    return mean_ciede2000(*(F.avg_pool2d(each[None], block)[0] for each in (picture, truth)))


def srgb_to_lab(rgb: torch.Tensor) -> torch.Tensor:
    """CIE L*a*b* (D65, 2 degrees) of (3, ...) sRGB in 0..1, as float64 (3, ...): L 0..100."""
    coded = rgb.double().clamp(0, 1)
    linear = torch.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    matrix = torch.tensor(_TO_XYZ, dtype=torch.float64)
    matrix = matrix / matrix.sum(dim=1, keepdim=True)  # relative to white, so that greys have a* = b* = 0
    x, y, z = torch.tensordot(matrix, linear, dims=1)
    fx, fy, fz = (_compress(v) for v in (x, y, z))
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)))


def _compress(t: torch.Tensor) -> torch.Tensor:
    """The cube root of CIE L*a*b* with its linear part near black."""
    limit = 6 / 29
    return torch.where(t > limit**3, t.clamp_min(1e-12) ** (1 / 3), t / (3 * limit**2) + 4 / 29)


def ciede2000(lab: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Colour difference of two (3, ...) float64 tensors of L*a*b*: (...), >= 0, symmetric; kL = kC = kH = 1.

    CIE 142-2001; in the form, and with the hue rules, of Sharma, Wu and Dalal 2005.
    """
    (l1, a1, b1), (l2, a2, b2) = lab, other
    mean_c = (torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2
    stretch = 1 + (1 - _saturating(mean_c)) / 2
    c1, c2 = torch.hypot(a1 * stretch, b1), torch.hypot(a2 * stretch, b2)
    h1, h2 = (torch.rad2deg(torch.atan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))

    grey = c1 * c2 == 0
    dh = torch.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    dh = torch.where((h2 - h1 == 180) & ~grey, 180.0, dh)
    d_hue = 2 * torch.sqrt(c1 * c2) * torch.sin(torch.deg2rad(dh / 2))
    total = h1 + h2
    mean_h = torch.where((h1 - h2).abs() <= 180, total / 2, (total + torch.where(total < 360, 360.0, -360.0)) / 2)
    mean_h = torch.where(grey, total, mean_h)

    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    weight_t = (
        1 - 0.17 * _cos(mean_h - 30) + 0.24 * _cos(2 * mean_h) + 0.32 * _cos(3 * mean_h + 6)
        - 0.20 * _cos(4 * mean_h - 63)
    )  # fmt: skip
    turn = 30 * torch.exp(-(((mean_h - 275) / 25) ** 2))
    from_50 = (mean_l - 50) ** 2
    light = (l2 - l1) / (1 + 0.015 * from_50 / torch.sqrt(20 + from_50))
    chroma = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = d_hue / (1 + 0.015 * mean_c * weight_t)
    rotation = -2 * _saturating(mean_c) * torch.sin(torch.deg2rad(2 * turn))
    return torch.sqrt((light**2 + chroma**2 + hue**2 + rotation * chroma * hue).clamp_min(0))


def _saturating(chroma: torch.Tensor) -> torch.Tensor:
    """sqrt(C^7 / (C^7 + 25^7))."""
    return torch.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def _cos(degrees: torch.Tensor) -> torch.Tensor:
    return torch.cos(degrees * (math.pi / 180))

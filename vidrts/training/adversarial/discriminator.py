"""The multi-scale recursive discriminator D^L of G-MGBP, and its layer of normalised products, VN+SC.

Of the recursion the paper prints a figure alone; this form has as many parameters for any L as that tells, 193,761.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from vidrts.networks.dense_blocks import Analysis, Downscale, Synthesis

SHIFTS = 3
"""Pixels by which VN+SC shifts a picture at most, to each side."""
_LUMA = (0.299, 0.587, 0.114)
"""BT.601's, as customary for such statistics."""
_TAPS, _SIGMA = 7, 7 / 6
"""Of the Gaussian window: NIQE's."""
_TINY = 1e-6
"""Keeps the root of the variance differentiable."""
_BOUND, _SHARE = 16.0, 0.25
"""The products are unbounded: clamped to this, and scaled."""


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """(I - mean) / (sd + 1) of luma in 0..255, by a Gaussian window, eq. 3: (B, 3, H, W) in 0..1 -> (B, 1, H, W)."""
    weights = pictures.new_tensor(_LUMA).view(1, 3, 1, 1)
    plane = 255 * (pictures * weights).sum(1, keepdim=True)
    mean = _windowed(plane)
    # About the middle of the range, so that float32 keeps the difference of two large numbers.
    centred = plane - 128
    variance = _windowed(centred.square()) - (mean - 128).square()
    return (plane - mean) / ((variance.clamp(min=0) + _TINY).sqrt() + 1)


def products(plane: torch.Tensor) -> torch.Tensor:
    """V[7 (p + 3) + q + 3] = plane * (plane shifted by p rows and q columns), eq. 4: (B, 1, H, W) -> (B, 49, H, W).

    Borders are mirrored.
    """
    rows, columns = plane.shape[-2:]
    wide = F.pad(plane, (SHIFTS,) * 4, mode="reflect")
    steps = range(2 * SHIFTS + 1)
    return torch.cat([plane * wide[..., p : p + rows, q : q + columns] for p in steps for q in steps], 1)


def _windowed(plane: torch.Tensor) -> torch.Tensor:
    half = _TAPS // 2
    taps = torch.exp(-0.5 * (torch.arange(-half, half + 1, device=plane.device, dtype=plane.dtype) / _SIGMA).square())
    taps = taps / taps.sum()
    plane = F.conv2d(F.pad(plane, (half, half, 0, 0), mode="reflect"), taps.view(1, 1, 1, -1))
    return F.conv2d(F.pad(plane, (0, 0, half, half), mode="reflect"), taps.view(1, 1, -1, 1))


class Discriminator(nn.Module):
    """How natural L pictures of one scene are, of 2, 4, ... times the input's size: a logit for each place.

    h_L = analysis(Y^L); h_{k-1} = analysis(Y^{k-1}) + down(h_k); the result is synthesis(down(h_1)). One set of weights
    for any L. `spectral`: divide each convolution's weights by their spectral norm.
    """

    def __init__(self, features: int = 48, growth: int = 16, *, spectral: bool = False) -> None:
        super().__init__()
        self.analysis = Analysis((2 * SHIFTS + 1) ** 2, features, growth)
        self.down = Downscale(features, growth)
        self.synthesis = Synthesis(features, 1, growth)
        if spectral:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d):
                    spectral_norm(module)

    def forward(self, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, 3, 2h, 2w), (B, 3, 4h, 4w), ... in 0..1, small to large -> (B, 1, h, w)."""
        seen = [self.analysis(products(normalised(picture)).clamp(-_BOUND, _BOUND) * _SHARE) for picture in pictures]
        h = seen.pop()
        while seen:
            h = seen.pop() + self.down(h)
        scores: torch.Tensor = self.synthesis(self.down(h))
        return scores

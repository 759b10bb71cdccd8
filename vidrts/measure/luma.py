"""Luma: the one weighting of R'G'B' that the measures here share."""

import torch

WEIGHTS = (0.2126, 0.7152, 0.0722)
"""Of R', G' and B': ITU-R BT.709, which is sRGB's too. VIQET alone has its own (BT.601, in `measure.viqet`)."""


def luma(rgb: torch.Tensor) -> torch.Tensor:
    """Y' of R'G'B': (..., 3, H, W) -> (..., H, W), same type and range; full range, black 0."""
    return (rgb * rgb.new_tensor(WEIGHTS).view(3, 1, 1)).sum(dim=-3)

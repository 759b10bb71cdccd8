"""Colour shift: how far an enhancement moves areas of one colour, which hold nothing to sharpen."""

from collections.abc import Callable

import torch

LEVELS = (0.1, 0.5, 0.9)


def flat_shift(enhance: Callable[[torch.Tensor], torch.Tensor], device: torch.device | None = None) -> float:
    """Greatest change of any channel over 27 flat colours (`LEVELS` in each of R', G', B'), in 8-bit code values.

    enhance: (B, 3, h, w) R'G'B' in 0..1 -> the same shape or larger. 0 for one that keeps colours; below 0.5 an 8-bit
    flat area comes out as it went in.
    """
    levels = torch.tensor(LEVELS, device=device)
    colours = torch.cartesian_prod(levels, levels, levels)[..., None, None]
    return float((enhance(colours.expand(-1, -1, 32, 32)) - colours).abs().max() * 255)

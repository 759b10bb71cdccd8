"""Flicker: how much more than its source an enhanced video changes from frame to frame, where the source is still."""

import torch

STILL = 0.06
"""A pixel stands still when its source stays within this share of full scale over the window (RTS.md section 14)."""


def flicker(enhanced: torch.Tensor, source: torch.Tensor, still: float = STILL) -> float:
    """Mean frame-to-frame change of `enhanced` over that of `source` on pixels that stand still.

    Both (T, H, W) luma in 0..1, T >= 2, same shape. 1 = no more than the source; raises ValueError where no pixel
    stands still or the source does not change at all.
    """
    calm = source.amax(dim=0) - source.amin(dim=0) < still
    changes = [(v.double().diff(dim=0).abs().mean(dim=0))[calm] for v in (enhanced, source)]
    if changes[1].numel() == 0 or changes[1].sum() == 0:
        raise ValueError("flicker is not defined: no pixel of the source stands still yet changes")
    return float(changes[0].mean() / changes[1].mean())

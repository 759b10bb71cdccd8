"""Flicker: how much more than its source an enhanced video changes from frame to frame, where the source is still.

`flicker` looks at pixels that stand still; `measure.motion` follows those that move. Both come as sums, so that
several windows of a video can be put together, and as the ratio of one window.
"""

from dataclasses import dataclass

import torch

STILL = 0.06
"""A pixel stands still when its source stays within this share of full scale over the window."""


@dataclass(frozen=True)
class Change:
    """Sums of frame-to-frame change |v[t+1] - v[t]| of luma over the pixels that count. Sums of windows add up."""

    enhanced: float = 0.0
    source: float = 0.0

    def __add__(self, other: "Change") -> "Change":
        return Change(self.enhanced + other.enhanced, self.source + other.source)

    @property
    def ratio(self) -> float:
        """Enhanced over source; 1 = no more than the source. Raises ValueError where the source does not change."""
        if self.source == 0:
            raise ValueError(
                "flicker is not defined: no pixel of the source stands still, or can be followed, and yet changes"
            )
        return self.enhanced / self.source


def still_change(enhanced: torch.Tensor, source: torch.Tensor, still: float = STILL) -> Change:
    """The change on pixels that stand still; both (T, H, W) luma in 0..1, T >= 2, same shape."""
    calm = source.amax(dim=0) - source.amin(dim=0) < still
    after, before = (float(v.double().diff(dim=0).abs().sum(dim=0)[calm].sum()) for v in (enhanced, source))
    return Change(after, before)


def flicker(enhanced: torch.Tensor, source: torch.Tensor, still: float = STILL) -> float:
    """Mean frame-to-frame change of `enhanced` over that of `source` on pixels that stand still.

    Both (T, H, W) luma in 0..1, T >= 2, same shape. 1 = no more than the source; raises ValueError where no pixel
    stands still or the source does not change at all.
    """
    return still_change(enhanced, source, still).ratio

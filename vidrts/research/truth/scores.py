"""How near a Y plane is to the truth's, and what it did to its source."""

from dataclasses import dataclass

import torch

from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.nan_mean import or_nan
from vidrts.measure.sharpness import block_borders
from vidrts.measure.ssimulacra2 import Truth
from vidrts.research.truth.candidates import mean_change, rgb_of
from vidrts.research.truth.damage import Planes
from vidrts.training.degradation.steps import video_plan

type Scores = dict[str, float]
"""Measure -> value; NaN where it is not defined, and of PSNR infinite for the truth itself."""

FULL = ("psnr", "ssimulacra2", "ssim", "change", "ratio", "borders")
"""psnr and ssim of Y; change: mean |change| of Y from the source in code values; ratio: the difference ratio of R'G'B'
from the source in percent; borders: steps of Y across borders of 8x8 blocks over those within."""


@dataclass(frozen=True)
class Frame:
    """One frame of a spoiled clip beside its truth, ready for many candidates."""

    planes: Planes
    truth: Planes
    reference: Truth
    """Of the truth's R'G'B'."""

    def full(self, plane: torch.Tensor) -> Scores:
        """All of `FULL`, of the frame with this Y plane and the source's chroma."""
        rgb = rgb_of((plane, *self.planes[1:]))
        span, low = video_plan().scale[0], video_plan().offset[0]
        unit, truth = ((p.float() - low) / span for p in (plane, self.truth[0]))
        return {
            "psnr": psnr(plane.float(), self.truth[0].float(), span),
            "ssimulacra2": self.reference.score(rgb),
            "ssim": ssim(unit, truth),
            "change": mean_change(plane, self.planes[0]),
            "ratio": difference_ratio(rgb, rgb_of(self.planes)),
            "borders": or_nan(block_borders, plane.expand(3, -1, -1)),
        }

    def chroma(self) -> float:
        """PSNR in dB of both chroma planes together, which no candidate changes."""
        own, truth = (torch.stack(planes[1:]).float() for planes in (self.planes, self.truth))
        return psnr(own, truth, video_plan().scale[1])

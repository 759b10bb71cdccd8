"""What is held to the truth: a source as it is, models at several strengths, and FFmpeg's sharpening filters.

All of them change the Y plane alone; the chroma planes stay the source's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from scipy.optimize import brentq  # type: ignore[import-untyped]

from vidrts import color
from vidrts.frame import pixel_format
from vidrts.measure.luma import luma
from vidrts.media.tools.image_filter import filter_picture
from vidrts.networks.checkpoint import load_model
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.research.truth.damage import Planes
from vidrts.training.degradation.steps import video_plan

STRENGTHS = (0.5, 1.0, 2.0)


class Model:
    """A model as users get it: the precision that `auto` takes on this device. Not thread-safe."""

    def __init__(self, name_or_file: str, device: str = "auto") -> None:
        loaded = load_model(name_or_file)
        where = pick_device(device)
        self._resolver = TiledUpscaler(loaded.network, where, pick_precision("auto", where), luma=True)

    def luma_change(self, rgb: torch.Tensor) -> torch.Tensor:
        """The change of Y, (B, H, W) in units of 0..1, for (B, 3, H, W) R'G'B' in 0..1, at strength 1."""
        return self._resolver(rgb.to(self._resolver.device))[:, 0].cpu() - luma(rgb)


def changed(plane: torch.Tensor, change: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """The Y plane, uint8, plus `strength` times a change in units of 0..1, rounded once.

    It leaves 16..235 no further than it does already, as in write-back.
    """
    return color.write_back((plane,), (strength * change)[None], replace(video_plan(), keep=True))[0]


def rgb_of(planes: Planes) -> torch.Tensor:
    """(3, H, W) R'G'B' of stored planes, clamped to 0..1."""
    return color.to_rgb(planes, video_plan()).clamp(0, 1)


@dataclass(frozen=True)
class Filter:
    """A sharpening filter of FFmpeg's, on the Y plane."""

    knots: Mapping[float, str]
    """Amount -> chain of filters; at 0 is the source, and between two amounts the pictures are mixed."""
    grid: tuple[float, ...]
    """Amounts of which the best for the whole set is taken."""
    most: float
    """The largest amount for an equal change; beyond the last knot the mixture goes on in a straight line."""
    says: Callable[[float], str]
    """An amount in words."""

    def of(self, plane: torch.Tensor) -> "Filtered":
        """This filter of one plane, uint8, at any amount."""
        pictures = {0.0: plane.float()} | {amount: _filtered(plane, chain) for amount, chain in self.knots.items()}
        return Filtered(self, pictures)


@dataclass(frozen=True)
class Filtered:
    """A plane after a filter, float code values at each of its knots."""

    filter: Filter
    pictures: Mapping[float, torch.Tensor]

    def at(self, amount: float) -> torch.Tensor:
        """The plane at an amount, uint8."""
        knots = sorted(self.pictures)
        above = next((k for k in knots[1:] if k >= amount), knots[-1])
        below = knots[knots.index(above) - 1]
        mixed = torch.lerp(self.pictures[below], self.pictures[above], (amount - below) / (above - below))
        return mixed.round_().clamp_(0, 255).to(torch.uint8)

    def equal(self, change: float) -> float:
        """The amount at which the mean |change| is `change` code values, to 0.1 % of the range; else the nearer end."""
        plane = self.pictures[0.0]

        def beyond(amount: float) -> float:
            return mean_change(self.at(amount), plane) - change

        if change <= 0:
            return 0.0
        if beyond(self.filter.most) <= 0:
            return self.filter.most
        return float(brentq(beyond, 0.0, self.filter.most, xtol=1e-3 * self.filter.most))


def _filtered(plane: torch.Tensor, chain: str) -> torch.Tensor:
    """Float code values of 8 bit after a filter at 16 bit, where it rounds nothing; unsharp at 8 bit rounds down."""
    wide = (plane.to(torch.int32) * 256).to(torch.uint16)
    grey = torch.full((plane.shape[0] // 2, plane.shape[1] // 2), 32768, dtype=torch.uint16)
    return filter_picture((wide, grey, grey), pixel_format("yuv420p16le"), chain)[0].float() / 256


FILTERS: Mapping[str, Filter] = {
    "unsharp": Filter(
        {1.0: "unsharp=luma_amount=1:chroma_amount=0"}, (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2), 5.0,
        lambda amount: f"{amount:.2g}",
    ),
    "cas": Filter(
        {1 + s: f"cas=strength={s}:planes=1" for s in (0.0, 0.25, 0.5, 0.75, 1.0)},
        (0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0, 1.5, 2.0), 2.0,
        lambda amount: f"{amount - 1:.2g}" if amount >= 1 else f"{100 * amount:.0f} % of 0",
    ),
}  # fmt: skip
"""unsharp: FFmpeg's with its default 5x5 matrix, by luma_amount, in which it is linear. cas sharpens at strength 0
already: up to amount 1 it is that share of strength 0, then strength amount - 1."""


def mean_change(plane: torch.Tensor, source: torch.Tensor) -> float:
    """Mean |plane - source| in code values."""
    return float((plane.float() - source.float()).abs().mean())

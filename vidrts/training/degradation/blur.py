"""Steps of a degradation that make a picture soft and leave its size: what lenses, motion and enlarging do."""

import math
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vidrts.errors import OptionError
from vidrts.training.degradation.step import PureStep, StepKind, drawn

_FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class _Drawn(PureStep):
    """A step with one number, drawn from `low`..`high`; raises `OptionError` where these are not within `within`."""

    low: float
    high: float
    softens = True
    name: ClassVar[str]
    within: ClassVar[tuple[float, float]]

    def __post_init__(self) -> None:
        least, most = self.within
        if not least <= self.low <= self.high <= most:
            raise OptionError(f"degradation step {self}: expected {least:g} <= low <= high <= {most:g}")

    def __str__(self) -> str:
        return f"{self.name}:{self.low:g}-{self.high:g}"


class Blur(_Drawn):
    """A round Gaussian of a sigma drawn from `low`..`high` pixels."""

    name, within = "blur", (0.1, 8)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        sigma = rng.uniform(self.low, self.high)
        return _filtered(picture, _gaussian(sigma, sigma, 0.0))


class Skewed(_Drawn):
    """A Gaussian that is not round: two sigmas drawn from `low`..`high` pixels, at any angle."""

    name, within = "skewed", (0.1, 8)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        first, second = rng.uniform(self.low, self.high, 2)
        return _filtered(picture, _gaussian(first, second, rng.uniform(0, math.pi)))


class Motion(_Drawn):
    """A straight line of a length drawn from `low`..`high` pixels, at any angle: a moving camera."""

    name, within = "motion", (0.1, 16)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        length, angle = rng.uniform(self.low, self.high), rng.uniform(0, math.pi)
        reach = math.ceil(length / 2) + 1
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
        taps = np.zeros_like(x)
        for place in np.linspace(-length / 2, length / 2, max(3, math.ceil(4 * length))):  # each tap a tent
            taps += np.maximum(0, 1 - np.abs(x - place * math.cos(angle))) * np.maximum(
                0, 1 - np.abs(y - place * math.sin(angle))
            )
        return _filtered(picture, taps / taps.sum())


class Enlarged(_Drawn):
    """Scaled down by a factor drawn from `low`..`high` and up again, bicubic, bilinear or Lanczos, in 8 bit.

    One time in three the factor is 2, where that is between them: what most enlarged material has.
    """

    name, within = "enlarged", (1.0, 4)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        factor = rng.uniform(self.low, self.high)
        if rng.random() < 1 / 3 and self.low <= 2 <= self.high:
            factor = 2.0
        down, up = (_FILTERS[int(k)] for k in rng.integers(len(_FILTERS), size=2))
        image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
        small = image.resize([max(1, round(side / factor)) for side in image.size], down)
        return torch.from_numpy(np.array(small.resize(image.size, up))).permute(2, 0, 1).contiguous()


def _gaussian(first: float, second: float, angle: float) -> NDArray[np.float64]:
    """Taps of sum 1: sigma `first` along `angle`, `second` across it."""
    reach = math.ceil(3 * max(first, second)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    taps: NDArray[np.float64] = np.exp(-0.5 * ((along / first) ** 2 + (across / second) ** 2))
    return taps / taps.sum()


def _filtered(picture: torch.Tensor, taps: NDArray[np.float64]) -> torch.Tensor:
    samples = picture.permute(1, 2, 0).contiguous().numpy().astype(np.float32)
    soft = cv2.filter2D(samples, -1, taps[::-1, ::-1].astype(np.float32), borderType=cv2.BORDER_REPLICATE)
    return torch.from_numpy(soft).permute(2, 0, 1).round().clamp(0, 255).to(torch.uint8).contiguous()


KINDS = tuple(
    StepKind(step.name, "LOW-HIGH", about, drawn(step))
    for step, about in (
        (Blur, "A Gaussian of this sigma in pixels."),
        (Skewed, "A Gaussian of two sigmas, at any angle."),
        (Motion, "Motion along a straight line of this length in pixels, at any angle."),
        (Enlarged, "Scaled down by this factor and up again, bicubic, bilinear or Lanczos."),
    )
)

"""What a report measures at each moment of two videos, and how it is said to people.

Both sides are taken as coded R'G'B' of one size: a source that is half as large as the result has been enlarged before.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.measure.color_difference import mean_ciede2000
from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.flicker import Change, still_change
from vidrts.measure.luma import luma
from vidrts.measure.motion import motion_change
from vidrts.measure.sharpness import flat_noise_gain, overshoot
from vidrts.measure.viqet import DEFAULT_MODEL, MODELS, measure_many

WINDOW = 3
"""Consecutive frames at each moment; flicker needs more than one."""


@dataclass(frozen=True)
class Moment:
    """One moment of both videos. `source`, `result`: (3, H, W) R'G'B' in 0..1; `*_luma`: (T, H, W) from there on."""

    source: torch.Tensor
    result: torch.Tensor
    source_luma: torch.Tensor
    result_luma: torch.Tensor


def moment(source: Iterable[torch.Tensor], result: Iterable[torch.Tensor]) -> Moment:
    """The `Moment` of consecutive (3, H, W) pictures, equally many on both sides."""
    (first, before), (second, after) = _split(source), _split(result)
    return Moment(first, second, before, after)


def _split(pictures: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The first picture, and the luma of all; no more than two pictures are held at once."""
    iterator = iter(pictures)
    first = next(iterator)
    return first, torch.stack([luma(first), *(luma(rgb) for rgb in iterator)])


@dataclass(frozen=True)
class Reading:
    """What a gauge says of a moment, or of many."""

    value: float
    weight: float = 1.0
    """Its share in a mean."""
    source: float | None = None
    """The same of the source, for what is measured on one picture alone."""


Readings = Mapping[str, Reading | None]
"""A gauge's key -> its reading; None where the measure is not defined."""


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """A measure: how it is taken and how it is told."""

    key: str
    name: str
    meaning: str
    """A sentence for those who do not know the measure."""
    form: str
    """A format string."""
    measure: Callable[[Moment], Reading] | None
    """Raises ValueError where the measure is not defined. None: taken by `mos_scores`."""
    same: float | None = None
    """The value of a result that equals its source, where that is telling."""
    tolerance: float = 0.0
    """Values no farther from `same`, or from the source's own, than this count as equal to it."""
    moving: bool = False
    """Needs consecutive frames."""
    sdr: bool = False
    """Is for SDR signals alone."""
    scale: tuple[float, float] | None = None
    """The ends at which values are cut off: two of them at one end may be of any difference."""
    smallest: int = 1
    """Pixels that each side of a picture must have."""
    headline: bool = False
    """Belongs to what is seen first."""
    decibels: bool = False
    """Is 10 log10 of an error's mean square: a mean is that of the errors."""

    def text(self, value: float | None) -> str:
        """A value as people read it."""
        return "–" if value is None else self.form.format(value).replace("inf", "∞").replace("-", "−")

    def told(self, reading: Reading | None) -> str:
        """A reading as people read it, after that of the source if there is one."""
        if reading is None or reading.source is None:
            return self.text(None if reading is None else reading.value)
        return f"{self.text(reading.source)} → {self.text(reading.value)}"

    def verdict(self, reading: Reading | None) -> Literal["", "less", "same", "more"]:
        """On which side of the source the result lies; "" where that is not defined."""
        same = self.same if reading is None or reading.source is None else reading.source
        if reading is None or same is None or (self.scale and reading.value == same and same in self.scale):
            return ""
        if abs(reading.value - same) <= self.tolerance:
            return "same"
        return "more" if reading.value > same else "less"

    def mean(self, readings: Iterable[Reading | None]) -> Reading | None:
        """The weighted mean of the readings that are defined; None where none is."""
        defined = [r for r in readings if r is not None]
        total = math.fsum(r.weight for r in defined)
        if not total:
            return None
        if self.decibels:
            error = math.fsum(10 ** (-r.value / 10) for r in defined) / len(defined)
            return Reading(-10 * math.log10(error) if error else math.inf)
        sources = [r.source for r in defined if r.source is not None]
        return Reading(
            math.fsum(r.value * r.weight for r in defined) / total,
            source=math.fsum(sources) / len(sources) if sources else None,
        )


def _ratio(change: Change) -> Reading:
    """A ratio of sums, so that its mean over moments is the ratio of all sums."""
    return Reading(change.ratio, weight=change.source)


MOS = Gauge(
    key="mos", name=MODELS[DEFAULT_MODEL].title, form="{:.2f}", measure=None, tolerance=0.02, scale=(1.0, 4.5),
    sdr=True, smallest=80, headline=True,
    meaning="Mean opinion score from 1 to 4.5 by this model of VIQET, of the source and of the result.",
)  # fmt: skip

GAUGES: tuple[Gauge, ...] = (
    Gauge(
        key="change", name="Change", form="{:.2f} %", headline=True,
        meaning="Sum of all differences over the sum of the source's values (difference ratio).",
        measure=lambda m: Reading(difference_ratio(m.result, m.source)),
    ),
    Gauge(
        key="flicker", name="Flicker", form="×{:.2f}", same=1.0, tolerance=0.03, moving=True, headline=True,
        meaning="Change from frame to frame where the source stands still, over that of the source.",
        measure=lambda m: _ratio(still_change(m.result_luma, m.source_luma)),
    ),
    Gauge(
        key="motion", name="Flicker along motion", form="×{:.2f}", same=1.0, tolerance=0.03, moving=True,
        meaning="The same for what moves, followed from frame to frame; sharper pictures have a little more of it.",
        measure=lambda m: _ratio(motion_change(m.result_luma, m.source_luma)),
    ),
    Gauge(
        key="noise", name="Flat-area noise", form="×{:.2f}", same=1.0, tolerance=0.03, headline=True,
        meaning="Deviation in the flattest tenth of all blocks, over that of the source.",
        measure=lambda m: Reading(flat_noise_gain(m.result, m.source)),
    ),
    Gauge(
        key="overshoot", name="Overshoot", form="{:.2f} %", same=0.0, tolerance=0.5, headline=True,
        meaning="How far edges go beyond the source's own range around them (halos), in percent of their height.",
        measure=lambda m: Reading(overshoot(m.result, m.source)),
    ),
    MOS,
    Gauge(
        key="colour", name="Colour difference", form="{:.2f} ΔE", sdr=True,
        meaning="Mean CIEDE2000; differences of about 1 are just seen side by side.",
        measure=lambda m: Reading(mean_ciede2000(m.result, m.source)),
    ),
    Gauge(
        key="psnr", name="PSNR", form="{:.1f} dB", decibels=True,
        meaning="Fidelity to the source over R'G'B'; the more is changed, the lower it is.",
        measure=lambda m: Reading(psnr(m.result, m.source)),
    ),
    Gauge(
        key="ssim", name="SSIM", form="{:.4f}",
        meaning="Structural similarity of luma to that of the source; 1 where they are equal.",
        measure=lambda m: Reading(ssim(m.result_luma[0], m.source_luma[0])),
    ),
)  # fmt: skip


def read(gauges: Sequence[Gauge], at: Moment) -> Readings:
    """The readings of a moment, but for those of `mos_scores`."""
    readings: dict[str, Reading | None] = {}
    for gauge in gauges:
        if gauge.measure is None:
            continue
        try:
            readings[gauge.key] = gauge.measure(at) if not gauge.moving or len(at.source_luma) > 1 else None
        except ValueError:
            readings[gauge.key] = None
    return readings


def mos_scores(
    gauges: Sequence[Gauge], pictures: Iterable[NDArray[np.uint8]], sides: int, workers: int | None
) -> list[list[Readings]]:
    """VIQET's readings, where `MOS` is among `gauges`, for each moment and each of its results.

    pictures: (H, W, 3) R'G'B', for each moment its source and then its results, `sides` in all. They are taken as
    they come, by `workers` processes (None: one a processor), so that whoever makes them works at the same time.
    """
    wanted = MOS in gauges
    found = [scores.mos for scores in measure_many(pictures, workers=workers)] if wanted else [nan for _ in pictures]
    moments: list[list[Readings]] = []
    for start in range(0, len(found), sides):
        source, *results = found[start : start + sides]
        whole = [None if math.isnan(source + mos) else Reading(mos, source=source) for mos in results]
        moments.append([{MOS.key: reading} if wanted else {} for reading in whole])
    return moments

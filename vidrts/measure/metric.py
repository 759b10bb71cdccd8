"""What a metric is: its name, unit and direction, how a value is printed, what it needs, the function that takes it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["pair", "luma", "sequence", "filter", "viqet", "reported"]
"""What takes a metric:

- pair: `measure(result, source)` of two (3, H, W) R'G'B' pictures in 0..1;
- luma: the same of two (H, W) planes;
- sequence: `measure(result, source)` of consecutive (T, H, W) luma planes, T >= 2, gives a `flicker.Change`;
- filter: FFmpeg, by `media.tools.filter_metrics`, which has the function;
- viqet: the processes of `measure.viqet.measure_many`;
- reported: training and research, which have their own pictures for it.
"""


@dataclass(frozen=True)
class Reading:
    """The value of a metric at one moment, or its mean over many."""

    value: float
    weight: float = 1.0
    """Its share in a mean."""
    source: float | None = None
    """The source's own value, for metrics of one picture (`Metric.alone`)."""


Readings = Mapping[str, Reading]
"""Key of a metric -> its reading; metrics that are not defined are left out."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric. Listed in `measure.registry`, consumed by everything that measures or prints."""

    key: str
    """As JSON, CSV and the files of training runs have it."""
    name: str
    meaning: str
    """A sentence for people who do not know the metric."""
    kind: Kind
    measure: Callable[..., Any] | None = None
    """Raises ValueError where the metric is not defined; None for filters, VIQET and what training makes."""
    unit: str = ""
    """Printed after a value; "×" before it."""
    digits: int = 2
    """Decimals that are printed."""
    signed: bool = False
    """Printed with a plus sign where it is above 0."""
    better: Literal["higher", "lower", ""] = ""
    """Direction; "" where neither is better in itself."""
    alone: bool = False
    """Measures one picture without a reference."""
    detail: bool = False
    """Is in JSON and CSV alone, not in tables and pages."""
    headline: bool = False
    """Is among the key figures of a page."""
    sdr: bool = False
    """Is defined for SDR signals alone."""
    smallest: int = 1
    """Pixels that each side of a picture must have."""
    package: str = ""
    """A Python package that it needs, which the extra `report` installs."""
    same: float | None = None
    """The value of a result that equals its source, where that is telling."""
    tolerance: float = 0.0
    """Values no farther from `same`, or from the source's own, than this count as equal to it."""
    scale: tuple[float, float] | None = None
    """The ends at which values are cut off: two of them at one end may be of any difference."""
    decibels: float = 0.0
    """The factor before log10 of a metric in dB; its mean is that of the errors."""

    @property
    def function(self) -> Callable[..., Any]:
        """`measure` of a metric that has one."""
        assert self.measure is not None, self.key
        return self.measure

    @property
    def title(self) -> str:
        """Name and unit: the head of a column of numbers."""
        return f"{self.name}, {self.unit}" if self.unit not in ("", "×") else self.name

    @property
    def explanation(self) -> str:
        """Meaning and direction."""
        return f"{self.meaning} {self.better.title()} is better." if self.better else self.meaning

    def number(self, value: float | None) -> str:
        """A value without its unit; "–" where there is none."""
        if value is None:
            return "–"
        return format(value, f"{'+' if self.signed else ''}.{self.digits}f")

    def text(self, value: float | None) -> str:
        """A value with its unit, in typographic signs."""
        if value is None:
            return "–"
        number = self.number(value).replace("inf", "∞").replace("-", "−")
        return f"×{number}" if self.unit == "×" else f"{number} {self.unit}".rstrip()

    def show(self, reading: Reading | None) -> str:
        """A reading with its unit, after that of the source if there is one."""
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
        """The weighted mean of the readings that are there, NaN left out; None where none is.

        Decibels are averaged as errors, ratios of sums (`Reading.weight`) as the ratio of all sums.
        """
        found = [r for r in readings if r is not None and not math.isnan(r.value)]
        total = math.fsum(r.weight for r in found)
        if not total:
            return None
        if self.decibels:
            error = math.fsum(r.weight * 10 ** (-r.value / self.decibels) for r in found) / total
            return Reading(-self.decibels * math.log10(error) if error else math.inf)
        sources = [r.source for r in found if r.source is not None]
        return Reading(
            math.fsum(r.value * r.weight for r in found) / total,
            source=math.fsum(sources) / len(sources) if sources else None,
        )

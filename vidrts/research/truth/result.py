"""What the truth bench found, held against what is demanded of a model on each kind of source."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidrts.errors import InputError
from vidrts.measure.nan_mean import mean
from vidrts.measure.registry import METRICS
from vidrts.research.truth.candidates import FILTERS
from vidrts.research.truth.damage import Kind
from vidrts.research.truth.work import INPUT, Found, at_amount, at_strength

SOFT: tuple[Kind, ...] = ("soft", "soft coded", "enlarged")
DEFAULT_STRENGTH = 1.0
DECIDING = {"psnr": METRICS["psnr_y"], "ssimulacra2": METRICS["ssimulacra2"]}
"""The metrics that the demands are about, by their keys in `scores.FULL`."""


@dataclass(frozen=True)
class Result:
    """All means, by row, candidate and measure (`scores.FULL`)."""

    rows: Mapping[str, Kind]
    models: tuple[str, ...]
    pictures: Mapping[str, Found]
    """Of the photographs that decide, by name; `also` of those that do not."""
    also: Mapping[str, Found] = field(default_factory=dict)
    flicker: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Clip -> candidate -> flicker."""

    def value(self, row: str, candidate: str, measure: str, *, also: bool = False) -> float:
        """The mean over the photographs; NaN where it is defined for none."""
        return mean(
            found[row][candidate].get(measure, math.nan) for found in (self.also if also else self.pictures).values()
        )

    def gain(self, row: str, candidate: str, measure: str = "psnr", *, also: bool = False) -> float:
        """By how much a candidate is above the source; NaN for PSNR where the source is the truth."""
        return self.value(row, candidate, measure, also=also) - self.value(row, INPUT, measure, also=also)

    def best(self, filtered: str, measure: str, kinds: Sequence[Kind] | None = None) -> float:
        """The amount of a filter that has the highest mean of a measure over all rows, or over those of some kinds.

        The row whose source is the truth is left out, which is in the filter's favour.
        """
        rows = [row for row, kind in self.rows.items() if kind != "sharp" and (kinds is None or kind in kinds)]

        def mean_gain(amount: float) -> float:
            return mean(self.gain(row, at_amount(filtered, amount), measure) for row in rows)

        return max(FILTERS[filtered].grid, key=mean_gain)

    def worst_flicker(self, candidate: str) -> float:
        """The highest over the clips; NaN without any."""
        return max((values[candidate] for values in self.flicker.values() if candidate in values), default=math.nan)

    def frontier(self, model: str) -> tuple[float, float]:
        """Mean gain in PSNR on soft rows, and mean harm on sharp ones (below 0), at the default strength."""
        name = at_strength(model, DEFAULT_STRENGTH)
        return tuple(  # type: ignore[return-value]
            mean(self.gain(row, name) for row, kind in self.rows.items() if kind in kinds)
            for kinds in (SOFT, ("sharp coded",))
        )

    @classmethod
    def read(cls, path: Path) -> "Result":
        """What an earlier run left in its truth.json; raises `InputError` for another file."""
        try:
            held = _numbers(json.loads(path.read_text()))
            return cls(held["rows"], tuple(held["models"]), held["pictures"], held["also"], held["flicker"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a truth.json of the experiment truth ({error})") from error

    def stored(self) -> dict[str, Any]:
        """As JSON has it: numbers that are not finite are null."""
        means = {
            part: {
                row: {
                    name: {key: self.value(row, name, key, also=part == "also") for key in scores}
                    for name, scores in of.items()
                }
                for row, of in next(iter(pictures.values())).items()
            }
            for part, pictures in (("means", self.pictures), ("also_means", self.also))
            if pictures
        }
        best = {name: {m: self.best(name, m) for m in DECIDING} for name in FILTERS}
        found: dict[str, Any] = finite({
            "rows": self.rows, "models": self.models, "best_amounts": best, **means, "flicker": self.flicker,
            "pictures": self.pictures, "also": self.also,
        })  # fmt: skip
        return found


@dataclass(frozen=True)
class Verdict:
    """One demand on one row."""

    row: str
    measure: str
    wanted: str
    """In words, with what it was held against."""
    got: float
    margin: float
    """By how much it is met; below 0 by how much it is missed."""

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.margin >= 0


_LEAST = {"18": -0.8, "23": -0.3, "28": -0.1, "33": 0.0}
"""crf of a sharp source -> the least gain in dB."""


KEPT = 0.6
"""The share of the first training's gain on soft rows that has to remain."""


def verdict(result: Result, model: str, before: tuple[Result, str] | None = None) -> list[Verdict]:
    """Every demand that these rows can judge, for a model at the default strength.

    before: an earlier result of the same rows, and the model in it of whose gain on soft rows `KEPT` has to remain.
    Raises ValueError where the rows are others.
    """
    name = at_strength(model, DEFAULT_STRENGTH)
    found = []
    for row, kind in result.rows.items():
        gain, points = result.gain(row, name), result.gain(row, name, "ssimulacra2")
        if kind == "sharp":
            ratio = result.value(row, name, "ratio")
            found.append(Verdict(row, "difference ratio, %", "at most 1.0", ratio, 1.0 - ratio))
        elif kind == "sharp coded":
            least = _LEAST[row.split()[-1]]
            found.append(Verdict(row, DECIDING["psnr"].title, f"at least {least:+.1f}", gain, gain - least))
            found.append(Verdict(row, DECIDING["ssimulacra2"].title, "at least -1", points, points + 1))
        elif kind == "blocks":
            least = 0.1 if "crf" in row else 0.4
            found.append(Verdict(row, DECIDING["psnr"].title, f"at least {least:+.1f}", gain, gain - least))
            found.append(Verdict(row, DECIDING["ssimulacra2"].title, "above 0", points, points))
            source, steps = (result.value(row, who, "borders") for who in (INPUT, name))
            found.append(Verdict(row, "border steps", f"below {source:.3f}", steps, source - steps))
        else:
            rivals = ["unsharp"] if kind == "soft" else list(FILTERS)
            for (measure, metric), got in zip(DECIDING.items(), (gain, points), strict=True):
                marks = {r: result.gain(row, at_amount(r, result.best(r, measure)), measure) for r in rivals}
                rival = max(marks, key=lambda r: marks[r])
                found.append(
                    Verdict(row, metric.title, f"above {rival}'s {marks[rival]:+.2f}", got, got - marks[rival])
                )
    if before:
        earlier, name_then = before
        if dict(earlier.rows) != dict(result.rows):
            raise ValueError("the earlier result has other rows: its mean gain cannot be compared")
        gain, least = result.frontier(model)[0], KEPT * earlier.frontier(name_then)[0]
        wanted = f"at least {least:+.2f}, {100 * KEPT:.0f} % of {name_then}'s before"
        found.append(Verdict("soft rows, mean", DECIDING["psnr"].title, wanted, gain, gain - least))
    if result.flicker:
        worst = result.worst_flicker(name)
        found.append(Verdict("fixed cameras", "flicker", "at most 1.05", worst, 1.05 - worst))
    return found


def _numbers(value: Any) -> Any:
    """NaN again for what `finite` made None."""
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    return math.nan if value is None else value


def finite(value: Any) -> Any:
    """The same with None for every number that is not finite, as JSON needs it."""
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

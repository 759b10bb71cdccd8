"""Small plots of numbers over time as SVG paths: lines and marks alone, 1000 by 100 units, stretched to fit.

Words stand beside them in HTML (`pages/templates/comparison.html`), so that they keep their size whatever the width of
the screen.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vidrts.compare.comparison import Comparison, Sample
from vidrts.measure.metric import Metric

_WIDTH, _HEIGHT = 1000, 100


def clock(time: Fraction) -> str:
    """A time as people read it: m:ss.mmm, with hours where there are any."""
    minutes, rest = divmod(round(time * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 1000:02}.{rest % 1000:03}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


@dataclass(frozen=True)
class Timeline:
    """The first metric's curve from zero up over the video, and where the snapshots are. Made by `timeline`."""

    label: str
    line: str
    area: str
    pins: tuple[float, ...]
    """Percent from the left of each snapshot."""


def timeline(comparison: Comparison) -> Timeline:
    """The `Timeline` of a comparison with samples."""
    metric, samples = comparison.metrics[0], comparison.samples
    place = _axis(samples)
    values = [(place(s.time), r.value) for s in samples if (r := s.readings.get(metric.key)) is not None]
    most = max((v for _, v in values), default=0.0) or 1.0
    line = _path([(x, 1 - 0.94 * v / most) for x, v in values])
    area = f"{line}L{values[-1][0] * _WIDTH:.1f} {_HEIGHT}L{values[0][0] * _WIDTH:.1f} {_HEIGHT}Z" if values else ""
    label = f"{metric.name} from {clock(samples[0].time)} to {clock(samples[-1].time)}, with the moments shown marked"
    return Timeline(label, line, area, tuple(100 * place(snapshot.time) for snapshot in comparison.snapshots))


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A metric's curve. Made by `plot`; values are as people read them."""

    metric: Metric
    mean: str
    lowest: str
    highest: str
    low: str
    """The value at the bottom of the plot; `high`: at its top."""
    high: str
    curves: Mapping[str, tuple[str, str]]
    """source, where there is one, and result -> the paths of its line and its dots."""
    same: str | None
    """The height of a result that equals its source."""
    pins: str
    """The path of the upright lines of the snapshots."""
    points: tuple[tuple[float, str, str], ...]
    """Place from 0 to 1, time and value of each sample."""
    constant: bool
    """Whether every moment reads the same, or one moment alone has a value: a curve would show nothing."""


def plot(comparison: Comparison, metric: Metric) -> Plot | None:
    """The plot of a metric over the samples; None where there is nothing to draw."""
    samples = comparison.samples
    place = _axis(samples)
    readings = [(place(s.time), s.time, s.readings.get(metric.key)) for s in samples]
    results = [r.value for _, _, r in readings if r is not None and math.isfinite(r.value)]
    sources = [r.source for _, _, r in readings if r is not None and r.source is not None]
    if not results:
        return None
    low, high = _range([*results, *sources], metric.same)

    def height(value: float) -> float:
        return 1 - (min(value, high) - low) / (high - low)

    curves = {}
    if sources:
        curves["source"] = [(x, None if r is None or r.source is None else height(r.source)) for x, _, r in readings]
    curves["result"] = [(x, None if r is None else height(r.value)) for x, _, r in readings]
    return Plot(
        metric=metric,
        mean=metric.show(comparison.average(metric)),
        lowest=metric.text(min(results)),
        highest=metric.text(max(results)),
        low=metric.text(low),
        high=metric.text(high),
        curves={side: (_path(points), _dots(points)) for side, points in curves.items()},
        same=None if metric.same is None else f"{height(metric.same) * _HEIGHT:.1f}",
        pins="".join(f"M{place(s.time) * _WIDTH:.1f} 0V{_HEIGHT}" for s in comparison.snapshots),
        constant=len({metric.show(r) for _, _, r in readings if r is not None}) < 2,
        points=tuple((round(x, 4), clock(time), metric.show(r)) for x, time, r in readings),
    )


def _axis(samples: Sequence[Sample]) -> Callable[[Fraction], float]:
    """Where times lie on a plot of these samples, from 0 to 1."""
    first, last = samples[0].time, samples[-1].time
    return lambda time: min(1.0, max(0.0, float((time - first) / (last - first)))) if last > first else 0.5


def _range(values: Sequence[float], same: float | None) -> tuple[float, float]:
    """What the height of a plot spans: all values and the line of no change, with some air beyond the values."""
    held = [*values, *([] if same is None else [same])]
    low, high = min(held), max(held)
    air = 0.12 * (high - low) or max(0.02 * abs(high), 0.01)
    bottom = low - air if low != same else low
    return max(0.0, bottom) if low >= 0 else bottom, high + air if high != same or high == low else high


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    """A line through points of 0..1, y downwards; it breaks where there is no value."""
    path, broken = "", True
    for x, y in points:
        if y is not None:
            path += f"{'M' if broken else 'L'}{x * _WIDTH:.1f} {y * _HEIGHT:.1f}"
        broken = y is None
    return path


def _dots(points: Sequence[tuple[float, float | None]]) -> str:
    """Lines of no length, which round caps make dots."""
    return "".join(f"M{x * _WIDTH:.1f} {y * _HEIGHT:.1f}h0" for x, y in points if y is not None)

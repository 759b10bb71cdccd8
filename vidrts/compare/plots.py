"""Small plots of numbers over time as inline SVG: lines and marks alone, drawn 1000 units wide and stretched to fit.

Words stand beside them in HTML, so that they keep their size whatever the width of the screen.
"""

import json
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape

from vidrts.compare.comparison import Comparison, Sample
from vidrts.compare.metrics import Gauge

_WIDTH, _HEIGHT = 1000, 100


def clock(time: Fraction) -> str:
    """A time as people read it: m:ss.mmm, with hours where there are any."""
    minutes, rest = divmod(round(time * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 1000:02}.{rest % 1000:03}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


def timeline(comparison: Comparison) -> str:
    """HTML of the first gauge's curve from zero up over the whole video, with a numbered pin at each moment shown."""
    gauge, samples = comparison.gauges[0], comparison.samples
    place = _axis(samples)
    values = [(place(s.time), r.value) for s in samples if (r := s.readings[gauge.key]) is not None]
    most = max((v for _, v in values), default=0.0) or 1.0
    line = _path([(x, 1 - 0.94 * v / most) for x, v in values])
    area = f"{line}L{values[-1][0] * _WIDTH:.1f} {_HEIGHT}L{values[0][0] * _WIDTH:.1f} {_HEIGHT}Z" if values else ""
    pins = []
    for number, plate in enumerate(comparison.plates, 1):
        at = place(plate.time)
        flip = " flip" if at > 0.96 else ""
        pins.append(f'<div class="pin{flip}" style="left:{100 * at:.2f}%"><span>{number}</span></div>')
    return (
        f'<div class="timeline" role="img" aria-label="{escape(gauge.name)} from {clock(samples[0].time)} to '
        f'{clock(samples[-1].time)}, with the moments shown marked">'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="area" d="{area}"/><path class="line" d="{line}"/>'
        f'<line class="base" x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}"/></svg>{"".join(pins)}</div>'
    )


def plot(comparison: Comparison, gauge: Gauge) -> str:
    """HTML of a figure: a gauge's name and mean, what it means, its curve; "" where there is nothing to draw."""
    samples, average = comparison.samples, comparison.average(gauge)
    place = _axis(samples)
    readings = [(place(s.time), s.time, s.readings[gauge.key]) for s in samples]
    results = [r.value for _, _, r in readings if r is not None and math.isfinite(r.value)]
    sources = [r.source for _, _, r in readings if r is not None and r.source is not None]
    if not results:
        return ""
    low, high = _range([*results, *sources], gauge.same)

    def height(value: float) -> float:
        return 1 - (min(value, high) - low) / (high - low)

    curves = "".join(
        f'<path class="line {kind}" d="{_path(drawn)}"/><path class="dots {kind}" d="{_dots(drawn)}"/>'
        for kind, drawn in (
            ("source", [(x, None if r is None or r.source is None else height(r.source)) for x, _, r in readings]),
            ("result", [(x, None if r is None else height(r.value)) for x, _, r in readings]),
        )
        if kind == "result" or sources
    )
    marks = "".join(f"M{place(plate.time) * _WIDTH:.1f} 0V{_HEIGHT}" for plate in comparison.plates)
    same = "" if gauge.same is None else f'<path class="same" d="M0 {height(gauge.same) * _HEIGHT:.1f}H{_WIDTH}"/>'
    meaning = gauge.meaning + (" Blue: the source." if sources else "")
    points = json.dumps([[round(x, 4), clock(t), gauge.told(r)] for x, t, r in readings], ensure_ascii=False)
    told = f"mean {gauge.told(average)}"
    extremes = f"lowest {gauge.text(min(results))}, highest {gauge.text(max(results))}"
    return (
        f'<figure class="plot" data-points="{escape(points)}"><figcaption><b>{escape(gauge.name)}</b>'
        f"<output>{told}</output><small>{escape(meaning)}</small></figcaption>"
        f'<div class="chart" role="img" aria-label="{escape(gauge.name)} over time: {told}, {extremes}">'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="grid" d="M0 0H{_WIDTH}M0 {_HEIGHT}H{_WIDTH}"/><path class="pins" d="{marks}"/>{same}{curves}'
        f'<line class="cursor" y1="0" y2="{_HEIGHT}" visibility="hidden"/></svg>'
        f'<span class="high">{gauge.text(high)}</span><span class="low">{gauge.text(low)}</span>'
        f'<span class="from">{clock(samples[0].time)}</span><span class="to">{clock(samples[-1].time)}</span>'
        "</div></figure>"
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

"""The numbers of a comparison as HTML tables."""

from collections.abc import Sequence
from html import escape

from vidrts.compare.comparison import Comparison
from vidrts.compare.metrics import Gauge
from vidrts.compare.plots import clock


def tables(comparison: Comparison) -> str:
    """The section of measures: of one result, or of several beside each other and each of them folded away."""
    results = range(len(comparison.results))
    sections = []
    if len(comparison.results) > 1:
        rows = [_row(gauge, [gauge.told(comparison.average(gauge, k)) for k in results]) for gauge in comparison.gauges]
        heads = [escape(name) for name, _ in comparison.results]
        sections.append(_table("Measure", heads, rows, "Means"))
        for k, (name, _) in enumerate(comparison.results):
            folded = f"<details><summary>{escape(name)}, by frame</summary>{_result(comparison, k, name)}</details>"
            sections.append(folded)
        return _section("Measures", "".join(sections))
    return _section("Measures", _result(comparison, 0, "Measures") + _all_samples(comparison))


def _result(comparison: Comparison, result: int, name: str) -> str:
    """Every gauge's mean, extremes and value at each moment shown, of one result."""
    samples = comparison.samples
    heads = ["Mean", *(["Lowest", "Highest"] if samples else [])]
    heads += [f"<b>{number}</b><br>{clock(p.time)}" for number, p in enumerate(comparison.plates, 1)]
    rows = []
    for gauge in comparison.gauges:
        measured = [r.value for s in samples if (r := s.readings[gauge.key]) is not None]
        extremes = [min(measured, default=None), max(measured, default=None)] if samples else []
        cells = [gauge.told(comparison.average(gauge, result)), *(gauge.text(v) for v in extremes)]
        rows.append(_row(gauge, [*cells, *(gauge.told(p.readings[result][gauge.key]) for p in comparison.plates)]))
    return _table("Measure", heads, rows, name, strong=True)


def _all_samples(comparison: Comparison) -> str:
    """The plots' numbers, folded away."""
    if not comparison.samples:
        return ""
    rows = [
        f'<tr><th scope="row">{clock(s.time)}</th>'
        + "".join(f"<td>{gauge.told(s.readings[gauge.key])}</td>" for gauge in comparison.gauges)
        + "</tr>"
        for s in comparison.samples
    ]
    table = _table("Time", [escape(gauge.name) for gauge in comparison.gauges], rows, "Every moment measured")
    return f"<details><summary>Every moment measured</summary>{table}</details>"


def _section(name: str, content: str) -> str:
    return f'<section class="part"><h2>{escape(name)}</h2>{content}</section>'


def _table(first: str, heads: Sequence[str], rows: Sequence[str], name: str, *, strong: bool = False) -> str:
    """A table that scrolls by itself; `strong`: its first column of numbers is the one to read."""
    head = "".join(f'<th scope="col">{text}</th>' for text in (first, *heads))
    kind = ' class="strong"' if strong else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}, table"><table{kind}>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(gauge: Gauge, cells: Sequence[str]) -> str:
    return (
        f'<tr><th scope="row">{escape(gauge.name)}<small>{escape(gauge.meaning)}</small></th>'
        f"{''.join(f'<td>{text}</td>' for text in cells)}</tr>"
    )

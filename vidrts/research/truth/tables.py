"""The truth bench's tables."""

import math
from collections.abc import Mapping, Sequence

from vidrts.research.truth.candidates import FILTERS, STRENGTHS
from vidrts.research.truth.result import DECIDING, SOFT, Result, Verdict
from vidrts.research.truth.work import INPUT, at_amount, at_equal_change, at_strength
from vidrts.training.report.runs import Table


def tables(result: Result, verdicts: Mapping[str, Sequence[Verdict]]) -> list[Table]:
    """Frontier, verdicts, the two measures that decide, the others; then what is only reported."""
    found = [_frontier(result, verdicts), *(_verdicts(model, said) for model, said in verdicts.items())]
    found += [_gains(result, measure, title) for measure, title in _DECIDING.items()]
    found += [_ssim(result), _sources(result), _blocks(result)]
    if result.flicker:
        found.append(_flicker(result))
    if result.also:
        found += [
            _gains(result, m, f"{title}, pictures that decide nothing", also=True) for m, title in _DECIDING.items()
        ]
    return [table for table in found if table.rows]


_DECIDING = {key: f"{DECIDING[key].title} above the source's" for key in DECIDING}


def _frontier(result: Result, verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    rows = []
    for model in result.models:
        gain, harm = result.frontier(model)
        said = verdicts[model]
        rows.append((model, _signed(gain), _signed(harm), f"{sum(v.met for v in said)} of {len(said)}"))
    return Table(
        "Gain and harm at strength 1", ("", "soft rows, dB", "sharp rows with codec, dB", "demands met"),
        tuple(rows), f"Means of PSNR-Y over the source's. Soft rows: {', '.join(SOFT)}.",
    )  # fmt: skip


def _verdicts(model: str, verdicts: Sequence[Verdict]) -> Table:
    rows = [
        (v.row, v.measure, v.wanted, f"{v.got:.3f}" if "border" in v.measure else f"{v.got:+.2f}",
         f"{'met' if v.met else 'missed'} by {abs(v.margin):.3g}")
        for v in verdicts
    ]  # fmt: skip
    return Table(f"{model} against the demands", ("source", "measure", "expected", "got", ""), tuple(rows))


def _candidates(result: Result, measure: str) -> dict[str, str]:
    """Candidate -> its column's head."""
    found = {at_strength(m, s): f"{m} x{s:g}" for m in result.models for s in STRENGTHS}
    for name, tried in FILTERS.items():
        found[at_equal_change(name)] = f"{name}, equal change"
        soft, amount = result.best(name, measure, SOFT), result.best(name, measure)
        found[at_amount(name, soft)] = f"{name}, best of soft rows ({tried.says(soft)})"
        found[at_amount(name, amount)] = f"{name}, best ({tried.says(amount)})"
    return found


def _gains(result: Result, measure: str, title: str, *, also: bool = False) -> Table:
    columns = _candidates(result, measure)
    digits = DECIDING[measure].digits
    rows = []
    for row in result.rows:
        source = result.value(row, INPUT, measure, also=also)
        if math.isfinite(source):
            cells = [_signed(result.gain(row, name, measure, also=also), digits) for name in columns]
        else:
            cells = [f"({result.value(row, name, measure, also=also):.{digits}f})" for name in columns]
        rows.append((row, f"{source:.{digits}f}" if math.isfinite(source) else "the truth", *cells))
    note = (
        "Best: the one amount whose mean over all rows but the first is highest; sharp rows keep "
        "it small, so that the best of the soft rows alone stands beside it. "
        f"Equal change: as much as {result.models[0]} x1, picture by picture. In brackets: not above anything, the "
        "measure itself."
    )
    return Table(title, ("source", "source itself", *columns.values()), tuple(rows), note)


def _ssim(result: Result) -> Table:
    columns = {name: head for name, head in _candidates(result, "psnr").items() if "x0.5" not in head}
    rows = [(row, *(f"{result.value(row, name, 'ssim'):.4f}" for name in (INPUT, *columns))) for row in result.rows]
    return Table("SSIM of Y", ("source", "source itself", *columns.values()), tuple(rows))


def _sources(result: Result) -> Table:
    """What no candidate touches, and how far each changes the picture."""
    columns = [at_strength(model, 1) for model in result.models]
    rows = [
        (row, _or_dash(result.value(row, INPUT, "chroma"), 2),
         *(f"{result.value(row, name, 'change'):.2f} ({result.value(row, name, 'ratio'):.2f} %)" for name in columns))
        for row in result.rows
    ]  # fmt: skip
    return Table(
        "Chroma, and how much is changed", ("source", "chroma PSNR, dB, of source and all", *columns), tuple(rows),
        "Mean |change| of Y in code values, and the difference ratio of R'G'B'. All change luma alone.",
    )  # fmt: skip


def _blocks(result: Result) -> Table:
    columns = _candidates(result, "psnr")
    rows = [
        (row, *(f"{result.value(row, name, 'borders'):.3f}" for name in (INPUT, *columns)))
        for row, kind in result.rows.items()
        if kind in ("sharp", "blocks")
    ]
    return Table(
        "Border steps", ("source", "source itself", *columns.values()), tuple(rows),
        "Steps of Y across borders of 8x8 blocks over those within; the first row is without any.",
    )  # fmt: skip


def _flicker(result: Result) -> Table:
    columns = {name: head for name, head in _candidates(result, "psnr").items() if "best" not in head}
    rows = [(clip, *(f"{values[name]:.3f}" for name in columns)) for clip, values in result.flicker.items()]
    return Table(
        "Flicker on fixed-camera clips", ("clip", *columns.values()), tuple(rows), "1 = as much as the source."
    )


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}" if math.isfinite(value) else "–"


def _or_dash(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"

"""A model's part of the truth bench for its card: beside the weights before it and the filters."""

from pathlib import Path

from vidrts.errors import InputError
from vidrts.research.truth.candidates import FILTERS
from vidrts.research.truth.result import DECIDING, Result, verdict
from vidrts.research.truth.work import INPUT, at_amount, at_strength
from vidrts.training.report.runs import Table

_STRENGTHS = (0.5, 1.0, 2.0)


def truth_part(file: Path, model: str, before: str = "") -> list[str]:
    """Markdown of what `file`, a truth.json, holds of `model` and of the weights `before` it, by their titles there.

    Raises `InputError` for another file, or one that does not hold them.
    """
    result = Result.read(file)
    for name in (model, before):
        if name and name not in result.models:
            raise InputError(f"{file}: holds {', '.join(result.models)}, expected {name}")
    earlier = (result, before) if before else None
    said = verdict(result, model, earlier)
    missed = [v for v in said if not v.met]
    told = (
        f"Clean clips of {len(result.pictures)} photographs, spoiled in {len(result.rows)} ways through real encoders "
        '(`python -m vidrts.research experiment truth`), luma written back. "At its best": the one amount for all '
        f"rows that has the highest mean. Of the {len(said)} demands that the bench can judge "
        f"{len(said) - len(missed)} are met"
    )
    if before:
        told += f"; the weights before met {sum(v.met for v in verdict(result, before, earlier))}"
    parts = [f"{told}."]
    if missed:
        rows = tuple((v.row, v.measure, v.wanted, f"{v.got:+.2f}", f"{-v.margin:.3g}") for v in missed)
        parts.append(_body(Table("", ("missed: source", "measure", "expected", "got", "by"), rows)))
    for measure in DECIDING:
        parts.append(_body(_gains(result, measure, model, before)))
    if result.flicker:
        columns = [at_strength(name, 1) for name in (before, model) if name]
        clips = tuple((clip, *(f"{of[c]:.2f}" for c in columns)) for clip, of in result.flicker.items())
        parts.append(_body(Table("", ("flicker, x1", *(["before"] if before else []), "now"), clips)))
    return parts


def _gains(result: Result, measure: str, model: str, before: str) -> Table:
    title, digits = f"{DECIDING[measure].title} above the source's", DECIDING[measure].digits
    columns = {at_strength(before, 1): "before x1"} if before else {}
    columns |= {at_strength(model, strength): f"x{strength:g}" for strength in _STRENGTHS}
    for name, tried in FILTERS.items():
        amount = result.best(name, measure)
        columns[at_amount(name, amount)] = f"{name} at its best ({tried.says(amount)})"
    rows = []
    for row, kind in result.rows.items():
        if kind == "sharp":
            continue
        source = f"{result.value(row, INPUT, measure):.{digits}f}"
        rows.append((row, source, *(f"{result.gain(row, name, measure):+.{digits}f}" for name in columns)))
    return Table("", (title, "source itself", *columns.values()), tuple(rows))


def _body(table: Table) -> str:
    """The table without its heading."""
    return "\n".join(line for line in table.markdown().splitlines() if line.startswith("|"))

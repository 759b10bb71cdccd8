"""What `vidrts score` prints: tables, CSV, why values are missing, the keys in its help."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import wrap

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vidrts.compare.metrics import why_missing
from vidrts.measure.metric import Metric
from vidrts.measure.registry import COMPARED, METRICS, MOS, VIQET
from vidrts.messages import Message
from vidrts.score.scoring import Score

_WIDE = 200
"""Characters in a line of a table that goes to a file or a pipe."""

_ALONE = [metric for metric in VIQET if metric.key != "resolution_mp"]
_BESIDE = [metric for metric in COMPARED if metric is not MOS and not metric.detail]
"""What the tables show."""


def keys() -> str:
    """The keys of --json and --csv, for the end of the help."""
    lines = "\n".join(
        f"  {metric.key:16} {line}" if number == 0 else f"  {'':16} {line}"
        for metric in COMPARED
        for number, line in enumerate(wrap(f"{metric.title}: {metric.explanation}", 61))
    )
    return (
        "\b\nKeys of --json and --csv: file, width, height, frames; mos, mos_model, mos_raw\n(before it is limited to "
        f"1..4.5); VIQET's own; cambi. With --reference all of:\n{lines}\n"
        "A value is null (--csv: empty) where it is not defined or infinite, with a message,\n"
        "and where pictures have no such metric (flicker, VMAF).\n"
        "A larger result (2, 4 or 8 times) is compared with the enlarged source, but scaled\ndown for VMAF and XPSNR.\n"
    )


def reasons(scores: Sequence[Score], *, all_keys: bool) -> Iterator[str]:
    """Why values are missing: a line for each file and reason, one for all files where they share it.

    `all_keys`: of everything in JSON, by key; else of what the tables show, by name.
    """
    shown = {metric.key for metric in (MOS, *_ALONE, *_BESIDE)}
    files: dict[Message, list[str]] = {}
    for one in scores:
        missing = {key: why for key, why in one.missing().items() if all_keys or key in shown}
        for line in why_missing(missing, lambda key: key if all_keys else METRICS[key].name):
            files.setdefault(line, []).append(one.file)
    for line, names in files.items():
        yield line if len(names) == len(scores) else line.about(", ".join(names))


def as_csv(scores: Sequence[Score]) -> str:
    """A head and a line for each file; nothing where a value is missing."""
    text = io.StringIO()
    rows = [one.row() for one in scores]
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def print_tables(scores: Sequence[Score]) -> None:
    """The metrics that people look at; all are in --json and --csv."""
    rows = [one.row() for one in scores]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    mos = f"MOS ({rows[0]['mos_model']})"
    raw = replace(MOS, key="mos_raw", name="raw MOS")
    shown = [row | {raw.key: None if row[MOS.key] is None else row[raw.key]} for row in rows]
    console.print(_table(shown, [replace(MOS, name=mos), raw, *_ALONE], frames=any(r["frames"] != 1 for r in rows)))
    known = [metric for metric in _BESIDE if any(row.get(metric.key) is not None for row in rows)]
    if known:
        console.print()
        console.print(_table(rows, known))


def _table(
    rows: Sequence[dict[str, str | float | None]], metrics: Sequence[Metric], *, frames: bool = False
) -> Table:  # fmt: skip
    """A line for each file, a column for each metric; numbers are never broken, long file names are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    for title in [*(["frames"] if frames else []), *(metric.title for metric in metrics)]:
        table.add_column(title, justify="right", min_width=min(5, len(title)))
    for row in rows:
        values = ((metric, row[metric.key]) for metric in metrics)
        cells = ["-" if value is None else metric.number(float(value)) for metric, value in values]
        table.add_row(escape(str(row["file"])), *([str(row["frames"])] if frames else []), *cells)
    return table

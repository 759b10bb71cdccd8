"""`vidrts score FILE...`."""

import csv
import io
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vidrts.cli.common import QUIET, VERBOSE
from vidrts.cli.parsing import TIME
from vidrts.cli.progress_bar import Steps, say
from vidrts.errors import VidrtsError
from vidrts.measure.viqet import MODELS
from vidrts.score.scoring import FRAMES, Score, ScoreOptions, score_files

_DEFAULT = ScoreOptions()
_WIDE = 200
"""Characters in a line of a table that goes to a file or a pipe."""

_ALONE = {
    "edge_acutance": "edge", "texture_acutance": "texture", "noise_signature_index": "noise", "saturation": "satur.",
    "color_warmth": "warmth", "illumination": "illum.", "dynamic_range": "range", "over_exposed_pct": "over %",
    "under_exposed_pct": "under %",
}  # fmt: skip
_BESIDE = {
    "difference_ratio": "change %", "psnr_rgb": "PSNR RGB", "psnr_y": "PSNR Y", "ssim": "SSIM", "ciede2000": "ΔE00",
    "overshoot": "overshoot %", "noise_gain": "flat noise", "flicker": "flicker", "motion_flicker": "along motion",
    "vmaf": "VMAF", "vmaf_neg": "VMAF NEG", "xpsnr": "XPSNR",
}  # fmt: skip
"""Keys that the tables show -> the head of their column."""

_KEYS = """\b
Keys of --json and --csv: file, width, height, frames; mos, mos_model, mos_raw
(before it is held to 1..4.5); VIQET's own. With --reference besides:
  difference_ratio       % of the picture that was changed: 100 sum|a-b|/sum(b)
  mean_difference        100 mean|a-b| of full scale; rms_difference: 100 rms/mean
  psnr_rgb, psnr_y, ssim nearness to the source: dB, dB, 1 = equal
  ciede2000              mean colour difference; about 1 is just seen
  overshoot              how far edges go beyond those of the source, in % of them
  noise_gain             noise of flat areas over that of the source
  flicker                change from frame to frame over that of the source, where
                         that stands still; motion_flicker: followed along motion
  vmaf, vmaf_neg, xpsnr  FFmpeg's filters: 0..100, 0..100 (no gain for sharpening), dB
A value is null (--csv: empty) where it is not defined or infinite; a line says why.
A result of twice the size is compared with the enlarged source, but brought down
for FFmpeg's filters.
"""


@click.command(epilog=_KEYS)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--reference", type=click.Path(path_type=Path), metavar="SRC",
    help="What the files were made of: adds the measures that compare.",
)  # fmt: skip
@click.option("--frames", type=click.IntRange(1), help=f"Frames of a video, evenly spread; default: {FRAMES}.")
@click.option("--every", type=TIME, help="A frame every so many seconds instead.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with an object for each file, all measures.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a line for each file, all measures.")
@click.option(
    "--viqet-model", default=_DEFAULT.viqet_model, show_default=True, metavar="NAME|FILE",
    help=f"What gives the MOS: {', '.join(MODELS)}, or a model file of VIQET in LIBSVM's text format.",
)  # fmt: skip
@click.option(
    "--flat-region-model", type=click.Path(path_type=Path), metavar="FILE",
    help="VIQET's classifier file, for flat_region_index.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes that measure; default: one a processor.")
@VERBOSE
@QUIET
def score(
    files: tuple[str, ...], reference: Path | None, frames: int | None, every: Fraction | None, as_json: bool,
    as_csv: bool, viqet_model: str, flat_region_model: Path | None, workers: int | None, verbose: bool, quiet: bool,
) -> None:  # fmt: skip
    """Measure pictures and videos: VIQET's scores, and with --reference what was changed and at what price.

    Videos are measured on sampled frames; printed are the means. A MOS is told with the model that gave it: MOS of
    different models do not compare. Files that cannot be measured are told, the others are measured.

    \b
    vidrts score photo.png film.mp4
    vidrts score --reference in.mkv out.mkv
    vidrts score --json --every 10 film.mkv > scores.json
    """
    if frames is not None and every is not None:
        raise click.UsageError("--frames and --every exclude each other.")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    options = ScoreOptions(
        frames=frames, every=every, reference=reference, viqet_model=viqet_model, flat_region_model=flat_region_model,
        workers=workers,
    )  # fmt: skip
    errors: list[VidrtsError] = []
    with Steps(quiet=quiet) as steps:
        scores = score_files(
            files, options, on_message=steps.message, on_error=errors.append, on_step=steps.step
        )  # fmt: skip
        for line in _reasons(scores, () if as_json or as_csv else (*_ALONE, *_BESIDE)):
            steps.message(line)
    if as_json:
        click.echo(json.dumps([one.row() for one in scores], indent=2, allow_nan=False, ensure_ascii=False))
    elif as_csv:
        click.echo(_csv(scores), nl=False)
    elif scores:
        _print_tables(scores)
    for error in errors[:-1]:
        say(f"vidrts: {error}")
    if errors:
        raise errors[-1]


def _reasons(scores: Sequence[Score], shown: Collection[str]) -> Iterator[str]:
    """Why values are missing: a line for each file and reason, one for all files where they share it.

    `shown`: the keys that people look at; () for all.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for one in scores:
        by_reason: dict[str, list[str]] = {}
        for key, why in one.missing().items():
            if not shown or key in shown:
                by_reason.setdefault(why, []).append(key)
        for why, keys in by_reason.items():
            found.setdefault((", ".join(keys), why), []).append(one.file)
    for (names, why), files in found.items():
        whose = "" if len(files) == len(scores) else f"{', '.join(files)}: "
        yield f"{whose}no {names}: {why}"


def _csv(scores: Sequence[Score]) -> str:
    """A head and a line for each file; nothing where a value is missing."""
    text = io.StringIO()
    rows = [one.row() for one in scores]
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _print_tables(scores: Sequence[Score]) -> None:
    """The measures that people look at; all are in --json and --csv."""
    rows = [one.row() for one in scores]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    head = {"frames": "frames"} if any(row["frames"] != 1 for row in rows) else {}
    console.print(_table(rows, {**head, "mos": f"MOS ({rows[0]['mos_model']})", "mos_raw": "unclamped", **_ALONE}))
    if scores[0].two_sided is not None:
        known = {key: name for key, name in _BESIDE.items() if any(row[key] is not None for row in rows)}
        console.print()
        console.print(_table(rows, known))


def _table(rows: Sequence[dict[str, str | float | None]], columns: dict[str, str]) -> Table:
    """A line for each file, a column for each key; numbers are never broken, long file names are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    for name in columns.values():
        table.add_column(name, justify="right", min_width=min(5, len(name)))
    for row in rows:
        table.add_row(escape(str(row["file"])), *(_cell(row[key]) for key in columns))
    return table


def _cell(value: str | float | None) -> str:
    """A number with the digits that matter."""
    if value is None:
        return "-"
    if isinstance(value, str | int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"

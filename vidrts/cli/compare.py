"""`vidrts compare SRC OUT REPORT`."""

from fractions import Fraction

import click

from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.parsing import CROP, TIME
from vidrts.cli.progress_bar import Steps, say
from vidrts.cli.words import human_size
from vidrts.compare.comparison import FRAMES, SAMPLES, CompareOptions, Comparison
from vidrts.compare.comparison import compare as run_compare
from vidrts.compare.save import LARGE, check_target, is_sheet, save
from vidrts.compare.snapshot import Crop


@click.command()
@click.argument("source", metavar="SRC", type=click.Path())
@click.argument("result", metavar="OUT", type=click.Path())
@click.argument("report", metavar="REPORT", type=click.Path())
@click.option("-y/-n", "overwrite", default=False, help="Overwrite REPORT if it exists, or refuse (default).")
@click.option("--frames", type=click.IntRange(0, 100), help=f"Moments chosen and shown; default: {FRAMES}.")
@click.option("--at", type=TIME, multiple=True, help="Show this moment; may be repeated. --frames adds chosen ones.")
@click.option("--samples", type=click.IntRange(1, 100_000), help=f"Moments measured; default: {SAMPLES}.")
@click.option("--every", type=TIME, help="Measure every so many seconds instead.")
@click.option("--crop", type=CROP, metavar="WxH+X+Y", help="Show this piece of the pictures alone.")
@click.option("--play", type=TIME, metavar="SECONDS", help="How long the page plays both, in step; default: 1.")
@click.option("--viqet/--no-viqet", default=True, help="Measure VIQET's MOS (default), or leave it out: faster.")
@click.option("--workers", type=click.IntRange(1), help="Processes that measure VIQET's MOS; default: one per core.")
@DEBUG
@QUIET
def compare(
    source: str, result: str, report: str, overwrite: bool, frames: int | None, at: tuple[Fraction, ...],
    samples: int | None, every: Fraction | None, crop: tuple[int, int, int, int] | None,
    play: Fraction | None, viqet: bool, workers: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Show the video SRC beside OUT, what was made of it: pictures, measures, plots.

    REPORT is a page in one file for any browser (.html) or a contact sheet (.png). OUT is 1, 2, 4 or 8 times as
    large as SRC. Shown are the moments where the two differ most and least. Times are [HH:]MM:SS[.m] or seconds from
    the first frame.

    \b
    vidrts compare in.mkv out.mkv page.html
    vidrts compare --at 12.5 --at 1:00 in.mkv out.mkv sheet.png
    """
    if samples is not None and every is not None:
        raise click.UsageError("--samples and --every exclude each other.")
    if frames == 0 and not at:
        raise click.UsageError("--frames 0 without --at leaves nothing to show.")
    options = CompareOptions(
        frames=frames, at=at, samples=samples, every=every, crop=None if crop is None else Crop(*crop),
        play=Fraction(0) if is_sheet(report) else CompareOptions.play if play is None else play, viqet=viqet,
        workers=workers,
    )  # fmt: skip
    check_target(report, source, result, overwrite=overwrite)
    with Steps(quiet=quiet) as steps:
        comparison = run_compare(source, result, options, on_message=steps.message, on_step=steps.step)
        size = save(comparison, report, overwrite=overwrite)
    if not quiet:
        say_verdicts(comparison)
        say(f"vidrts: {described(report, len(comparison.snapshots), size, 'moments')}")


def say_verdicts(comparison: Comparison) -> None:
    """What each result is in words, as its page has them."""
    for words in filter(None, comparison.verdicts):
        say(f"vidrts: {words}")


def described(report: str, count: int, size: int, what: str) -> str:
    """What was written; how to make it smaller where it is large."""
    line = f"{report}: {count} {what if count != 1 else what.removesuffix('s')}, {human_size(size)}"
    if size > LARGE:
        line += f" (over {human_size(LARGE)}; fewer moments or --crop 1280x720+0+0 make it smaller)"
    return line

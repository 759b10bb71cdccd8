"""`vidrts report RUN...`."""

from pathlib import Path

import click

from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.progress_bar import say
from vidrts.training.report.page import save_report


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Where the report goes; default: the folder `report` of the first run.",
)  # fmt: skip
@DEBUG
@QUIET
def report(runs: tuple[Path, ...], out: Path | None, quiet: bool) -> None:
    """Draw training runs, finished or not: the paper's tables and figures, and which stage ships.

    Writes report.html (one file for any browser), report.md and the figures as PNG. Several runs are drawn into the
    same figures.

    \b
    vidrts report runs/lite
    vidrts report runs/lite runs/r3 --out comparison
    """
    page, verdicts = save_report(runs, out or runs[0] / "report")
    if not quiet:
        for line in verdicts:
            say(line)
        say(f"vidrts: {page}")

"""`vidrts score FILE...`."""

import json
from fractions import Fraction
from pathlib import Path

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.parsing import TIME
from vidrts.cli.progress_bar import Steps, say
from vidrts.errors import VidrtsError
from vidrts.measure.mos_models import NAMES
from vidrts.score.options import FRAMES, ScoreOptions

_DEFAULT = ScoreOptions()


class _Score(click.Command):
    """The command; its help ends with the metrics, which take seconds to load."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Click's hook."""
        from vidrts.cli.score_tables import keys

        self.epilog = keys()
        super().format_epilog(ctx, formatter)


@click.command(cls=_Score)
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
    help=f"What gives the MOS: {', '.join(NAMES)}, or a model file of VIQET in LIBSVM's text format.",
)  # fmt: skip
@click.option(
    "--flat-region-model", type=click.Path(path_type=Path), metavar="FILE",
    help="VIQET's classifier file, for flat_region_index.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes that measure; default: one per core.")
@DEBUG
@QUIET
def score(
    files: tuple[str, ...], reference: Path | None, frames: int | None, every: Fraction | None, as_json: bool,
    as_csv: bool, viqet_model: str, flat_region_model: Path | None, workers: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Measure pictures and videos: VIQET's scores, and with --reference what was changed and at what price.

    Videos are measured on sampled frames; the means are printed. A MOS is printed with the model that gave it: MOS of
    different models do not compare. Files that cannot be measured are skipped with a line for each.

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
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.cli import score_tables
        from vidrts.score.scoring import score_files

    errors: list[VidrtsError] = []
    with Steps(quiet=quiet) as steps:
        scores = score_files(
            files, options, on_message=steps.message, on_error=errors.append, on_step=steps.step
        )  # fmt: skip
        for line in score_tables.reasons(scores, all_keys=as_json or as_csv):
            steps.message(line)
    if as_json:
        click.echo(json.dumps([one.row() for one in scores], indent=2, allow_nan=False, ensure_ascii=False))
    elif as_csv:
        click.echo(score_tables.as_csv(scores), nl=False)
    elif scores:
        score_tables.print_tables(scores)
    for error in errors[:-1]:
        say(f"vidrts: {error}")
    if errors:
        raise errors[-1]

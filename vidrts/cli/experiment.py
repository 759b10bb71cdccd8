"""`vidrts experiment NAME`."""

from pathlib import Path

import click

from vidrts.cli.common import DEVICE, VERBOSE
from vidrts.cli.steps import say
from vidrts.cli.train import tell
from vidrts.report.experiments import EXPERIMENTS, SCALES, run_experiment


@click.command(epilog="\b\n" + "\n".join(f"{name}: {e.question}" for name, e in EXPERIMENTS.items()))
@click.argument("name", type=click.Choice(list(EXPERIMENTS)))
@click.option(
    "--photos", type=click.Path(path_type=Path), required=True, metavar="DIR", help="As for `vidrts train`."
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the experiment.")
@click.option(
    "--clip", "clips", type=click.Path(path_type=Path), multiple=True, metavar="VIDEO",
    help="For linear: measure frames of this video, too. May be repeated.",
)  # fmt: skip
@click.option(
    "--arm", "arms", multiple=True, metavar="NAME",
    help="Train only this arm, and answer with those that are done. May be repeated.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(list(SCALES)), default="short", show_default=True,
    help="full: the paper's schedule, for a GPU. short: small networks and few steps, for orderings and gains.",
)  # fmt: skip
@DEVICE
@VERBOSE
def experiment(
    name: str,
    photos: Path,
    out: Path,
    clips: tuple[Path, ...],
    arms: tuple[str, ...],
    scale: str,
    device: str,
    verbose: bool,
) -> None:
    """Train and measure what answers one question, and write answer.md and a report.

    The same command goes on with an experiment that was stopped; what is trained is not trained again.

    \b
    vidrts experiment kernels --photos DIV2K --out experiments/kernels
    """
    answer = run_experiment(
        name, photos, out, scale=scale, device=device, clips=clips, arms=arms, on_message=say, on_progress=tell
    )  # fmt: skip
    say(f"answer: {answer}")

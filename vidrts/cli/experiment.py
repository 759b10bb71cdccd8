"""`vidrts experiment NAME`."""

from pathlib import Path

import click

from vidrts.cli.common import DEVICE, VERBOSE
from vidrts.cli.steps import say
from vidrts.cli.train import tell
from vidrts.errors import OptionError
from vidrts.report.experiments import EXPERIMENTS, SCALES, run_experiment
from vidrts.report.truth.bench import QUESTION, run_truth

TRUTH = "truth"
_QUESTIONS = {name: e.question for name, e in EXPERIMENTS.items()} | {TRUTH: QUESTION}


@click.command(epilog="\b\n" + "\n".join(f"{name}: {question}" for name, question in _QUESTIONS.items()))
@click.argument("name", type=click.Choice(list(_QUESTIONS)))
@click.option(
    "--photos", type=click.Path(path_type=Path), required=True, multiple=True, metavar="DIR",
    help="As for `vidrts train`. truth takes those that `train --left-for-truth 4` leaves out; may be repeated there.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the experiment.")
@click.option(
    "--clip", "clips", type=click.Path(path_type=Path), multiple=True, metavar="VIDEO",
    help="For linear: measure frames of this video, too. For truth: a fixed camera's, for flicker. May be repeated.",
)  # fmt: skip
@click.option(
    "--model", "models", multiple=True, metavar="NAME|FILE",
    help="For truth: measure this model, not all that are shipped. May be repeated.",
)  # fmt: skip
@click.option(
    "--also", type=click.Path(path_type=Path), metavar="DIR",
    help="For truth: measure some of these pictures, too, which decide nothing (at the full scale).",
)  # fmt: skip
@click.option(
    "--arm", "arms", multiple=True, metavar="NAME",
    help="Train only this arm, and answer with those that are done. May be repeated.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(list(SCALES)), default="short", show_default=True,
    help="full: the paper's schedule, for a GPU; of truth all rows. short: for orderings and gains, in minutes.",
)  # fmt: skip
@DEVICE
@VERBOSE
def experiment(
    name: str,
    photos: tuple[Path, ...],
    out: Path,
    clips: tuple[Path, ...],
    models: tuple[str, ...],
    also: Path | None,
    arms: tuple[str, ...],
    scale: str,
    device: str,
    verbose: bool,
) -> None:
    """Train and measure what answers one question, and write answer.md and a report.

    The same command goes on with an experiment that was stopped; what is trained is not trained again.

    \b
    vidrts experiment kernels --photos DIV2K --out experiments/kernels
    vidrts experiment truth --photos PHOTOS --out truth
    """
    if name == TRUTH:
        if arms:
            raise OptionError("--arm: truth trains nothing; wanted --model, perhaps")
        answer = run_truth(
            photos, out, scale=scale, models=models, device=device, clips=clips, also=also, on_message=say
        )  # fmt: skip
    else:
        if models or also or len(photos) > 1:
            raise OptionError(f"--model, --also and more than one --photos: for truth alone, got {name}")
        answer = run_experiment(
            name, photos[0], out, scale=scale, device=device, clips=clips, arms=arms, on_message=say, on_progress=tell
        )  # fmt: skip
    say(f"answer: {answer}")

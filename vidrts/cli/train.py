"""`vidrts train`."""

import time
from pathlib import Path
from typing import Any

import click

from vidrts.cli.progress import human_time
from vidrts.networks.registry import RECIPES
from vidrts.training.degrade import PRESETS, Degradation
from vidrts.training.losses import LOSSES
from vidrts.training.phase_a import OPTIMIZERS
from vidrts.training.recurrence import STAGE_INITS, Progress, TrainOptions, load_options
from vidrts.training.recurrence import train as run_train

_DEFAULT = TrainOptions(photos=Path(), out=Path())


@click.command()
@click.option("--photos", type=click.Path(path_type=Path), help="Folder of photographs; DIV2K_train_HR, or your own.")
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Folder of the new run.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with this run, as it was begun.")
@click.option("--model", type=click.Choice(list(RECIPES)), default=_DEFAULT.model, show_default=True)
@click.option(
    "--degrade",
    default="video",
    show_default=True,
    metavar="NAME|STEPS",
    help=f"How LR is made: {', '.join(PRESETS)}, or steps such as 'triangle > h264:18-36 | 2*triangle > jpeg:30-95'.",
)
@click.option("--stages", type=int, default=_DEFAULT.stages, show_default=True)
@click.option("--steps", type=int, default=_DEFAULT.steps, show_default=True, help="Steps of stage 1.")
@click.option(
    "--later-steps",
    type=int,
    default=_DEFAULT.later_steps,
    show_default=True,
    help="Steps of each later stage.",
)
@click.option("--batch", type=int, default=_DEFAULT.batch, show_default=True, help="Patches per step.")
@click.option("--patch", type=int, default=_DEFAULT.patch, show_default=True, help="Side of an LR patch in pixels.")
@click.option("--crops", type=int, default=_DEFAULT.crops, show_default=True, help="Crops of each photograph.")
@click.option("--rate", type=float, default=_DEFAULT.rate, show_default=True, help="Learning rate of stage 1.")
@click.option("--later-rate", type=float, default=_DEFAULT.later_rate, show_default=True)
@click.option(
    "--held-out", type=int, default=_DEFAULT.held_out, show_default=True, help="Photographs kept for validation."
)
@click.option(
    "--decay/--no-decay",
    default=_DEFAULT.decay,
    show_default=True,
    help="Let the rates fall along half a cosine, or keep them, as in the paper.",
)
@click.option(
    "--stage-init",
    type=click.Choice(STAGE_INITS),
    default=_DEFAULT.stage_init,
    show_default=True,
    help="Later stages start from the weights of the one before, or from new ones.",
)
@click.option("--loss", type=click.Choice(list(LOSSES)), default=_DEFAULT.loss, show_default=True)
@click.option(
    "--ema",
    type=float,
    default=_DEFAULT.ema,
    show_default=True,
    help="Decay of a moving average of the weights, for example 0.999, which a stage then gives; 0 for none.",
)
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    default=_DEFAULT.optimizer,
    show_default=True,
    help="adam as in the paper, or muon for the inner convolutions, which needs fewer steps.",
)
@click.option(
    "--flats",
    type=int,
    default=_DEFAULT.flats,
    show_default=True,
    help="Flat patches of random colours beside each batch, which have to stay as they are.",
)
@click.option(
    "--lock-mean/--no-lock-mean",
    default=_DEFAULT.lock_mean,
    show_default=True,
    help="Give each target the mean colour of its photograph.",
)
@click.option("--seed", type=int, default=_DEFAULT.seed, show_default=True)
@click.option("--device", default=_DEFAULT.device, show_default=True, metavar="auto|cpu|cuda[:N]")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
def train(
    photos: Path | None, out: Path | None, resume: Path | None, degrade: str, verbose: bool, **settings: Any
) -> None:  # fmt: skip
    """Train a network on photographs: each stage's enhanced pictures are the next one's targets.

    The run's folder holds settings, metrics and a model file for each stage; kill it at any time and --resume it.

    \b
    vidrts train --photos DIV2K_train_HR --model rts-lite --out runs/lite
    vidrts enhance --model runs/lite/stage-2.safetensors in.mp4 out.mp4
    """
    if resume is not None:
        given = click.get_current_context()
        changed = [name for name in ("photos", "out", "degrade", *settings) if _given(given, name)]
        if changed:
            raise click.UsageError(f"--resume takes all settings from the run; leave out {', '.join(changed)}.")
        options = load_options(resume)
    elif photos is None or out is None:
        raise click.UsageError("wanted --photos DIR and --out RUN, or --resume RUN.")
    else:
        options = TrainOptions(photos=photos, out=out, degradation=Degradation(degrade), **settings)
    began = time.monotonic()

    def told(progress: Progress) -> None:
        left = (progress.steps - progress.step) * progress.seconds_per_step
        later = options.later_steps * (progress.stages - progress.stage) * progress.seconds_per_step
        click.echo(
            f"stage {progress.stage}/{progress.stages}, step {progress.step}/{progress.steps}: "
            f"loss {progress.loss:.6f}, {progress.seconds_per_step:.3f} s a step, "
            f"{human_time(left)} left in this stage, {human_time(left + later)} in all",
            err=True,
        )

    files = run_train(
        options, resume=resume is not None, on_message=lambda line: click.echo(line, err=True), on_progress=told
    )
    click.echo(f"done in {human_time(time.monotonic() - began)}: {', '.join(str(file) for file in files)}", err=True)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE

"""`vidrts train`."""

import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, DEVICE, was_given
from vidrts.cli.option_groups import Sectioned
from vidrts.cli.progress_bar import say
from vidrts.cli.train_adversarial import NAMES, adversarial_options
from vidrts.cli.words import human_time
from vidrts.errors import Interrupted, VidrtsError
from vidrts.networks.names import COLOURS, RECIPES
from vidrts.training.adversarial.options import AdversarialOptions
from vidrts.training.degradation.presets import PAIR_PRESETS, PRESETS
from vidrts.training.loss_names import LOSS_NAMES
from vidrts.training.methods import METHODS, MethodOptions
from vidrts.training.recurrence_options import AIMS, STAGE_INITS, TrainOptions
from vidrts.training.schedule import OPTIMIZERS

if TYPE_CHECKING:
    from vidrts.training.training_run import Progress

_DEFAULT = TrainOptions
_METHOD = TrainOptions.method
"""Its attributes are the defaults."""
_SECTIONS = {
    "The run": (
        "method", "photos", "stills", "stills_weight", "out", "resume", "model", "scale", "init", "held_out", "crops",
        "patch", "seed",
    ),
    "Inputs": (
        "degrade", "pairs", "shrink", "shrink_below", "grey", "luma_input", "rendered", "turn", "left_for_truth",
        "cache",
    ),
    "Pairs": ("pair_weight", "pair_batch", "pair_floor", "pair_aim", "blur_level", "teacher", "teacher_weight"),
    "Stages and schedule": (
        "stages", "steps", "later_steps", "batch", "rate", "later_rate", "decay", "stage_init", "aim",
    ),
    "Optimisation": ("optimizer", "loss", "colour", "ema", "flats", "lock_mean"),
    "--method adversarial": NAMES,
    "Where and how": ("device", "compile", "target_memory", "viqet", "debug", "help"),
}  # fmt: skip


def _steps() -> list[tuple[str, str]]:
    from vidrts.training.degradation.registry import step_table  # loads torch

    return step_table()


@click.command(cls=Sectioned, sections=_SECTIONS, tables={"Steps of --degrade and --pairs": _steps})
@click.option(
    "--method", type=click.Choice(list(METHODS)), default=_DEFAULT.method, show_default=True,
    help="recurrence, or adversarial: a network that takes noise, faithful without it and detailed with it, with "
    f"defaults of its own: --model {AdversarialOptions.model} --steps {AdversarialOptions.steps} "
    f"--ema {AdversarialOptions.ema}.",
)  # fmt: skip
@click.option(
    "--photos", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of photographs; with DIV2K_train_HR and DIV2K_valid_HR in it, DIV2K's own split is used.",
)  # fmt: skip
@click.option(
    "--stills", multiple=True, metavar="DIR|VIDEO",
    help="Also train on frames of videos: a folder of them, or a video to extract them from. Repeatable.",
)  # fmt: skip
@click.option(
    "--stills-weight", type=float, default=_DEFAULT.stills_weight, show_default=True,
    help="Crops of stills per crop of a photograph.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Folder of the new run.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Resume this run with its own settings.")
@click.option(
    "--model", type=click.Choice(list(RECIPES)), default=_DEFAULT.model, show_default=True, help="The network."
)  # fmt: skip
@click.option(
    "--scale", type=int, default=_DEFAULT.scale, show_default=True, metavar="1|2",
    help="The scale that the network is for: 1 to make pictures sharper, 2 to enlarge them (one stage, no pairs).",
)  # fmt: skip
@click.option(
    "--init", default="", metavar="NAME|FILE", show_default=False,
    help="Start stage 1 from this model's weights, to fit it to other pictures, another --degrade or a larger --model.",
)  # fmt: skip
@click.option(
    "--degrade", default="broadcast", show_default=True, metavar="NAME|STEPS",
    help=f"How LR is made: {', '.join(PRESETS)}, or steps such as 'triangle > h264:18-36 | 2*triangle > jpeg:30-95': > "
    "joins steps, | separates weighted alternatives; LOW-HIGH is a range to draw from, or one value.",
)  # fmt: skip
@click.option(
    "--pairs", default="", metavar="NAME|STEPS",
    help=f"Also train on same-size pairs; how their inputs are made: {', '.join(PAIR_PRESETS)}, or steps such as "
    "'(none | blur:0.3-1.6) > (none | h264:17-36)'. The network learns to leave sharp pictures alone.",
)  # fmt: skip
@click.option(
    "--pair-weight", type=float, default=_DEFAULT.pair_weight, show_default=True,
    help="Weight of the pairs' loss relative to that of LR.",
)  # fmt: skip
@click.option("--pair-batch", type=int, default=_DEFAULT.pair_batch, show_default=True, help="Pairs per step.")
@click.option(
    "--pair-floor", type=float, default=_DEFAULT.pair_floor, show_default=True, metavar="CODES",
    help="Divide a pair's error by that of its input, counted as at least this many code values; 0: do not divide.",
)  # fmt: skip
@click.option(
    "--pair-aim", type=click.Choice(AIMS), default=_DEFAULT.pair_aim, show_default=True,
    help="Targets of pairs: the originals, or the previous stage's results, as for LR.",
)  # fmt: skip
@click.option(
    "--teacher", default=_DEFAULT.teacher, metavar="NAME|FILE",
    help="Also hold pairs against the luma that this model makes of their inputs; --blur-level then takes its "
    "estimator, too. Requires --pairs and --colour luma.",
)  # fmt: skip
@click.option(
    "--teacher-weight", type=float, default=_DEFAULT.teacher_weight, show_default=True,
    help="Share of the teacher's luma in what pairs are held against.",
)  # fmt: skip
@click.option(
    "--blur-level/--no-blur-level", default=_DEFAULT.blur_level, show_default=True,
    help="Feed the network luma and the blur level of the frame, which a small network estimates. "
    "Requires --pairs and --colour luma.",
)  # fmt: skip
@click.option(
    "--luma-input/--no-luma-input", default=_DEFAULT.luma_input, show_default=True,
    help="Feed an RTS network luma alone, so that its inner channels need not keep colours. Requires --colour luma.",
)  # fmt: skip
@click.option(
    "--shrink", type=float, default=_DEFAULT.shrink, show_default=True,
    help="Scale training photographs by a factor between this and --shrink-below, so that they are sharp to the pixel.",
)  # fmt: skip
@click.option(
    "--shrink-below", type=float, default=_DEFAULT.shrink_below, show_default=True,
    help="Upper end of the --shrink factor, for example 0.6 for photographs that are soft at full size.",
)  # fmt: skip
@click.option(
    "--grey", type=float, default=_DEFAULT.grey, show_default=True, help="Share of crops converted to grey."
)  # fmt: skip
@click.option(
    "--rendered", type=int, default=_DEFAULT.rendered, show_default=True, metavar="PAGES",
    help="Also train on this many rendered pages of text and line art; they count as stills.",
)  # fmt: skip
@click.option(
    "--turn/--no-turn", default=_DEFAULT.turn, show_default=True, help="Rotate and mirror each batch at random."
)  # fmt: skip
@click.option(
    "--left-for-truth", type=int, default=_DEFAULT.left_for_truth, show_default=True, metavar="N",
    help="Photographs of each folder to leave out, for `python -m vidrts.research experiment truth`.",
)  # fmt: skip
@click.option(
    "--cache", default="", metavar="DIR", show_default=False,
    help="Folder of inputs, a teacher's targets and the estimator of blur levels, to share among runs; default: the "
    "run's own folder.",
)  # fmt: skip
@click.option("--stages", type=int, default=_DEFAULT.stages, show_default=True, help="Stages of the recurrence.")
@click.option("--steps", type=int, default=_DEFAULT.steps, show_default=True, help="Steps of stage 1.")
@click.option(
    "--later-steps", type=int, default=_DEFAULT.later_steps, show_default=True, help="Steps of each later stage."
)  # fmt: skip
@click.option(
    "--batch", type=int, default=_DEFAULT.batch, show_default=True, help="Patches per step, of all processes together."
)  # fmt: skip
@click.option("--patch", type=int, default=_DEFAULT.patch, show_default=True, help="Side of an LR patch in pixels.")
@click.option("--crops", type=int, default=_DEFAULT.crops, show_default=True, help="Crops of each photograph.")
@click.option("--rate", type=float, default=_DEFAULT.rate, show_default=True, help="Learning rate of stage 1.")
@click.option(
    "--later-rate", type=float, default=_DEFAULT.later_rate, show_default=True,
    help="Learning rate of each later stage.",
)  # fmt: skip
@click.option(
    "--held-out", type=int, default=_DEFAULT.held_out, show_default=True, help="Photographs kept for validation."
)  # fmt: skip
@click.option(
    "--decay/--no-decay", default=_DEFAULT.decay, show_default=True,
    help="Cosine decay of the learning rates, or constant rates as in the paper.",
)  # fmt: skip
@click.option(
    "--stage-init", type=click.Choice(STAGE_INITS), default=_DEFAULT.stage_init, show_default=True,
    help="Start later stages from the previous stage's weights, or from new ones.",
)  # fmt: skip
@click.option(
    "--aim", type=click.Choice(AIMS), default=_DEFAULT.aim, show_default=True,
    help="Targets of later stages: the previous stage's enhanced pictures, or, for comparison, the originals.",
)  # fmt: skip
@click.option(
    "--loss", type=click.Choice(LOSS_NAMES), default=_DEFAULT.loss, show_default=True, help="mse is the paper's."
)  # fmt: skip
@click.option(
    "--ema", type=float, default=_DEFAULT.ema, show_default=True,
    help="Decay of the moving average of the weights that a stage saves, for example 0.999; 0: none.",
)  # fmt: skip
@click.option(
    "--colour", type=click.Choice(list(COLOURS)), default=_DEFAULT.colour, show_default=True,
    help="What the loss compares: R'G'B' as in the paper, or luma, all that `vidrts enhance` writes by default.",
)  # fmt: skip
@click.option(
    "--optimizer", type=click.Choice(OPTIMIZERS), default=_DEFAULT.optimizer, show_default=True,
    help="adam as in the paper, or muon for the inner convolutions, which needs fewer steps.",
)  # fmt: skip
@click.option(
    "--flat-patches", "flats", type=int, default=_DEFAULT.flats, show_default=True,
    help="Patches of random flat colours per step that the network learns to leave unchanged.",
)  # fmt: skip
@click.option(
    "--lock-mean/--no-lock-mean", default=_DEFAULT.lock_mean, show_default=True,
    help="Keep the mean colour of each photograph in its targets.",
)  # fmt: skip
@click.option("--seed", type=int, default=_DEFAULT.seed, show_default=True, help="Random seed.")
@DEVICE
@click.option(
    "--compile/--no-compile", default=_DEFAULT.compile, show_default=True, help="Train through torch.compile."
)  # fmt: skip
@click.option(
    "--target-memory", type=float, default=_DEFAULT.target_memory, show_default=True, metavar="GB",
    help="Memory for targets; larger ones are kept in a file of the run's folder.",
)  # fmt: skip
@click.option(
    "--viqet/--no-viqet", default=_DEFAULT.viqet, show_default=True, help="Score each stage by VIQET's measures."
)  # fmt: skip
@adversarial_options
@DEBUG
def train(
    method: str, photos: Path | None, stills: tuple[str, ...], out: Path | None, resume: Path | None, degrade: str,
    pairs: str, **settings: Any,
) -> None:  # fmt: skip
    """Train a network on photographs: each stage's enhanced pictures are the next one's targets.

    With --method adversarial: phase 1 trains without noise, phase 2 with it, against a discriminator.

    The run's folder holds settings, manifest, metrics and a model file for each stage. A run can be stopped at any time
    and continued by --resume. `vidrts report RUN` plots it. On several GPUs or processors:
    torchrun --nproc-per-node N -m vidrts train ...

    \b
    vidrts train --photos DIV2K --model rts-lite --out runs/lite
    vidrts enhance --model runs/lite/stage-2.safetensors in.mp4 out.mp4
    """
    if resume is None and (photos is None or out is None):
        raise click.UsageError("expected --photos DIR and --out RUN, or --resume RUN.")
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.training import recurrence
        from vidrts.training.adversarial import run as adversarial
        from vidrts.training.degradation.recipe import Degradation
        from vidrts.training.distributed import leads
        from vidrts.training.run_store import RunStore

    settings["largest"] = int(settings["largest"])
    given = [name for name in ("method", "photos", "stills", "out", "degrade", "pairs", *settings) if was_given(name)]
    names = {"flats": "flat-patches"}
    options: MethodOptions
    if resume is not None:
        options = RunStore(resume).options()
        fixed = [names.get(name, name.replace("_", "-")) for name in given if name not in options.free]
        if fixed:
            raise click.UsageError(f"--resume uses the settings of the run; remove {', '.join(fixed)}.")
        options = replace(options, **{name: settings[name] for name in given})
    else:
        assert photos is not None and out is not None
        same = Degradation(pairs, halves=False) if pairs else None
        known = METHODS[method].__dataclass_fields__
        if odd := [names.get(name, name.replace("_", "-")) for name in given if name in settings and name not in known]:
            raise click.UsageError(f"--method {method} has no --{', --'.join(odd)}.")
        told = {name: settings[name] for name in settings if name in known and (name in given or method == _METHOD)}
        options = METHODS[method](
            photos=photos, out=out, stills=stills, degradation=Degradation(degrade), pairs=same, **told
        )
    began = time.monotonic()
    try:
        how: Mapping[str, Any] = {
            "resume": resume is not None, "on_message": say, "on_progress": lambda p: tell(p, options)
        }  # fmt: skip
        if isinstance(options, AdversarialOptions):
            files = adversarial.train(options, **how)
        else:
            files = recurrence.train(options, **how)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; resume with: vidrts train --resume {options.out}", signal.SIGINT) from None
    if leads():
        if isinstance(options, TrainOptions):
            _draw(options.out)
        say(f"done in {human_time(time.monotonic() - began)}: {', '.join(str(file) for file in files)}")


def _draw(run: Path) -> None:
    """The report of the finished run; its models are there without it."""
    from vidrts.training.report.page import save_report

    try:
        page, _ = save_report([run], run / "report")
    except VidrtsError as error:
        say(f"no report: {error}")
    else:
        say(f"report: {page}")


def tell(progress: "Progress", options: MethodOptions) -> None:
    """Where the run stands, and how long stage and run will still take."""
    left = (progress.steps - progress.step) * progress.seconds_per_step
    steps = options.later_steps if isinstance(options, TrainOptions) else options.adversarial_steps
    later = steps * (progress.stages - progress.stage) * progress.seconds_per_step
    say(
        f"stage {progress.stage}/{progress.stages}, step {progress.step}/{progress.steps}: "
        f"loss {progress.loss:.6f}, {progress.seconds_per_step:.3f} s a step, "
        f"{human_time(left)} left in this stage, {human_time(left + later)} in all"
    )

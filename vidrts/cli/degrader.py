"""`vidrts degrader train|apply|report`."""

import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, DEVICE, QUIET, was_given
from vidrts.cli.progress_bar import Steps, say
from vidrts.cli.words import human_time
from vidrts.errors import Interrupted
from vidrts.networks.names import RECONSTRUCTIONS
from vidrts.training.degrader.options import DegraderOptions

if TYPE_CHECKING:
    from vidrts.training.degrader.run import Progress

_DEFAULT = DegraderOptions


@click.group()
def degrader() -> None:
    """Damage pictures by a network that rebuilds them badly, as training inputs.

    A network that learned to rebuild pictures, but for too short a time, leaves noise, blur, ringing and aliasing much
    as real damage looks (arXiv 2503.02767). `undertrained` in `vidrts train --degrade` uses it.
    """


@degrader.command()
@click.option(
    "--photos", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of photographs.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Folder of the new run.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Resume this run with its own settings.")
@click.option(
    "--network", type=click.Choice(list(RECONSTRUCTIONS)), default=_DEFAULT.network, show_default=True,
    help="The network.",
)  # fmt: skip
@click.option(
    "--views", type=int, default=_DEFAULT.views, show_default=True,
    help="Crops to train on in all; the paper's epoch is 45000.",
)  # fmt: skip
@click.option("--side", type=int, default=_DEFAULT.side, show_default=True, help="Side of a crop in pixels.")
@click.option("--batch", type=int, default=_DEFAULT.batch, show_default=True, help="Crops in a step.")
@click.option(
    "--shrink", type=float, default=_DEFAULT.shrink, show_default=True,
    help="Scale photographs by this, and then by half, as training inputs are.",
)  # fmt: skip
@click.option(
    "--held-out", type=int, default=_DEFAULT.held_out, show_default=True, help="Photographs to measure on.",
)  # fmt: skip
@click.option(
    "--left-for-truth", type=int, default=_DEFAULT.left_for_truth, show_default=True,
    help="Photographs of each folder that are not used.",
)  # fmt: skip
@click.option("--seed", type=int, default=_DEFAULT.seed, show_default=True, help="Of weights and crops.")
@DEVICE
@DEBUG
def train(photos: Path | None, out: Path | None, resume: Path | None, **settings: Any) -> None:
    """Train a reconstruction network on crops of photographs, and keep snapshots on the way.

    RUN/degrader.safetensors has the snapshots of 27 to 30 dB. A run can be stopped at any time and continued by
    --resume.

    \b
    vidrts degrader train --photos DIV2K_train_HR --out runs/degrader
    vidrts degrader report runs/degrader
    """
    if resume is None and (photos is None or out is None):
        raise click.UsageError("expected --photos DIR and --out RUN, or --resume RUN.")
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.training.degrader.run import train_degrader
        from vidrts.training.degrader.store import DegraderStore

    if resume is not None:
        given = [name for name in ("photos", "out", *settings) if was_given(name)]
        if fixed := [name.replace("_", "-") for name in given if name not in DegraderOptions.free]:
            raise click.UsageError(f"--resume uses the settings of the run; remove {', '.join(fixed)}.")
        options = replace(DegraderStore(resume).degrader_options(), **{name: settings[name] for name in given})
    else:
        assert photos is not None and out is not None
        options = DegraderOptions(photos=photos, out=out, **settings)
    began = time.monotonic()
    try:
        file = train_degrader(options, resume=resume is not None, on_message=say, on_progress=_tell)
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped; resume with: vidrts degrader train --resume {options.out}", signal.SIGINT
        ) from None
    say(f"done in {human_time(time.monotonic() - began)}: {file}")


def _tell(progress: "Progress") -> None:
    left = (progress.steps - progress.step) * progress.seconds_per_step
    codes = f", {' and '.join(map(str, progress.codes))} codes in use" if progress.codes else ""
    say(
        f"{progress.views} views, step {progress.step}/{progress.steps}: loss {progress.loss:.5f}{codes}, "
        f"{progress.seconds_per_step:.3f} s a step, {human_time(left)} left"
    )


@degrader.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--degrader", "file", default="", metavar="FILE",
    help="A degrader file of `vidrts degrader train`; default: the one that ships."
)  # fmt: skip
@click.option(
    "--psnr", type=(float, float), default=(27.0, 30.0), show_default=True, metavar="LOW HIGH",
    help="Draw from the snapshots that reach this reconstruction, in dB.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of what is drawn.")
@click.option("-y", "overwrite", is_flag=True, help="Overwrite OUT.")
@DEBUG
@QUIET
def apply(
    source: Path, target: Path, file: str, psnr: tuple[float, float], seed: int, overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Damage the pictures of the folder IN, or the video IN.

    Of a folder, each picture becomes a PNG in the folder OUT, with manifest.jsonl beside them; pictures that change in
    colour or place are dropped. Of a video, OUT is one with everything else kept. Scale pictures down first: damage is
    of the size of pixels.

    \b
    vidrts degrader apply lr/ damaged/
    vidrts degrader apply in.mkv damaged.mkv
    """
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.training.degrader.apply import apply_to_folder, apply_to_video
        from vidrts.training.degrader.damage import open_damager

    damager = open_damager(file, *psnr)
    with Steps(quiet=quiet) as steps:
        if source.is_dir():
            written, dropped = apply_to_folder(
                source, target, damager, seed=seed, overwrite=overwrite, on_message=steps.message,
                on_picture=lambda done, total: steps.step("pictures", done, total),
            )  # fmt: skip
            line = f"{target}: {written} pictures, {dropped} dropped"
        else:
            with interrupt.deferred() as stop_signal:
                frames = apply_to_video(
                    source, target, damager, seed=seed, overwrite=overwrite, on_message=steps.message,
                    on_frame=lambda done, total: steps.step("frames", done, total), stop_signal=stop_signal,
                )  # fmt: skip
            line = f"{target}: {frames} frames"
    if not quiet:
        say(f"vidrts: {line}")


@degrader.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the report goes; default: RUN/report."
)
@DEBUG
@QUIET
def report(run: Path, out: Path | None, quiet: bool) -> None:
    """Measure each snapshot of a run on held-out photographs, with a sheet of pictures.

    report.md and report.json have the reconstruction, colour difference before and after correction, displacement,
    codes in use, a lattice test, and the entropy of the kinds of damage that a small classifier sees.
    """
    with interrupt.exit_immediately():  # loading torch takes seconds; nothing is written before the end
        from vidrts.training.degrader.report import save_report

        with Steps(quiet=quiet) as steps:
            page = save_report(run, out or run / "report", on_message=steps.message)
    if not quiet:
        say(f"vidrts: {page}")

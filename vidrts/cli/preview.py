"""`vidrts preview IN REPORT`."""

from fractions import Fraction
from itertools import product

import click

from vidrts.cli.common import (
    CHROMA_HELP,
    DEBUG,
    DEVICE,
    ENGINE,
    MODEL_HELP,
    NOISE,
    PRECISION,
    QUIET,
    SCALE,
    complete_model,
)
from vidrts.cli.compare import described, say_verdicts
from vidrts.cli.parsing import CROP, TIME
from vidrts.cli.progress_bar import Steps, say
from vidrts.compare.comparison import FRAMES
from vidrts.compare.preview import Variant, details
from vidrts.compare.preview import preview as run_preview
from vidrts.compare.save import check_target, is_sheet, save
from vidrts.compare.snapshot import Crop
from vidrts.networks.names import AUTO
from vidrts.picture.options import CHROMA, Chroma, EngineName, EnhancerOptions, NoiseKind, Precision

_PICTURE = EnhancerOptions()


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("report", metavar="REPORT", type=click.Path())
@click.option("-y/-n", "overwrite", default=False, help="Overwrite REPORT if it exists, or refuse (default).")
@click.option("--at", type=TIME, multiple=True, help="Enhance the frame on show at this time; may be repeated.")
@click.option("--frames", type=click.IntRange(1, 100), help=f"So many frames, evenly spread; default: {FRAMES}.")
@click.option(
    "--model", "models", multiple=True, metavar="NAME|FILE", shell_complete=complete_model,
    help=f"{MODEL_HELP}; may be repeated. Default: {AUTO}.",
)  # fmt: skip
@click.option(
    "--strength", "strengths", type=click.FloatRange(0, 2), multiple=True,
    help=f"How much of the change is applied; may be repeated. Default: {_PICTURE.strength}.",
)  # fmt: skip
@click.option(
    "--chroma", "chromas", type=click.Choice(CHROMA), multiple=True,
    help=f"{CHROMA_HELP} May be repeated. Default: {_PICTURE.chroma}.",
)  # fmt: skip
@SCALE
@click.option(
    "--detail", "asked", type=click.FloatRange(0, 1), multiple=True,
    help="As of enhance; may be repeated. Default: 0, 0.25, 0.5 and 1 with calibrated models that take noise.",
)  # fmt: skip
@NOISE
@DEVICE
@ENGINE
@PRECISION
@click.option("--crop", type=CROP, metavar="WxH+X+Y", help="Show this piece of the pictures alone.")
@click.option(
    "--play", type=TIME, metavar="SECONDS",
    help="How long the page plays both, in step; default: 1, less of pictures beyond 1080p or with several models.",
)  # fmt: skip
@click.option("--viqet/--no-viqet", default=True, help="Measure VIQET's MOS (default), or leave it out: faster.")
@click.option("--workers", type=click.IntRange(1), help="Processes that measure VIQET's MOS; default: one per core.")
@DEBUG
@QUIET
def preview(
    source: str, report: str, overwrite: bool, at: tuple[Fraction, ...], frames: int | None, models: tuple[str, ...],
    strengths: tuple[float, ...], chromas: tuple[Chroma, ...], scale: str, asked: tuple[float, ...], noise: NoiseKind,
    device: str, engine: EngineName, precision: Precision, crop: tuple[int, int, int, int] | None,
    play: Fraction | None, viqet: bool, workers: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Enhance single frames of the video IN to look at, before a long run.

    With models that take noise, --scale 2 shows several details.
    REPORT is a page in one file for any browser (.html) or a contact sheet (.png). Every model is shown with every
    strength and every --chroma. Times are [HH:]MM:SS[.m] or seconds from the first frame.

    \b
    vidrts preview --at 12.5 --at 1:00 in.mkv page.html
    vidrts preview --model rts-r3 --model rts-lite --strength 0.5 --strength 1 in.mkv sheet.png
    vidrts preview --chroma keep --chroma sharpen in.mkv page.html
    """
    if at and frames is not None:
        raise click.UsageError("--at and --frames exclude each other.")
    variants = [
        Variant(model=model, picture=EnhancerOptions(
            scale=int(scale), strength=strength, chroma=chroma, detail=detail, noise=noise, device=device,
            engine=engine, precision=precision,
        ))
        for model, chroma, strength in product(
            models or (AUTO,), dict.fromkeys(chromas or (_PICTURE.chroma,)), strengths or (_PICTURE.strength,)
        )
        for detail in asked or details(model, int(scale))
    ]  # fmt: skip
    check_target(report, source, overwrite=overwrite)
    with Steps(quiet=quiet) as steps:
        comparison = run_preview(
            source, variants, at=at, frames=frames or FRAMES, crop=None if crop is None else Crop(*crop),
            play=Fraction(0) if is_sheet(report) else play, viqet=viqet, workers=workers, on_message=steps.message,
            on_step=steps.step,
        )  # fmt: skip
        size = save(comparison, report, overwrite=overwrite)
    if not quiet:
        say_verdicts(comparison)
        say(f"vidrts: {described(report, len(comparison.snapshots), size, 'frames')}")

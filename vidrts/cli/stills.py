"""`vidrts stills VIDEO... OUT`."""

from pathlib import Path

import click

from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.progress_bar import Steps, say
from vidrts.training.frame_extraction import StillOptions, save_stills

_DEFAULT = StillOptions()


@click.command()
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True, type=click.Path())
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--sharpness", type=float, default=_DEFAULT.sharpness, show_default=True,
    help="Minimum sharpness of a still: sharp frames have 0.8 to 1.3, blurred ones 0.5 or less.",
)  # fmt: skip
@click.option("--most", type=int, default=_DEFAULT.most, show_default=True, help="Maximum number of stills per video.")
@click.option(
    "--overscan", type=float, default=_DEFAULT.overscan, show_default=True,
    help="Share of width and height to crop at each side of pictures of up to 576 lines.",
)  # fmt: skip
@DEBUG
@QUIET
def stills(
    videos: tuple[str, ...], folder: Path, sharpness: float, most: int, overscan: float, quiet: bool
) -> None:  # fmt: skip
    """Extract sharp, distinct frames from videos, to train on.

    One frame of each shot, deinterlaced, without black bars and overscan, with square pixels, as PNG, and
    manifest.jsonl (file, video, time, sharpness, size) beside them. Black, faded, blurred and repeated ones are left
    out.

    \b
    vidrts stills match.ts concert.mts stills/
    vidrts train --photos stills --out runs/mine
    """
    options = StillOptions(sharpness=sharpness, most=most, overscan=overscan)
    with Steps(quiet=quiet) as steps:
        count = save_stills(
            videos, folder, options, on_message=steps.message,
            on_still=lambda done: steps.step("stills", done, None),
        )  # fmt: skip
    if not quiet:
        say(f"vidrts: {count} stills in {folder}")

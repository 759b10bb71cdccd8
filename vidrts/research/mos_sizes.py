"""From which size on VIQET's MOS means something: photographs scaled down, plain, blurred and noisy.

python -m vidrts.research.mos_sizes PHOTO... > sizes.md
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vidrts.measure.viqet import measure_many

SIDES = (1080, 720, 640, 600, 576, 540, 512, 400, 300, 240, 160)
"""Pixels of the shorter side."""
KINDS = ("plain", "blurred", "noisy")


def versions(photo: Image.Image, side: int) -> Iterator[NDArray[np.uint8]]:
    """The photograph with a shorter side of so many pixels, in the order of `KINDS`."""
    scale = side / min(photo.size)
    small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS)
    samples = np.asarray(small)
    noise = np.random.default_rng(side).normal(0, 8, samples.shape)
    yield samples
    yield np.asarray(small.filter(ImageFilter.GaussianBlur(1)))
    yield (samples + noise).clip(0, 255).round().astype(np.uint8)


def rows(photos: Sequence[Path], workers: int | None = None) -> Iterator[str]:
    """Markdown: for each size and kind the MOS of every photograph that is large enough, before it is limited."""
    yield "| shorter side | | raw MOS (below 1 it is shown as 1.000) |"
    yield "|---|---|---|"
    for side in SIDES:
        pictures = (picture for photo in photos for picture in _versions_of(photo, side))
        found = [scores.raw_mos for scores in measure_many(pictures, workers=workers)]
        for number, kind in enumerate(KINDS):
            values = found[number :: len(KINDS)]
            if values:
                yield f"| {side} | {kind} | {', '.join(f'{value:.2f}' for value in values)} |"


def _versions_of(path: Path, side: int) -> Iterator[NDArray[np.uint8]]:
    with Image.open(path) as image:
        if min(image.size) >= side:
            yield from versions(image.convert("RGB"), side)


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(min=1), help="Processes that measure.")
def command(photos: tuple[Path, ...], workers: int | None) -> None:
    """Print VIQET's MOS of photographs at a ladder of sizes."""
    for row in rows(photos, workers):
        click.echo(row)


if __name__ == "__main__":
    command()

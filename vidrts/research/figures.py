"""Before/after pictures and the plot of gain by frequency.

python -m vidrts.research.figures before-after IN OUT.png --model rts-r3 --at 2 --crop 480x270+400+200
python -m vidrts.research.figures moving IN OUT.webp --at 2 --crop 110x130+80+60 --zoom 3
python -m vidrts.research.figures crops OUT.png --model rts-r3 --moment clip.mp4@2:200x150+500+330
python -m vidrts.research.figures gain gain.png --photos DIR
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click
import torch
from PIL import Image, ImageDraw, ImageFont

from vidrts.compare.frames import frames, to_rgb
from vidrts.errors import OptionError
from vidrts.images import read_photo, to_image
from vidrts.measure.difference import difference_ratio
from vidrts.measure.sharpening_filters import equal_amount, unsharp
from vidrts.measure.sharpness import predicted_gain, radial_gain
from vidrts.media.read.source import Source
from vidrts.networks.checkpoint import load_model
from vidrts.networks.shipped import shipped_models
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.research.ffmpeg_filters import ffmpeg_unsharp

_VIDEO = {".mp4", ".mov", ".mkv", ".webm", ".ts", ".mts", ".avi"}


def enhance_picture(rgb: torch.Tensor, model: str, *, luma: bool = True) -> torch.Tensor:
    """The picture that users get, by default or with --chroma sharpen: (3, H, W) R'G'B' in 0..1 -> the same."""
    device = pick_device("auto")
    resolver = TiledUpscaler(load_model(model).network, device, pick_precision("auto", device), luma=luma)
    return enhanced_rgb(resolver, rgb[None])[0].cpu()


def labelled_row(pictures: list[tuple[str, torch.Tensor]], zoom: int) -> Image.Image:
    """Pictures side by side, each pixel `zoom` times as large (not smoothed), with a label below each."""
    images = [to_image(rgb) for _, rgb in pictures]
    images = [i.resize((i.width * zoom, i.height * zoom), Image.Resampling.NEAREST) for i in images]
    gap, label = 6, 26
    width = sum(i.width for i in images) + gap * (len(images) - 1)
    row = Image.new("RGB", (width, images[0].height + label), "white")
    draw = ImageDraw.Draw(row)
    font = ImageFont.load_default(16)
    left = 0
    for (name, _), image in zip(pictures, images, strict=True):
        row.paste(image, (left, 0))
        draw.text((left + image.width // 2, image.height + 4), name, fill="black", font=font, anchor="ma")
        left += image.width + gap
    return row


def stacked(rows: Sequence[Image.Image]) -> Image.Image:
    """Pictures below each other, on white."""
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


@click.group()
def command() -> None:
    """Make the pictures of README and model cards."""


_MODEL = click.option(
    "--model", "models", multiple=True, default=("rts-r3",), show_default=True, help="May be repeated."
)  # fmt: skip
_CONTROL = click.option(
    "--control/--no-control", default=True, help="Also an unsharp mask that changes the frame by as much as the first."
)  # fmt: skip
_UNSHARP = click.option("--unsharp", "amount", type=float, help="FFmpeg's unsharp of this amount instead.")
_BEFORE = click.option("--before", metavar="FILE", help="Also weights of before, with the chroma that they wrote then.")


@command.command("before-after")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@_MODEL
@click.option("--at", type=float, default=0.0, help="Seconds into a video.")
@click.option("--crop", required=True, metavar="WxH+X+Y")
@click.option("--zoom", type=click.IntRange(1, 8), default=1)
@_CONTROL
@_UNSHARP
@_BEFORE
def before_after(
    source: Path, target: Path, at: float, crop: str, zoom: int, models: tuple[str, ...], control: bool,
    amount: float | None, before: str | None,
) -> None:  # fmt: skip
    """A crop of a photograph or frame: source, enhanced, and an unsharp mask of equal difference ratio."""
    shown = Shown(models, control, amount, before)
    labelled_row(_versions(source, Fraction(at), crop, shown), zoom).save(target)


@command.command("moving")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@_MODEL
@click.option("--at", type=float, default=0.0, help="Seconds into the video.")
@click.option("--frames", "count", type=click.IntRange(2, 100), default=12, show_default=True)
@click.option("--slower", type=click.FloatRange(1, 10), default=1.0, show_default=True, help="Than the video.")
@click.option("--crop", required=True, metavar="WxH+X+Y")
@click.option("--zoom", type=click.IntRange(1, 8), default=1)
@_CONTROL
@_UNSHARP
def moving(
    source: Path, target: Path, at: float, count: int, slower: float, crop: str, zoom: int, models: tuple[str, ...],
    control: bool, amount: float | None,
) -> None:  # fmt: skip
    """What `before-after` shows of frames in a row, as an animated WebP."""
    with Source(source) as reader:
        rate = reader.info.frame_rate or Fraction(25)
    shown = Shown(models, control, amount)
    times = [Fraction(at) + (number + Fraction(1, 2)) / rate for number in range(count)]
    first, *others = [labelled_row(_versions(source, time, crop, shown), zoom) for time in times]
    first.save(
        target, save_all=True, append_images=others, duration=round(1000 * slower / rate), loop=0, quality=80, method=6
    )  # fmt: skip


@command.command("crops")
@click.argument("target", type=click.Path(path_type=Path))
@_MODEL
@click.option("--moment", "moments", multiple=True, required=True, metavar="FILE@SECONDS:WxH+X+Y")
@click.option("--zoom", type=click.IntRange(1, 8), default=2, show_default=True)
@_CONTROL
@_UNSHARP
@_BEFORE
def crops(
    target: Path, moments: tuple[str, ...], zoom: int, models: tuple[str, ...], control: bool, amount: float | None,
    before: str | None,
) -> None:  # fmt: skip
    """Crops of several clips below each other, each as `before-after` shows it."""
    shown = Shown(models, control, amount, before)
    rows = []
    for moment in moments:
        match = re.fullmatch(r"(.+)@([\d.]+):([\dx+]+)", moment)
        if not match:
            raise OptionError(f"moment {moment!r}: expected FILE@SECONDS:WxH+X+Y")
        rows.append(labelled_row(_versions(Path(match[1]), Fraction(match[2]), match[3], shown), zoom))
    stacked(rows).save(target, quality=92)  # of WebP and JPEG


@dataclass(frozen=True)
class Shown:
    """What stands beside a source."""

    models: Sequence[str]
    control: bool = True
    """An unsharp mask that changes the frame by as much as the first model ..."""
    amount: float | None = None
    """... or, with this, FFmpeg's of so much."""
    before: str | None = None
    """A file of weights of before, with --chroma sharpen as it was then."""


def _versions(source: Path, at: Fraction, crop: str, shown: Shown) -> list[tuple[str, torch.Tensor]]:
    """(label, crop) of the source, of what each model makes of it, and of the unsharp mask."""
    match = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", crop)
    if not match:
        raise OptionError(f"crop {crop!r}: expected WxH+X+Y")
    width, height, x, y = map(int, match.groups())
    rgb = to_rgb(next(frames(source, 1, at))) if source.suffix.lower() in _VIDEO else read_photo(source)
    pictures = [("source", rgb)]
    if shown.before:
        pictures.append(("before", enhance_picture(rgb, shown.before, luma=False)))
    first = len(pictures)
    pictures += [(f"vidrts ({Path(model).stem})", enhance_picture(rgb, model)) for model in shown.models]
    if shown.amount is not None:
        pictures.append((f"unsharp {shown.amount:g}", ffmpeg_unsharp(rgb, shown.amount)))
    elif shown.control:
        ratio = difference_ratio(pictures[first][1], rgb)
        pictures.append((f"unsharp mask, equal change ({ratio:.1f} %)", unsharp(rgb, equal_amount(rgb, ratio))))
    return [(name, picture[:, y : y + height, x : x + width]) for name, picture in pictures]


@command.command("gain")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="Pictures that were not trained on.")
def gain(target: Path, photos: Path) -> None:
    """Measured gain by radial frequency of every shipped model beside the formula of the linear account."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    pictures = [read_photo(p) for p in sorted(photos.rglob("*.png"))]
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name, path in shipped_models(1).items():
        stage = load_model(path).info.stage
        curves = [radial_gain(enhance_picture(rgb, str(path)), rgb) for rgb in pictures]
        mean = [sum(c[1][k] for c in curves) / len(curves) for k in range(len(curves[0][0]))]
        axes.plot(curves[0][0], mean, label=f"{name}, stage {stage}, measured")
    steps = [k / 100 for k in range(51)]
    for stage in (1, 2, 3):
        predicted = [predicted_gain("triangle", stage, f) for f in steps]
        axes.plot(steps, predicted, "--", color=str(0.25 * stage), label=f"formula, triangle, stage {stage}")
    axes.set(xlabel="cycles per pixel", ylabel="gain", title=f"Gain by radial frequency, {len(pictures)} photographs")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    command()

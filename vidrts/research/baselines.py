"""The controls that the paper lacks: a model beside plain filters at the same difference ratio, as one table and plot.

python -m vidrts.research.baselines MODEL... --photos DIR [--plot gain.png]

The models are the stages of one training, in order; the filters change each photograph by as much as the last model,
but for "linear, same gain", which has that model's own mean gain by radial frequency.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from vidrts.errors import InputError
from vidrts.images import read_photo, to_bytes
from vidrts.measure.difference import difference_ratio
from vidrts.measure.nan_mean import mean, or_nan
from vidrts.measure.registry import METRICS
from vidrts.measure.sharpening_filters import equal_amount, linear, of_gain
from vidrts.measure.sharpness import radial_gain
from vidrts.measure.viqet import measure_many
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.ops.lanczos import enlarge
from vidrts.picture.device import pick_device
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.research.ffmpeg_filters import ffmpeg_cas, ffmpeg_unsharp
from vidrts.training.degradation.recipe import Degradation

_PAIR = ("difference_ratio", "overshoot", "noise_gain")
_ALONE = ("block_borders",)
_VIQET = ("mos", "edge_acutance", "texture_acutance", "noise_signature_index", "saturation", "illumination")
_TABLE = (
    "difference_ratio", "mos", "edge_acutance", "texture_acutance", "noise_signature_index", "saturation",
    "illumination", "overshoot", "noise_gain",
)  # fmt: skip
"""The metrics of the table; the others are in `Row.values`."""
GAIN_AT = 0.35


@dataclass(frozen=True)
class Control:
    """A filter and the range of its strength."""

    apply: Callable[[torch.Tensor, float], torch.Tensor]
    most: float


CONTROLS: Mapping[str, Control] = {
    "unsharp (FFmpeg)": Control(ffmpeg_unsharp, 5.0),
    "cas (FFmpeg)": Control(ffmpeg_cas, 1.0),
    "linear inverse": Control(linear, 4.0),
}
"""The controls of a model's table, by the names that it gives them."""


@dataclass(frozen=True)
class Row:
    """One version of the photographs: means over those for which a measure is defined."""

    name: str
    values: Mapping[str, float]
    """Metric -> mean, of all that are taken."""
    gains: tuple[float, ...]
    """|HR_n(f)| / |HR0(f)| in the bands of `frequencies`."""


@dataclass(frozen=True)
class Comparison:
    """All rows, and what they are means of."""

    rows: tuple[Row, ...]
    frequencies: tuple[float, ...]
    mos_model: str
    photographs: int


SAME_GAIN = "linear, same gain"


def versions(photo: torch.Tensor, models: Sequence[LoadedModel], seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """(name, picture) of LR (brought back to size by Lanczos), HR0, HR1 .. HRn and the controls; (3, H, W) in 0..1."""
    low = Degradation(models[-1].info.degradation)((photo * 255).round().to(torch.uint8), seed)
    yield "LR", enlarge(low[None].float() / 255, 2)[0].clamp_(0, 1)
    yield "HR0", photo
    device = pick_device("auto")
    enhanced = photo
    for model in models:
        resolver = TiledUpscaler(model.network, device, torch.float32, luma=True)
        enhanced = enhanced_rgb(resolver, photo[None])[0].cpu()
        yield f"HR{model.info.stage}", enhanced
    ratio = difference_ratio(enhanced, photo)
    for name, control in CONTROLS.items():
        yield name, control.apply(photo, equal_amount(photo, ratio, control.apply, control.most))


def compare(photos: Sequence[Path], models: Sequence[LoadedModel], *, workers: int | None = None) -> Comparison:
    """The table of `models`, stages of one training in order, over PNG pictures that were not trained on."""
    collected: dict[str, list[tuple[dict[str, float], list[float]]]] = {}
    frequencies: list[float] = []
    names: list[str] = []
    count = 0

    def measured(name: str, picture: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
        nonlocal frequencies
        frequencies, gains = radial_gain(picture, photo)
        values = {key: or_nan(METRICS[key].function, picture, photo) for key in _PAIR}
        values |= {key: or_nan(METRICS[key].function, picture) for key in _ALONE}
        collected.setdefault(name, []).append((values, gains))
        names.append(name)
        return picture

    def pictures() -> Iterator[torch.Tensor]:
        nonlocal count
        for count, path in enumerate(photos, 1):
            photo = _even(read_photo(path))
            for name, picture in versions(photo, models, seed=count):
                yield measured(name, picture, photo)
        if count:
            last = [row[-1] for row in collected[f"HR{models[-1].info.stage}"]]
            gains = [mean(row[k] for row in last) for k in range(len(frequencies))]
            for path in photos:
                photo = _even(read_photo(path))
                yield measured(SAME_GAIN, of_gain(photo, frequencies, gains), photo)

    scored: dict[str, list[dict[str, float]]] = {}
    mos_model = ""
    for index, scores in enumerate(measure_many((to_bytes(p) for p in pictures()), workers=workers)):
        mos_model = scores.mos_model
        columns = {"mos": scores.mos, **scores.columns()}
        scored.setdefault(names[index], []).append({key: columns[key] or 0.0 for key in _VIQET})
    if count == 0:
        raise InputError("no PNG picture was given to compare on")
    rows = []
    for name, found in collected.items():
        taken = [values | viqet for (values, _), viqet in zip(found, scored[name], strict=True)]
        gains = tuple(mean(gains[k] for _, gains in found) for k in range(len(frequencies)))
        rows.append(Row(name, {key: mean(values[key] for values in taken) for key in taken[0]}, gains))
    return Comparison(tuple(rows), tuple(frequencies), mos_model, count)


def markdown(comparison: Comparison) -> str:
    """The comparison as a Markdown table."""
    band = min(range(len(comparison.frequencies)), key=lambda k: abs(comparison.frequencies[k] - GAIN_AT))
    names = {key: METRICS[key].title for key in _TABLE} | {"mos": comparison.mos_model}
    titles = ["", *names.values(), METRICS["gain_at_0.35"].title]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for row in comparison.rows:
        cells = [METRICS[key].number(row.values[key]) for key in _TABLE]
        gain = METRICS["gain_at_0.35"].number(row.gains[band])
        lines.append("| " + " | ".join([row.name, *cells, gain]) + " |")
    return "\n".join(lines)


def plot(comparison: Comparison, target: Path) -> None:
    """|HR_n(f)| / |HR0(f)| of every row, as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for row in comparison.rows:
        if row.name != "HR0":
            line = "--" if row.name in (*CONTROLS, SAME_GAIN) else "-"
            axes.plot(comparison.frequencies, row.gains, line, label=row.name)
    axes.axhline(1, color="0.6", linewidth=0.8)
    axes.set(xlabel="cycles per pixel", ylabel="gain over HR0")
    axes.set_title(f"Gain by radial frequency of stages and filters, {comparison.photographs} photographs")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _even(photo: torch.Tensor) -> torch.Tensor:
    """Cut to even sizes, since LR has half of them."""
    height, width = (s - s % 2 for s in photo.shape[-2:])
    return photo[:, :height, :width]


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="PNG pictures that were not trained on.")
@click.option("--plot", "target", type=click.Path(path_type=Path), help="Also draw the gain by radial frequency.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes for the scores.")
def command(models: tuple[str, ...], photos: Path, target: Path | None, workers: int | None) -> None:
    """Print a model's stages beside plain filters that change the photographs by as much."""
    comparison = compare(sorted(photos.rglob("*.png")), [load_model(m) for m in models], workers=workers)
    click.echo(markdown(comparison))
    if target:
        plot(comparison, target)


if __name__ == "__main__":
    command()

"""The numbers of a model's card, as Markdown on stdout.

python -m vidrts.report.card MODEL --photos DIR --clip NAME=FILE...
"""

import time
from collections.abc import Iterator
from pathlib import Path

import click
import torch

from vidrts.measure.controls import equal_amount, unsharp
from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr
from vidrts.measure.flicker import flicker
from vidrts.measure.sharpness import flat_noise_gain, predicted_gain, radial_gain
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.picture.engine import pick_device, pick_precision
from vidrts.picture.lanczos import halve
from vidrts.picture.resolver import Resolver
from vidrts.report.stills import frames, read_photo, to_rgb

FREQUENCIES = (0.05, 0.15, 0.25, 0.35, 0.45)
_LUMA = torch.tensor([0.2126, 0.7152, 0.0722]).view(3, 1, 1)


def photo_rows(model: LoadedModel, photos: list[torch.Tensor]) -> Iterator[str]:
    """Gain by frequency beside the formula, difference ratio, noise; the network and unsharp at equal change."""
    device = pick_device("auto")
    resolver = Resolver(model.network, device, torch.float32)
    enhanced = [resolver(p[None].to(device))[0].clamp(0, 1).cpu() for p in photos]
    ratios = [difference_ratio(e, p) for e, p in zip(enhanced, photos, strict=True)]
    masked = [unsharp(p, equal_amount(p, r)) for p, r in zip(photos, ratios, strict=True)]

    def mean_gains(pictures: list[torch.Tensor]) -> list[float]:
        curves = [radial_gain(e, p, bands=5) for e, p in zip(pictures, photos, strict=True)]
        return [sum(c[1][k] for c in curves) / len(curves) for k in range(5)]

    def noise(pictures: list[torch.Tensor]) -> float:
        return sum(flat_noise_gain(e, p) for e, p in zip(pictures, photos, strict=True)) / len(photos)

    stage = model.info.stage
    formula = [predicted_gain("triangle", stage, f) for f in FREQUENCIES]
    yield "| gain at cycles per pixel | " + " | ".join(f"{f:g}" for f in FREQUENCIES) + " |"
    yield "|---" * 6 + "|"
    for name, values in (
        (f"{model.info.name}, stage {stage}", mean_gains(enhanced)),
        (f"formula, stage {stage}", formula),
        ("unsharp mask, equal change", mean_gains(masked)),
    ):
        yield f"| {name} | " + " | ".join(f"{v:.2f}" for v in values) + " |"
    yield ""
    yield f"Difference ratio {sum(ratios) / len(ratios):.2f} %."
    yield f"Noise of flat areas: x{noise(enhanced):.2f}; unsharp mask x{noise(masked):.2f}."


def clip_row(model: LoadedModel, name: str, path: Path, count: int) -> str:
    """Difference ratio and flicker on one clip, and the unsharp mask's flicker at equal change."""
    device = pick_device("auto")
    resolver = Resolver(model.network, device, pick_precision("auto", device))
    source, enhanced = [], []
    for frame in frames(path, count):
        rgb = to_rgb(frame)
        source.append(rgb)
        enhanced.append(resolver(rgb[None].to(device))[0].clamp(0, 1).cpu())
    ratio = difference_ratio(enhanced[0], source[0])
    amount = equal_amount(source[0], ratio)
    luma = [torch.stack([(p * _LUMA).sum(dim=0) for p in video])
            for video in (source, enhanced, [unsharp(p, amount) for p in source])]  # fmt: skip
    noise = [flat_noise_gain(p, source[0]) for p in (enhanced[0], unsharp(source[0], amount))]
    return (
        f"| {name} | {ratio:.2f} % | {flicker(luma[1], luma[0]):.2f} | {flicker(luma[2], luma[0]):.2f} |"
        f" x{noise[0]:.2f} | x{noise[1]:.2f} |"
    )


def precision_row(model: LoadedModel, photo: torch.Tensor) -> str:
    """PSNR of bf16 and float32 against float64, the long way (2x picture made, then scaled down)."""
    exact = model.network.double()
    margin = 16
    x = torch.nn.functional.pad(photo[None].double(), (margin,) * 4, mode="replicate")
    truth = halve(exact.extend(x + exact.residual(x)))[0, :, margin:-margin, margin:-margin]
    cells = []
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        got = Resolver(exact.float(), torch.device("cpu"), dtype)(photo[None])[0]
        cells.append(f"{name} {psnr(got, truth):.1f} dB")
    return f"PSNR against float64 on a CPU: {', '.join(cells)}."


@click.command()
@click.argument("model")
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="PNG pictures that were not trained on.")
@click.option("--clip", "clips", multiple=True, metavar="NAME=FILE")
@click.option("--frames", "count", type=int, default=16, show_default=True, help="Frames of each clip.")
def command(model: str, photos: Path, clips: tuple[str, ...], count: int) -> None:
    """Print the numbers of a model's card."""
    began = time.monotonic()
    loaded = load_model(model)
    pictures = [read_photo(p) for p in sorted(photos.rglob("*.png"))]
    click.echo(f"### Photographs: {photos.name}, {len(pictures)} pictures\n")
    for row in photo_rows(loaded, pictures):
        click.echo(row)
    if clips:
        click.echo(f"\n### Clips: first {count} frames\n")
        click.echo(
            "| clip | difference ratio | flicker | unsharp's | flat noise | unsharp's |\n|---|---|---|---|---|---|"
        )
        for clip in clips:
            name, _, file = clip.partition("=")
            click.echo(clip_row(loaded, name, Path(file), count))
    click.echo(f"\n{precision_row(loaded, pictures[0])}")
    click.echo(f"({time.monotonic() - began:.0f} s)", err=True)


if __name__ == "__main__":
    command()

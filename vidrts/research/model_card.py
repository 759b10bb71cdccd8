"""The parts of a model's card that are measured on what the model was not trained on, as Markdown.

What is measured is the picture that users get by default: the change of luma, on R', G' and B' alike.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from vidrts.compare.frames import frames, to_rgb
from vidrts.images import to_bytes
from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr
from vidrts.measure.flicker import flicker
from vidrts.measure.luma import luma
from vidrts.measure.sharpening_filters import equal_amount, unsharp
from vidrts.measure.sharpness import flat_noise_gain, predicted_gain, radial_gain
from vidrts.measure.viqet import measure_many
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network
from vidrts.networks.spec import next_multiple
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.research.truth.work import middle
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.objective import at_source_size

FREQUENCIES = (0.05, 0.15, 0.25, 0.35, 0.45)


@dataclass(frozen=True)
class Part:
    """A part of the card: Markdown rows, and the key figures that go into the model file."""

    rows: tuple[str, ...]
    figures: Mapping[str, float]


def photo_part(model: LoadedModel, photos: list[torch.Tensor]) -> Part:
    """Gain by frequency beside the formula, difference ratio, noise; the network and unsharp at equal change."""
    device = pick_device("auto")
    resolver = TiledUpscaler(model.network, device, torch.float32, luma=True)
    enhanced = [enhanced_rgb(resolver, p[None])[0].cpu() for p in photos]
    ratios = [difference_ratio(e, p) for e, p in zip(enhanced, photos, strict=True)]
    masked = [unsharp(p, equal_amount(p, r)) for p, r in zip(photos, ratios, strict=True)]

    def mean_gains(pictures: list[torch.Tensor]) -> list[float]:
        curves = [radial_gain(e, p, bands=5) for e, p in zip(pictures, photos, strict=True)]
        return [sum(c[1][k] for c in curves) / len(curves) for k in range(5)]

    def noise(pictures: list[torch.Tensor]) -> float:
        return sum(flat_noise_gain(e, p) for e, p in zip(pictures, photos, strict=True)) / len(photos)

    stage, gains = model.info.stage, mean_gains(enhanced)
    inverse = list(Degradation(model.info.degradation).kernels) == ["triangle"]  # else there is no one formula
    table = {
        f"{model.info.name}, stage {stage}": gains,
        **({f"formula, stage {stage}": [predicted_gain("triangle", stage, f) for f in FREQUENCIES]} if inverse else {}),
        "unsharp mask, equal change": mean_gains(masked),
    }
    change = sum(ratios) / len(ratios)
    return Part(
        (
            "| gain at cycles per pixel | " + " | ".join(f"{f:g}" for f in FREQUENCIES) + " |",
            "|---" * 6 + "|",
            *(f"| {name} | " + " | ".join(f"{v:.2f}" for v in values) + " |" for name, values in table.items()),
            "",
            f"Difference ratio {change:.2f} %.",
            f"Noise of flat areas: x{noise(enhanced):.2f}; unsharp mask x{noise(masked):.2f}.",
        ),
        {"gain_at_0.35": gains[FREQUENCIES.index(0.35)], "difference_ratio": change},
    )


def stage_figures(model: LoadedModel, photos: Sequence[torch.Tensor]) -> dict[str, float]:
    """What a stage makes of photographs, as means, by keys of `measure.registry`: change, sharpness, noise, MOS."""
    device = pick_device("auto")
    resolver = TiledUpscaler(model.network, device, pick_precision("auto", device), luma=True)
    pairs = [(enhanced_rgb(resolver, p[None])[0].cpu(), p) for p in photos]
    return {
        "difference_ratio": fmean(difference_ratio(e, p) for e, p in pairs),
        "gain_at_0.35": fmean(radial_gain(e, p, bands=5)[1][FREQUENCIES.index(0.35)] for e, p in pairs),
        "noise_gain": fmean(flat_noise_gain(e, p) for e, p in pairs),
        "mos": fmean(scores.mos for scores in measure_many([to_bytes(e) for e, _ in pairs])),
    }


def clip_part(model: LoadedModel, name: str, path: Path, count: int) -> Part:
    """Difference ratio and flicker on one clip, and the unsharp mask's flicker at equal change."""
    device = pick_device("auto")
    resolver = TiledUpscaler(model.network, device, pick_precision("auto", device), luma=True)
    source, enhanced = [], []
    for frame in frames(path, count):
        rgb = to_rgb(frame)
        source.append(rgb)
        enhanced.append(enhanced_rgb(resolver, rgb[None])[0].cpu())
    ratio = difference_ratio(enhanced[0], source[0])
    amount = equal_amount(source[0], ratio)
    lumas = [luma(torch.stack(video)) for video in (source, enhanced, [unsharp(p, amount) for p in source])]
    flickers = [flicker(video, lumas[0]) for video in lumas[1:]]
    noise = [flat_noise_gain(p, source[0]) for p in (enhanced[0], unsharp(source[0], amount))]
    row = f"| {name} | {ratio:.2f} % | {flickers[0]:.2f} | {flickers[1]:.2f} | x{noise[0]:.2f} | x{noise[1]:.2f} |"
    return Part((row,), {"flicker": flickers[0]})


def precision_part(
    model: LoadedModel, photos: Sequence[torch.Tensor], clips: Sequence[tuple[str, Path]], count: int
) -> Part:
    """Each precision on a CPU: PSNR against float64 of the first photograph and of one frame of each clip (their
    middles), VIQET's Preview 1 day (mean of `photos`), and flicker of the first `count` frames of the first clip."""
    pictures = [("photograph", photos[0])] + [(name, to_rgb(next(frames(file, 1)))) for name, file in clips]
    middles = [middle(picture) for _, picture in pictures]
    truths = [_exact(model.network, picture) for picture in middles]
    film = [to_rgb(frame) for frame in frames(clips[0][1], count)] if clips else []
    heads = [
        *(f"PSNR, {name}" for name, _ in pictures),
        f"VIQET, {len(photos)} photographs",
        *(["flicker"] if film else []),
    ]
    rows = ["| precision | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name in ("fp32", "bf16", "int8"):
        cpu = torch.device("cpu")
        resolver = TiledUpscaler(model.network, cpu, pick_precision(name, cpu), luma=True)
        cells = [f"{psnr(enhanced_rgb(resolver, m[None])[0], t):.1f} dB" for m, t in zip(middles, truths, strict=True)]
        enhanced = [to_bytes(enhanced_rgb(resolver, photo[None])[0]) for photo in photos]
        cells.append(f"{fmean(scores.mos for scores in measure_many(enhanced)):.3f}")
        if film:
            lumas = [luma(torch.stack(video)) for video in (film, [enhanced_rgb(resolver, p[None])[0] for p in film])]
            cells.append(f"{flicker(lumas[1], lumas[0]):.3f}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return Part(tuple(rows), {})


def _exact(network: Network, picture: torch.Tensor) -> torch.Tensor:
    """`enhanced_rgb` in float64, the long way: made 2x and scaled down where it enlarges, luma's change added."""
    margin = next_multiple(network.padded_reach + 4, network.spec.multiple)
    prepared = network.prepared(picture[None])
    x = torch.nn.functional.pad(prepared.double(), (margin,) * 4, mode="replicate")
    with torch.inference_mode():
        resolved = at_source_size(network, copy.deepcopy(network).double()(x))[0, :, margin:-margin, margin:-margin]
    return (picture + luma(resolved) - luma(picture.double())).clamp(0, 1)

"""Which size of Live is worth its time: six networks trained alike, quality over multiply-adds, beside rts-lite."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidrts.bench.parts import branch_flop
from vidrts.measure.fidelity import psnr
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.networks.live import Live
from vidrts.research import held_out
from vidrts.research.quality_figure import Figure, Point, draw
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.report.runs import Run, Table

MODELS = ("live-1x16", "live-2x16", "live", "live-2x32", "live-4x32", "live-4x48")
REFERENCE = "rts-lite"
"""What a network of luma is held against."""
SOURCES: Mapping[str, str] = {
    "sharp, crf 23": "none > h264:23", "sharp, crf 28": "none > h264:28", "blur 0.8": "blur:0.8",
    "blur 0.8, crf 23": "blur:0.8 > h264:23", "blur 1.2, crf 28": "blur:1.2 > h264:28",
    "MPEG-2": "blur:0.8 > mpeg2:8",
}  # fmt: skip
"""Kind of source -> how photographs are spoiled."""
_SHARP = tuple(name for name in SOURCES if name.startswith("sharp"))


def arms() -> dict[str, dict[str, Any]]:
    """Name of each run -> its settings."""
    return {
        model: {
            "model": model, "stages": 1, "steps": 16_000, "batch": 1, "pair_batch": 16, "patch": 64, "crops": 150,
            "rate": 5e-4, "ema": 0.998, "flats": 2, "colour": "luma", "pairs": "film", "pair_weight": 20.0,
            "pair_floor": 1.2, "blur_level": True, "teacher": "rts-r3", "shrink": 0.42, "shrink_below": 0.62,
            "grey": 0.1, "turn": True, "viqet": False, "degradation": "triangle",
        }
        for model in MODELS
    }  # fmt: skip


def answer(runs: Mapping[str, Run], folder: Path) -> Sequence[Table | Figure]:
    """The change of luma's PSNR on held-out photographs, by kind of source, and a figure of it over multiply-adds."""
    first = next(iter(runs.values()))
    models = {REFERENCE: load_model(REFERENCE)} | {arm: load_model(run.folder / "stage-1.safetensors")
                                                   for arm, run in runs.items()}  # fmt: skip
    rows = {
        name: held_out.kept(_kept(folder, name, runs), lambda model=model: _gains(model, first))  # type: ignore[misc]
        for name, model in models.items()
    }
    costs = {name: branch_flop(model.network) / 2 for name, model in models.items()}
    table = Table(
        "Change of luma's PSNR on held-out photographs, dB",
        ("", "multiply-adds a pixel", *SOURCES),
        tuple((name, f"{costs[name]:,.0f}", *(f"{gain:+.2f}" for gain in found)) for name, found in rows.items()),
        "Against the photographs, of which rts-lite has seen most in its training; its multiply-adds without its tail.",
    )
    soft = {name: statistics.fmean(g for g, kind in zip(found, SOURCES, strict=True) if kind not in _SHARP)
            for name, found in rows.items()}  # fmt: skip
    lines: dict[str, list[Point]] = {}
    for name in sorted(models, key=lambda name: costs[name]):
        network = models[name].network
        line = f"Live, fold {network.fold}" if isinstance(network, Live) else name
        lines.setdefault(line, []).append(Point(name, costs[name], soft[name], 0.0))
    draw({"Gain on soft sources, dB": (dict(sorted(lines.items())), 0.0)}, folder / "live.png", start="the source")
    return [table, Figure("Gain over multiply-adds", "live.png")]


def _kept(folder: Path, name: str, runs: Mapping[str, Run]) -> Path:
    return (runs[name].folder if name in runs else folder) / "gains.json"


def _gains(model: LoadedModel, run: Run) -> list[float]:
    """One for each of `SOURCES`, the mean over the photographs that the run holds out."""
    enhance = held_out.enhancer_of(model)
    found: list[list[float]] = []
    for seed, picture in enumerate(held_out.pictures_of(run)):
        clean = read_picture(Path(picture["path"]))
        truth = luma(held_out.unit(clean))
        row = []
        for recipe in SOURCES.values():
            given = held_out.unit(Degradation(recipe, halves=False)(clean, seed))
            row.append(psnr(luma(enhance(given)), truth) - psnr(luma(given), truth))
        found.append(row)
    return [statistics.fmean(column) for column in zip(*found, strict=True)]

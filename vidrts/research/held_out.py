"""A run's held-out photographs: as they are, as each stage makes them, and how they score."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from vidrts.files import atomic_write
from vidrts.images import to_bytes
from vidrts.measure.viqet import measure_many
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.picture.device import pick_device
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.training.corpus import read_picture
from vidrts.training.report.runs import Run
from vidrts.training.run_store import RunStore


def pictures_of(run: Run) -> list[dict[str, str]]:
    """What the run's manifest says of them."""
    manifest = RunStore(run.folder).manifest()
    return [p for p in manifest["pictures"] if p["use"] == "validation"] if manifest else []


def originals(run: Run) -> list[torch.Tensor]:
    """HR0, (3, H, W) in 0..1."""
    return [unit(read_picture(Path(p["path"]))) for p in pictures_of(run)]


def versions(run: Run) -> Iterator[list[torch.Tensor]]:
    """HR0, HR1, ... HRn of all, (3, H, W) in 0..1."""
    before = originals(run)
    yield before
    for n in run.stages:
        enhance = enhancer(run, n)
        yield [enhance(p) for p in before]


def enhancer(run: Run, stage: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """HR_n of a picture: of R'G'B' where the loss looked at them, as the paper has it, else by luma alone."""
    return enhancer_of(load_model(RunStore(run.folder).stage_file(stage)))


def enhancer_of(model: LoadedModel) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same size of a picture, (3, H, W) in 0..1, by a model."""
    resolver = TiledUpscaler(model.network, pick_device("auto"), torch.float32, luma=model.info.colour == "luma")
    return lambda picture: enhanced_rgb(resolver, picture[None])[0].cpu()


def mos(pictures: Sequence[torch.Tensor]) -> float:
    """The mean opinion score, mean over pictures."""
    scores = measure_many((to_bytes(p) for p in pictures), workers=1 if len(pictures) < 16 else None)
    return statistics.fmean(one.mos for one in scores)


def mean_of(
    measure: Callable[[torch.Tensor, torch.Tensor], float], a: Sequence[torch.Tensor], b: Sequence[torch.Tensor]
) -> float:
    """The mean of a measure over pairs of pictures."""
    return statistics.fmean(measure(x, y) for x, y in zip(a, b, strict=True))


def unit(picture: torch.Tensor) -> torch.Tensor:
    """uint8 in 0..255 as float32 in 0..1."""
    return picture.float() / 255


def kept[T](file: Path, make: Callable[[], T]) -> T:
    """What `make` gives, as JSON: made once and kept in `file`, which lies in the folder of a run that is done."""
    if file.is_file():
        held: Any = json.loads(file.read_text())
        return held  # type: ignore[no-any-return]
    made = make()
    with atomic_write(file) as part:
        part.write_text(json.dumps(made) + "\n")
    return made

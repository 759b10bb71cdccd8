"""The inputs of every crop, made once for all stages: LR, and where a run asks for them same-size pairs.

They are kept in a file of the run's folder (or a folder of one's choice, for several runs of the same inputs), so that
a run that goes on need not make them again; a manifest says how to make them again, bit for bit.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidrts.errors import TrainingError
from vidrts.files import atomic_write
from vidrts.messages import Code, Message
from vidrts.networks.blur_level import BANDS
from vidrts.training.corpus import Corpus, Crop, original_crop
from vidrts.training.degradation.in_batches import in_batches
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.degrader.control import MOST_DIFFERENCE, MOST_DISPLACED
from vidrts.training.distributed import Team

_EDGE = 8
"""Pixels at each side of a crop from which no pair is cut: a codec and a blur see nothing beyond."""


@dataclass(frozen=True)
class Inputs:
    """What Phase A is fed; index k belongs to crop k."""

    low: torch.Tensor
    """(N, 3, s/2, s/2) uint8: LR."""
    same: torch.Tensor | None = None
    """(N, 3, s/2, s/2) uint8: a part of the crop at its own size, degraded; it lies at `pair_place`."""
    low_levels: torch.Tensor | None = None
    """(N, 2) uint8: the blur levels of each LR, in 255ths (`networks.blur_level`), where a network is told them."""
    same_levels: torch.Tensor | None = None
    """(N, 2) uint8: those of the pairs."""

    @property
    def sha256(self) -> str:
        """Over the bytes of both, LR first."""
        digest = hashlib.sha256(self.low.numpy())
        if self.same is not None:
            digest.update(self.same.numpy())
        return digest.hexdigest()


def step_weights(*recipes: Degradation | None) -> dict[str, str]:
    """Text of each step that uses weights or data -> their hash; empty where all steps are pure functions."""
    return {step: digest for recipe in recipes if recipe for step, digest in recipe.weights.items()}


def pair_seed(seed: int) -> int:
    """Of a crop's pair, from the crop's own: LR and pair of a crop are degraded each by chance of its own."""
    return seed ^ 0x5A3E


def pair_place(crop: Crop, size: int) -> tuple[int, int]:
    """(y, x) in the crop of `size` pixels where its same-size pair of size/2 pixels begins."""
    room = size - size // 2 - 2 * min(_EDGE, size // 8) + 1
    y, x = np.random.default_rng((crop.seed, 1)).integers(room, size=2)
    return int(y) + min(_EDGE, size // 8), int(x) + min(_EDGE, size // 8)


def make_inputs(
    originals: Sequence[torch.Tensor],
    corpus: Corpus,
    degradation: Degradation,
    pairs: Degradation | None,
    team: Team,
    cache: Path,
    on_message: Callable[[str], None] = lambda line: None,
    *,
    levels: bool = False,
) -> Inputs:
    """The inputs of each crop of (3, H, W) uint8 originals; each process makes its part.

    levels: their blur levels, too; needs `pairs`. What lies in `cache`, a folder, for this corpus and these
    degradations, with the weights that their steps use, is taken as it is. Raises `TrainingError` where the folder
    cannot be written.
    """
    size, count = corpus.crop_size, len(corpus.crops)
    shape = (count, 3, size // 2, size // 2)
    about = f"{corpus.manifest_hash}\n{degradation}\n{pairs}" + ("\nlevels" if levels else "")
    if weights := step_weights(degradation, pairs):
        about += f"\n{json.dumps(weights, sort_keys=True)}"
    file = cache / f"inputs-{hashlib.sha256(about.encode()).hexdigest()[:16]}.u8"
    shapes = [torch.Size(shape)] * (1 if pairs is None else 2) + [torch.Size((count, len(BANDS)))] * (2 * levels)
    whole = sum(each.numel() for each in shapes)
    there = torch.tensor([file.is_file() and file.stat().st_size == whole], dtype=torch.uint8)
    if team.share(there, 0):  # one process decides for all: another run may be writing it just now
        return Inputs(*_read(file, shapes))
    made = [torch.empty(each, dtype=torch.uint8) for each in shapes]
    on_message(f"making the inputs of {count} crops")

    def make(numbers: range) -> list[None]:
        crops = [corpus.crops[number] for number in numbers]
        pictures = [original_crop(originals, crop, size) for crop in crops]
        drawn = [(degradation, [crop.seed for crop in crops])]
        if pairs is not None:
            drawn.append((pairs, [pair_seed(crop.seed) for crop in crops]))
        for kind, (recipe, seeds) in enumerate(drawn):
            if levels:
                spoiled, blurs = zip(*recipe.batch_with_blur_levels(pictures, seeds), strict=True)
                made[2 + kind][list(numbers)] = (255 * torch.tensor(blurs, dtype=torch.float64)).round().to(torch.uint8)
            else:
                spoiled = tuple(recipe.batch(pictures, seeds))
            for number, crop, result in zip(numbers, crops, spoiled, strict=True):
                y, x = pair_place(crop, size) if kind else (0, 0)
                made[kind][number] = result[:, y : y + size // 2, x : x + size // 2]
        return []

    in_batches(make, range(team.rank, count, team.size))
    for recipe in filter(None, (degradation, pairs)):
        dropped, seen = recipe.dropped
        if seen:
            on_message(Message(
                Code.CROPS_LEFT_UNDAMAGED, count=dropped, total=seen, difference=MOST_DIFFERENCE, pixels=MOST_DISPLACED
            ))  # fmt: skip
    for tensor in made:
        for source in range(team.size):
            tensor[source :: team.size] = team.share(tensor[source :: team.size], source)
    if team.leads:
        _write(file, made)
    team.wait()
    return Inputs(*made)


def _read(file: Path, shapes: Sequence[torch.Size]) -> list[torch.Tensor]:
    """Mapped, not read: several runs share the memory."""
    whole = torch.from_file(str(file), shared=False, size=file.stat().st_size, dtype=torch.uint8)
    parts = torch.split(whole, [shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def _write(file: Path, tensors: Sequence[torch.Tensor]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as part, part.open("wb") as out:
            for tensor in tensors:
                out.write(tensor.numpy().data)
    except OSError as error:
        raise TrainingError(f"{file}: the inputs cannot be kept ({error.strerror}); free the disk") from None


def manifest(corpus: Corpus, degradation: Degradation, pairs: Degradation | None, inputs: Inputs) -> dict[str, Any]:
    """What the inputs were made of: pictures with their hashes, crops as [picture, y, x, seed], and the inputs' hash.

    `picture` counts the pictures whose use is "training", from 0; each is scaled by its `shrunk` (`read_picture`), and
    the crops whose numbers stand in `grey` have three times their luma. `step_weights` has the hash of the weights that
    a step uses. LR of a crop is `degradation` of its square of
    `crop_size` pixels with its seed; its pair is `pairs` of that with `pair_seed`, cut at `pair_place`. low_sha256 is
    over the bytes of all LR, (3, h, w) each, in order, and then those of all pairs.
    """
    return {
        "format": 1,
        "degradation": str(degradation),
        "pairs": str(pairs) if pairs else "",
        "step_weights": step_weights(degradation, pairs),
        "crop_size": corpus.crop_size,
        "data_hash": corpus.manifest_hash,
        "low_sha256": inputs.sha256,
        "pictures": [
            {"name": p.name, "path": str(p.path), "use": use, "size": [p.width, p.height], "shrunk": p.shrunk,
             "sha256": p.sha256}
            for use, pictures in (("training", corpus.training), ("validation", corpus.validation))
            for p in pictures
        ],
        "left_out": [{"name": p.name, "why": p.why} for p in corpus.left_out],
        "crops": [[c.picture, c.y, c.x, c.seed] for c in corpus.crops],
        "grey": [number for number, crop in enumerate(corpus.crops) if crop.grey],
    }  # fmt: skip

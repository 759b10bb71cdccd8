"""The inputs of every crop, made once for all stages: LR, and where a run asks for them same-size pairs.

They are kept in a file of the run's folder (or a folder of one's choice, for several runs of the same inputs), so that
a run that goes on need not make them again; a manifest says how to make them again, bit for bit.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidrts.errors import TrainingError
from vidrts.networks.blur_level import BANDS
from vidrts.threads import shared_threads
from vidrts.training.corpus import Corpus, Crop, original_crop
from vidrts.training.degrade import Degradation
from vidrts.training.team import Team

_EDGE = 8
"""Pixels at each side of a crop from which no pair is cut: a codec and a blur see nothing beyond."""


@dataclass(frozen=True)
class Inputs:
    """What Phase A is fed; index k belongs to crop k."""

    low: torch.Tensor
    """(N, 3, s/2, s/2) uint8: LR."""
    same: torch.Tensor | None = None
    """(N, 3, s/2, s/2) uint8: a part of the crop at its own size, degraded; it lies at `pair_place`."""
    low_levels: torch.Tensor = field(default_factory=lambda: torch.empty(0, len(BANDS), dtype=torch.uint8))
    """(N, 2) uint8: the blur levels of each LR, in 255ths (`networks.blur_level`)."""
    same_levels: torch.Tensor | None = None
    """(N, 2) uint8: those of the pairs."""

    @property
    def sha256(self) -> str:
        """Over the bytes of both, LR first."""
        digest = hashlib.sha256(self.low.numpy())
        if self.same is not None:
            digest.update(self.same.numpy())
        return digest.hexdigest()


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
) -> Inputs:
    """The inputs of each crop of (3, H, W) uint8 originals; each process makes its part.

    In as many threads as torch has: the codecs work outside Python's lock. What lies in `cache`, a folder, under this
    corpus and these degradations is taken as it is. Raises `TrainingError` where the folder cannot be written.
    """
    size, count = corpus.crop_size, len(corpus.crops)
    shape = (count, 3, size // 2, size // 2)
    about = f"{corpus.manifest_hash}\n{degradation}\n{pairs}"
    file = cache / f"inputs-{hashlib.sha256(about.encode()).hexdigest()[:16]}.u8"
    kinds = [degradation] if pairs is None else [degradation, pairs]
    whole = len(kinds) * (torch.Size(shape).numel() + len(BANDS) * count)
    there = torch.tensor([file.is_file() and file.stat().st_size == whole], dtype=torch.uint8)
    if team.share(there, 0):  # one process decides for all: another run may be writing it just now
        return _inputs(_read(file, shape, len(kinds)))
    made = [torch.empty(each, dtype=torch.uint8) for each in (shape, (count, len(BANDS))) for _ in kinds]
    on_message(f"making the inputs of {count} crops")

    def make(index: int) -> None:
        crop = corpus.crops[index]
        picture = original_crop(originals, crop, size)
        made[0][index], levels = degradation.with_blur_levels(picture, crop.seed)
        made[len(kinds)][index] = _stored(levels)
        if pairs is not None:
            y, x = pair_place(crop, size)
            spoiled, levels = pairs.with_blur_levels(picture, pair_seed(crop.seed))
            made[1][index] = spoiled[:, y : y + size // 2, x : x + size // 2]
            made[3][index] = _stored(levels)

    workers = torch.get_num_threads()
    with shared_threads(workers) as begin, ThreadPoolExecutor(workers, "vidrts-inputs", begin) as pool:
        for _ in pool.map(make, range(team.rank, count, team.size)):
            pass  # what went wrong in a thread is raised here
    for tensor in made:
        for source in range(team.size):
            tensor[source :: team.size] = team.share(tensor[source :: team.size], source)
    if team.leads:
        _write(file, made)
    team.wait()
    return _inputs(made)


def _stored(levels: Sequence[float]) -> torch.Tensor:
    return torch.tensor([round(255 * level) for level in levels], dtype=torch.uint8)


def _inputs(made: Sequence[torch.Tensor]) -> Inputs:
    """Of the pictures of LR and, if there are some, of pairs, and then of the levels of each."""
    if len(made) == 2:
        return Inputs(made[0], None, made[1], None)
    return Inputs(*made)


def _read(file: Path, shape: tuple[int, int, int, int], kinds: int) -> list[torch.Tensor]:
    """Mapped, not read: several runs share the memory."""
    whole = torch.from_file(str(file), shared=False, size=file.stat().st_size, dtype=torch.uint8)
    end = kinds * torch.Size(shape).numel()
    return [*whole[:end].view(kinds, *shape), *whole[end:].view(kinds, shape[0], len(BANDS))]


def _write(file: Path, tensors: Sequence[torch.Tensor]) -> None:
    temporary = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            for tensor in tensors:
                out.write(tensor.numpy().data)
        temporary.replace(file)
    except OSError as error:
        raise TrainingError(f"{file}: the inputs cannot be kept ({error.strerror}); free the disk") from None
    finally:
        temporary.unlink(missing_ok=True)


def manifest(corpus: Corpus, degradation: Degradation, pairs: Degradation | None, inputs: Inputs) -> dict[str, Any]:
    """What the inputs were made of: pictures with their hashes, crops as [picture, y, x, seed], and the inputs' hash.

    `picture` counts the pictures whose use is "training", from 0; each is scaled by its `shrunk` (`read_picture`), and
    the crops whose numbers stand in `grey` have three times their luma. LR of a crop is `degradation` of its square of
    `crop_size` pixels with its seed; its pair is `pairs` of that with `pair_seed`, cut at `pair_place`. low_sha256 is
    over the bytes of all LR, (3, h, w) each, in order, and then those of all pairs.
    """
    return {
        "format": 1,
        "degradation": str(degradation),
        "pairs": str(pairs) if pairs else "",
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

"""LR of every crop, made once for all stages, and the manifest from which it can be made again, bit for bit."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from vidrts.threads import shared_threads
from vidrts.training.corpus import Corpus
from vidrts.training.degrade import Degradation
from vidrts.training.team import Team


def make_low(originals: Sequence[torch.Tensor], corpus: Corpus, degradation: Degradation, team: Team) -> torch.Tensor:
    """(N, 3, s/2, s/2) uint8: the LR of each crop of (3, H, W) uint8 originals; each process makes its part.

    In as many threads as torch has: the codecs work outside Python's lock.
    """
    size = corpus.crop_size
    low = torch.empty(len(corpus.crops), 3, size // 2, size // 2, dtype=torch.uint8)

    def make(index: int) -> None:
        c = corpus.crops[index]
        low[index] = degradation(originals[c.picture][:, c.y : c.y + size, c.x : c.x + size], c.seed)

    workers = torch.get_num_threads()
    with shared_threads(workers) as begin, ThreadPoolExecutor(workers, "vidrts-low", begin) as pool:
        for _ in pool.map(make, range(team.rank, len(corpus.crops), team.size)):
            pass  # what went wrong in a thread is raised here
    for source in range(team.size):
        low[source :: team.size] = team.share(low[source :: team.size], source)
    return low


def manifest(corpus: Corpus, degradation: Degradation, low: torch.Tensor) -> dict[str, Any]:
    """What LR was made of: pictures with their hashes, crops as [picture, y, x, seed], and the hash of all LR.

    `picture` counts the pictures whose use is "training", from 0. LR of a crop is `degradation` of its square of
    `crop_size` pixels with its seed; low_sha256 is over the bytes of all of them, (3, h, w) each, in order.
    """
    return {
        "format": 1,
        "degradation": str(degradation),
        "crop_size": corpus.crop_size,
        "data_hash": corpus.manifest_hash,
        "low_sha256": hashlib.sha256(low.numpy()).hexdigest(),
        "pictures": [
            {"name": p.name, "path": str(p.path), "use": use, "size": [p.width, p.height], "sha256": p.sha256}
            for use, pictures in (("training", corpus.training), ("validation", corpus.validation))
            for p in pictures
        ],
        "left_out": [{"name": p.name, "why": p.why} for p in corpus.left_out],
        "crops": [[c.picture, c.y, c.x, c.seed] for c in corpus.crops],
    }

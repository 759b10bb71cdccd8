"""A small classifier of damage, and the entropy of the kinds that it sees in damaged pictures.

The paper (arXiv 2503.02767) measures diversity so, with a ResNet-152. This one is of three convolutions.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.training.degrader.corruptions import KINDS, corrupted

SIDE = 64
"""Of the crops it sees."""
_BATCH = 30
_RATE = 2e-3


class DamageClassifier(nn.Module):
    """(B, 3, H, W) R'G'B' in 0..1 -> (B, 15) logits of `corruptions.KINDS`.

    It sees the picture, and what a Laplacian leaves of it, which says most about noise and blocks.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (6, 48, 64, 96)
        self.layers = nn.Sequential(*(
            nn.Sequential(nn.Conv2d(a, b, size, stride=2, padding=size // 2), nn.BatchNorm2d(b), nn.ReLU())
            for (a, b), size in zip(pairwise(widths), (5, 3, 3), strict=True)
        ))  # fmt: skip
        self.last = nn.Linear(2 * widths[-1], len(KINDS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        fine = x - F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        y = self.layers(torch.cat([2 * x - 1, 8 * fine], 1))
        logits: torch.Tensor = self.last(torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1))
        return logits


def train_classifier(
    pictures: Sequence[torch.Tensor],
    unseen: Sequence[torch.Tensor],
    *,
    steps: int = 300,
    batches: int = 20,
    seed: int = 1,
    on_message: Callable[[str], None] = lambda line: None,
) -> tuple[DamageClassifier, float]:
    """A classifier trained on crops of `pictures`, (3, H, W) uint8, and its accuracy on those of `unseen`, 0 to 1."""
    torch.manual_seed(seed)
    network = DamageClassifier()
    adam = torch.optim.Adam(network.parameters(), lr=_RATE)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        x, kinds = _batch(pictures, np.random.default_rng((seed, 0, step)))
        loss = F.cross_entropy(network(x), kinds)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    network.eval().requires_grad_(False)
    right = []
    for number in range(batches):
        x, kinds = _batch(unseen, np.random.default_rng((seed, 1, number)))
        right.append(float((network(x).argmax(1) == kinds).float().mean()))
    accuracy = float(np.mean(right))
    on_message(f"damage is classified right in {100 * accuracy:.0f} % of {batches * _BATCH} crops of other pictures")
    return network, accuracy


def shares(network: DamageClassifier, crops: torch.Tensor) -> dict[str, float]:
    """Kind -> share of (B, 3, H, W) crops in 0..1 that are taken for it."""
    counts = torch.bincount(network(crops).argmax(1), minlength=len(KINDS))
    return {kind: float(count) / len(crops) for kind, count in zip(KINDS, counts, strict=True)}


def entropy(shares: Sequence[float]) -> float:
    """-sum P ln P in nats; ln K for K equal shares."""
    return float(sum(-share * math.log(share) for share in shares if share > 0)) + 0.0


def _batch(pictures: Sequence[torch.Tensor], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of all kinds, equally often."""
    kinds = np.arange(_BATCH) % len(KINDS)
    names = list(KINDS)
    crops = []
    for kind in kinds:
        picture = pictures[int(rng.integers(len(pictures)))]
        y, x = (int(rng.integers(length - SIDE + 1)) for length in picture.shape[1:])
        crop = (picture[:, y : y + SIDE, x : x + SIDE].permute(1, 2, 0).float() / 255).numpy()
        crops.append(torch.from_numpy(corrupted(crop, names[kind], rng)))
    return torch.stack(crops).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(kinds)

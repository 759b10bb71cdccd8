"""What a step is fed: which crops, their inputs and what these should become, the same in a resumed run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from vidrts.measure.luma import luma
from vidrts.networks.blur_level import BANDS
from vidrts.training.corpus import Crop, cut
from vidrts.training.lr_cache import pair_place

_TOLD_WRONG = (0.12, (0.2, 0.07))
"""S.d. by which training tells wrong blur levels, both alike and each alone: about what estimates of whole pictures
miss by. Of the first band they know little: enlarged pictures look to them as other soft ones do."""


class Batch(NamedTuple):
    """What one step is fed: float32 in 0..1, on the network's device."""

    low: torch.Tensor
    """(B, 3, h, w)"""
    target: torch.Tensor
    """(B, 3, 2h, 2w)"""
    colours: torch.Tensor
    """(C, 3, 1, 1): flat patches."""
    same: torch.Tensor
    """(P, 3, h, w): spoiled pictures; P may be 0."""
    truth: torch.Tensor
    """(P, 3, h, w): what they should be."""
    low_levels: torch.Tensor
    """(B, 2): blur levels (`networks.blur_level`)."""
    same_levels: torch.Tensor
    """(P, 2)"""


def batches(count: int, batch: int, seed: int, first: int, last: int) -> list[np.ndarray]:
    """The crop indices of steps `first` .. `last` - 1: epochs of seeded permutations, the same in a resumed run."""
    per_epoch = max(1, count // batch)
    found: list[np.ndarray] = []
    order: np.ndarray | None = None
    epoch = -1
    for step in range(first, last):
        if step // per_epoch != epoch or order is None:
            epoch = step // per_epoch
            order = np.random.default_rng((seed, epoch)).permutation(count)
        start = (step % per_epoch) * batch
        found.append(order[start : start + batch])
    return found


def flat_colours(count: int, seed: int, step: int) -> torch.Tensor:
    """(count, 3, 1, 1) float32: the colours of `step`, uniform in 0..1, the same in a resumed run."""
    return torch.from_numpy(np.random.default_rng((seed, step, count)).random((count, 3, 1, 1), dtype=np.float32))


def levels_told(levels: torch.Tensor | None, indices: np.ndarray, step: tuple[int, ...]) -> torch.Tensor:
    """(B, 2) float32: the blur levels of these, as far from true as estimates may be; the same in a resumed run."""
    if levels is None:
        return torch.zeros(len(indices), len(BANDS))
    together, alone = np.random.default_rng(step).standard_normal((2, len(indices), len(BANDS)), dtype=np.float32)
    wrong = _TOLD_WRONG[0] * together[:, :1] + np.array(_TOLD_WRONG[1], np.float32) * alone
    return (levels[indices].float() / 255 + torch.from_numpy(wrong)).clamp(0, 1)


def near(pictures: Sequence[torch.Tensor], device: torch.device) -> Sequence[torch.Tensor]:
    """The pictures on `device`, where that is a GPU that has room for them, so that no step waits for a copy."""
    if device.type != "cuda":
        return pictures
    needed = sum(picture.nbytes for picture in pictures)
    free, _ = torch.cuda.mem_get_info(device)
    return [picture.to(device) for picture in pictures] if needed < 0.6 * free else pictures


@dataclass(frozen=True)
class Supply:
    """All that batches are taken from."""

    low: torch.Tensor
    """(N, 3, h, w) uint8: LR of each crop."""
    targets: Sequence[torch.Tensor]
    """HR_{n-1} of each picture, (3, H, W), uint8 in 0..255 or float16 in 0..1."""
    crops: Sequence[Crop]
    same: torch.Tensor | None = None
    """(N, 3, h, w) uint8: the spoiled picture of each crop's pair."""
    truths: Sequence[torch.Tensor] = ()
    """What the pairs should be, as `targets`."""
    low_levels: torch.Tensor | None = None
    """(N, 2) uint8: the blur levels of each LR, in 255ths; None where no network wants them."""
    same_levels: torch.Tensor | None = None
    taught: torch.Tensor | None = None
    """(N, h, w) float16 in 0..1: the luma that a teacher makes of each crop's spoiled picture."""
    taught_weight: float = 0.0
    """Share of the teacher's luma in the truth that a pair is held against."""

    def batch(self, indices: np.ndarray, pairs: np.ndarray, device: torch.device) -> tuple[torch.Tensor, ...]:
        """(low, target, same, truth) of `Batch`, of the crops and pairs of these indices."""
        size = self.low.shape[-1]
        low = _unit(self.low[indices], device).contiguous(memory_format=torch.channels_last)
        chosen = [self.crops[i] for i in indices]
        target = _greyed(_unit(cut(self.targets, chosen, 2 * size), device), chosen)
        if self.same is None or not len(pairs):
            none = low[:0]
            return low, target, none, none
        same = _unit(self.same[pairs], device).contiguous(memory_format=torch.channels_last)
        chosen = []
        for crop in (self.crops[i] for i in pairs):
            y, x = pair_place(crop, 2 * size)
            chosen.append(replace(crop, y=crop.y + y, x=crop.x + x))
        truth = _greyed(_unit(cut(self.truths, chosen, size), device), chosen)
        if self.taught is not None:
            # The squared errors to two targets are, but for a constant, that to their mean.
            truth += self.taught_weight * (_unit(self.taught[pairs], device) - luma(truth))[:, None]
        return low, target, same, truth


def _unit(samples: torch.Tensor, device: torch.device) -> torch.Tensor:
    """uint8 in 0..255 or floats in 0..1 as float32 in 0..1."""
    there = samples.to(device)
    return there.float() / 255 if there.dtype == torch.uint8 else there.float()


def _greyed(pictures: torch.Tensor, crops: Sequence[Crop]) -> torch.Tensor:
    """(B, 3, H, W), grey where its crop is."""
    for picture, crop in zip(pictures, crops, strict=True):
        if crop.grey:
            picture.copy_(luma(picture).expand_as(picture))
    return pictures


def turned(pictures: torch.Tensor, way: int) -> torch.Tensor:
    """Pictures (..., H, W), square, in one of eight ways: turned by `way` % 4 quarters, mirrored from 4 on."""
    pictures = torch.rot90(pictures, way % 4, (-2, -1))
    return pictures.flip(-1) if way >= 4 else pictures

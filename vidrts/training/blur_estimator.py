"""Trains what tells a network how blurred a picture is (`networks.blur_level`): on pictures of a known blur level.

It learns from parts of 160 pixels. A whole picture says more than a part, so that an estimate need not keep as near to
the usual: what is right for whole pictures is found on those of a tenth of the photographs, which are not learned from.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from vidrts.errors import TrainingError
from vidrts.measure.luma import luma
from vidrts.networks.blur_level import BANDS, BlurLevel
from vidrts.threads import shared_threads
from vidrts.training.batches import turned
from vidrts.training.degrade import Degradation

_PARTS = 8000
_SIDE = 160
_STEPS = 4000
_BATCH = 16
_RATE = 2e-3
_WHOLE = 400
"""Pictures of at most `_WHOLE_SIDE` pixels each way that the estimate is brought right on."""
_WHOLE_SIDE = 384

type Examples = list[tuple[torch.Tensor, tuple[float, ...]]]
"""Luma, (1, h, w) uint8, and blur levels."""


def train_blur_level(
    originals: Sequence[torch.Tensor],
    pairs: Degradation,
    seed: int,
    on_message: Callable[[str], None] = lambda line: None,
) -> BlurLevel:
    """A trained estimator, on the CPU: it sees parts of `originals`, (3, H, W) uint8, as `pairs` degrades them.

    Contrast and brightness are varied, since they say nothing of blur. Raises `TrainingError` where no picture has 160
    pixels each way, or only one.
    """
    usable = [picture for picture in originals if min(picture.shape[1:]) >= _SIDE]
    if len(usable) < 2:
        raise TrainingError(f"blur-level: expected two pictures at least of {_SIDE} pixels each way, got {len(usable)}")
    apart = usable[:: max(2, min(10, len(usable) // 2))]
    learned = [picture for picture in usable if not any(picture is one for one in apart)]
    on_message(f"making {_PARTS + _WHOLE} pictures of known blur levels")
    parts = _examples(learned, pairs, (seed, 7), _PARTS, _SIDE)
    pictures, levels = torch.stack([part for part, _ in parts]), torch.tensor([known for _, known in parts])
    torch.manual_seed(seed)
    network = BlurLevel()
    adam = torch.optim.Adam(network.parameters(), lr=_RATE)
    for step in range(_STEPS):
        rng = np.random.default_rng((seed, step))
        chosen = rng.integers(len(pictures), size=_BATCH)
        contrast = torch.from_numpy(rng.uniform(0.4, 1, (_BATCH, 1, 1, 1))).float()
        black = (1 - contrast) * torch.from_numpy(rng.uniform(0, 1, (_BATCH, 1, 1, 1))).float()
        x = turned(pictures[chosen].float() / 255, int(rng.integers(8))) * contrast + black
        for group in adam.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * step / _STEPS))
        loss = (network(x) - levels[chosen]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    network = network.eval().requires_grad_(False)
    missed = _bring_right(network, _examples(apart, pairs, (seed, 8), _WHOLE, _WHOLE_SIDE))
    on_message(f"blur levels of other pictures are estimated to within {missed:.3f} (root mean square)")
    return network


def _bring_right(network: BlurLevel, examples: Examples) -> float:
    """Scale and shift the estimates so that they are nearest to the truth of these; returns what they then miss by,
    before any ceiling (`networks.blur_level.MOST`)."""
    wanted = torch.tensor([known for _, known in examples])
    got = torch.cat([network(picture[None].float() / 255) for picture, _ in examples])
    for band in range(len(BANDS)):
        known = torch.stack((got[:, band], torch.ones(len(got))), dim=1)
        scale, shift = torch.linalg.lstsq(known, wanted[:, band]).solution.tolist()
        network.scale_and_shift(band, scale, shift)
    got = torch.cat([network(picture[None].float() / 255) for picture, _ in examples]).clamp(0, 1)
    return float((got - wanted).square().mean().sqrt())


def _examples(
    pictures: Sequence[torch.Tensor], pairs: Degradation, seed: tuple[int, int], count: int, side: int
) -> Examples:
    """So many parts of pictures, of at most `side` pixels each way, degraded; each picture has as many."""

    def made(number: int) -> tuple[torch.Tensor, tuple[float, ...]]:
        rng = np.random.default_rng((*seed, number))
        picture = pictures[number % len(pictures)]
        height, width = (min(side, length) for length in picture.shape[1:])
        y, x = int(rng.integers(picture.shape[1] - height + 1)), int(rng.integers(picture.shape[2] - width + 1))
        part = picture[:, y : y + height, x : x + width].contiguous()
        spoiled, levels = pairs.with_blur_levels(part, int(rng.integers(2**31)))
        return luma(spoiled.float())[None].round().to(torch.uint8), levels

    workers = torch.get_num_threads()
    with shared_threads(workers) as begin, ThreadPoolExecutor(workers, "vidrts-levels", begin) as pool:
        return list(pool.map(made, range(count)))

"""Trains what tells a network how blurred a picture is (`networks.blur_level`): on pictures of a known blur level.

It learns from parts of 160 pixels, rather too low than too high, and is measured on whole pictures of a tenth of the
photographs, which are not learned from.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vidrts.errors import TrainingError
from vidrts.measure.luma import luma
from vidrts.messages import Code, Message
from vidrts.networks.blur_level import BlurLevel
from vidrts.training.batches import turned
from vidrts.training.degradation.in_batches import in_batches
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.degradation.registry import parse_step
from vidrts.training.rendered import can_render_text, titled

_PARTS = 14000
"""That are learned from in each phase."""
_SIDE = 160
_BATCH = 32
_PATTERN_RATE = 0.3
"""Of the rate, for the patterns, which start as what they should be about."""
_WARM_UP = 100
_DECAY = 0.01
_TITLED = 0.2
"""Share of the parts that have sharp titles over them: a soft film is soft with titles, too."""
_TITLES_CODED = 0.6
"""Share of these that are coded once more, with the titles."""
_CODED = parse_step("jpeg:30-98")
_WHOLE = 400
"""Pictures of at most `_WHOLE_SIDE` pixels each way that the estimate is measured on."""
_WHOLE_SIDE = 384


@dataclass(frozen=True)
class _Phase:
    steps: int
    rate: float
    too_much: int
    """How much more an error counts where the estimate is above the truth."""


_PHASES = (_Phase(3600, 3e-3, 1), _Phase(1200, 1e-3, 4))
"""First to the mean, then rather too low: a sharp picture that is sharpened as a blurred one gets worse than it was, a
blurred one that is sharpened too little only gains less. Too low from the start it learns more slowly."""

type Examples = list[tuple[torch.Tensor, tuple[float, ...]]]
"""Luma, (1, h, w) uint8, and blur levels."""


def train_blur_level(
    originals: Sequence[torch.Tensor],
    crops: Sequence[int],
    pairs: Degradation,
    seed: int,
    on_message: Callable[[str], None] = lambda line: None,
) -> BlurLevel:
    """A trained estimator, on the CPU: it sees parts of `originals`, (3, H, W) uint8, as `pairs` degrades them.

    crops: how many of each original the run has, whose parts are as often seen. Contrast is varied, since it says
    nothing of blur; some parts have titles over them. Raises `TrainingError` where no picture has 160 pixels each way,
    or only one.
    """
    usable = [(picture, count) for picture, count in zip(originals, crops, strict=True)
              if min(picture.shape[1:]) >= _SIDE]  # fmt: skip
    if len(usable) < 2:
        raise TrainingError(f"blur-level: expected two pictures at least of {_SIDE} pixels each way, got {len(usable)}")
    each = max(2, min(10, len(usable) // 2))
    apart, learned = usable[::each], [one for number, one in enumerate(usable) if number % each]
    titles = _TITLED if can_render_text() else 0.0
    if not titles:
        on_message(Message(Code.NO_FONT_FOR_TITLES))
    on_message(f"learning from {len(_PHASES)} times {_PARTS} pictures of known blur levels")
    torch.manual_seed(seed)
    network = BlurLevel()
    for number, phase in enumerate(_PHASES):
        _learn(network, _examples(learned, pairs, (seed, 7, number), _PARTS, _SIDE, titles), phase, seed)
    network.eval().requires_grad_(False)
    missed = _missed(network, _examples(apart, pairs, (seed, 8), _WHOLE, _WHOLE_SIDE))
    on_message(f"blur levels of other pictures are estimated to within {missed:.3f} (root mean square)")
    return network


def _learn(network: BlurLevel, examples: Examples, phase: _Phase, seed: int) -> None:
    pictures, levels = torch.stack([part for part, _ in examples]), torch.tensor([known for _, known in examples])
    others = [weight for name, weight in network.named_parameters() if name != "patterns"]
    adam = torch.optim.AdamW(
        [{"params": others, "lr": phase.rate}, {"params": [network.patterns], "lr": _PATTERN_RATE * phase.rate}],
        weight_decay=_DECAY,
    )
    slower = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: min(1, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / phase.steps))
    )
    for step in range(phase.steps):
        rng = np.random.default_rng((seed, phase.too_much, step))
        chosen = rng.integers(len(pictures), size=_BATCH)
        contrast = torch.from_numpy(rng.uniform(0.4, 1, (_BATCH, 1, 1, 1))).float()
        x = turned(pictures[chosen].float() / 255, int(rng.integers(8))) * contrast
        error = network(x) - levels[chosen]
        loss = torch.where(error > 0, phase.too_much, 1).mul(error.square()).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        slower.step()


def _missed(network: BlurLevel, examples: Examples) -> float:
    """How far estimates are from the truth of these, root mean square, before any ceiling (`blur_level.MOST`)."""
    wanted = torch.tensor([known for _, known in examples])
    got = torch.cat([network(picture[None].float() / 255) for picture, _ in examples]).clamp(0, 1)
    return float((got - wanted).square().mean().sqrt())


def _examples(
    pictures: Sequence[tuple[torch.Tensor, int]],
    pairs: Degradation,
    seed: tuple[int, ...],
    count: int,
    side: int,
    titles: float = 0.0,
) -> Examples:
    """So many parts of pictures, of at most `side` pixels each way, degraded.

    pictures: each with how often it is drawn. titles: share of the parts that have sharp titles over them.
    """
    shares = np.array([count for _, count in pictures]) / sum(count for _, count in pictures)

    def made(numbers: range) -> Examples:
        rngs = [np.random.default_rng((*seed, number)) for number in numbers]
        parts = []
        for rng in rngs:
            picture = pictures[int(rng.choice(len(pictures), p=shares))][0]
            height, width = (min(side, length) for length in picture.shape[1:])
            y, x = int(rng.integers(picture.shape[1] - height + 1)), int(rng.integers(picture.shape[2] - width + 1))
            parts.append(picture[:, y : y + height, x : x + width].contiguous())
        found = []
        seeds = [int(rng.integers(2**31)) for rng in rngs]
        for rng, (spoiled, levels) in zip(rngs, pairs.batch_with_blur_levels(parts, seeds), strict=True):
            if rng.random() < titles:
                spoiled = titled(spoiled, rng)
                if rng.random() < _TITLES_CODED:
                    (spoiled,) = _CODED([spoiled], [rng])
            found.append((luma(spoiled.float())[None].round().to(torch.uint8), levels))
        return found

    return in_batches(made, range(count))

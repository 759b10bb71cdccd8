"""Same-size pairs of held-out photographs: how much nearer to the truth a network brings what it has never seen."""

from collections.abc import Sequence

import numpy as np
import torch

from vidrts.measure.luma import luma
from vidrts.networks.network import Network
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.objective import at_source_size, pair_part

_CROPS = 16
"""Of each photograph."""
_ONE = (1 / 255) ** 2
"""Added to each error: what is beyond one code value's worth of good cannot be seen."""


class HeldPairs:
    """Measures a network again and again on the same pairs, made when this is; one that wants it is told how blurred
    they are.

    originals: (3, H, W) uint8; size: side of the crops in pixels; those of a photograph smaller than that are left out.
    """

    def __init__(self, originals: Sequence[torch.Tensor], pairs: Degradation, size: int, device: torch.device) -> None:
        rng = np.random.default_rng(0)
        truths, seeds = [], []
        for original in originals:
            height, width = original.shape[1:]
            if min(height, width) < size:
                continue
            for _ in range(_CROPS):
                y, x = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
                truths.append(original[:, y : y + size, x : x + size])
                seeds.append(int(rng.integers(2**31)))
        spoiled, levels = zip(*pairs.batch_with_blur_levels(truths, seeds), strict=True)
        self._same = torch.stack(spoiled).to(device)
        self._levels = torch.tensor(levels, device=device)
        self._truth = luma(torch.stack(truths).to(device).float() / 255)

    @torch.no_grad()
    def gain(self, network: Network) -> float:
        """Mean over the pairs of how much nearer d(SR(y)) is to the truth than y, in dB of luma's MSE."""
        inner = pair_part(network, self._same.shape[-1])
        before: list[torch.Tensor] = []
        after: list[torch.Tensor] = []
        parts = (torch.split(each, 32) for each in (self._same, self._truth, self._levels))
        for same, truth, levels in zip(*parts, strict=True):
            x = same.float() / 255
            result = luma(network(network.prepared(x, levels)))[:, None]
            enhanced = at_source_size(network, result).clamp(0, 1)[:, 0]
            for found, picture in ((before, luma(x)), (after, enhanced)):
                found.append((picture - truth)[:, inner, inner].square().mean((1, 2)))
        ratio = (torch.cat(before) + _ONE) / (torch.cat(after) + _ONE)
        return float(10 * ratio.log10().mean())

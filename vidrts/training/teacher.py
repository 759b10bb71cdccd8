"""What a larger network makes of the inputs of same-size pairs: a target for a smaller one (distillation).

A photograph has detail that no network can know; a teacher's picture has what one of its kind can.
"""

import torch

from vidrts.colorplan import luma
from vidrts.networks.network import Network
from vidrts.training.objective import at_source_size

_AT_ONCE = 32


@torch.no_grad()
def taught(teacher: Network, same: torch.Tensor, levels: torch.Tensor | None) -> torch.Tensor:
    """(N, 3, h, w) uint8, the inputs of pairs -> (N, h, w) float16 in 0..1, the luma that `teacher` makes of them.

    levels: (N, 2) uint8, blur levels in 255ths, which a teacher is told that is told some; None: it estimates them. Up
    to a teacher's reach from a border its zero padding is felt, as in training.
    """
    made = torch.empty(len(same), *same.shape[2:], dtype=torch.float16)
    for first in range(0, len(same), _AT_ONCE):
        x = same[first : first + _AT_ONCE].float() / 255
        told = None if levels is None else levels[first : first + _AT_ONCE].float() / 255
        result = luma(teacher(teacher.prepared(x, told)))[:, None]
        made[first : first + _AT_ONCE] = at_source_size(teacher, result)[:, 0].clamp(0, 1)
    return made

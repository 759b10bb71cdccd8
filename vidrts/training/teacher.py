"""What a larger network makes of the inputs of same-size pairs: a target for a smaller one (distillation).

A photograph has detail that no network can know; a teacher's picture has what one of its kind can.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

from vidrts.colorplan import luma
from vidrts.errors import TrainingError
from vidrts.files import atomic_write
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network
from vidrts.training.lr_cache import Inputs
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


def kept_targets(
    teacher: LoadedModel, inputs: Inputs, cache: Path, on_message: Callable[[str], None] = lambda line: None
) -> torch.Tensor:
    """`taught` of the pairs of `inputs`, from `cache`, a folder, where this teacher's of these lie there.

    Raises `TrainingError` where the folder cannot be written.
    """
    assert inputs.same is not None
    about = hashlib.sha256(inputs.sha256.encode())
    if inputs.same_levels is not None:  # else the teacher estimates them, and makes other targets
        about.update(inputs.same_levels.numpy())
    for name, weight in sorted(teacher.network.state_dict().items()):
        about.update(name.encode() + weight.cpu().contiguous().numpy().tobytes())
    file = cache / f"targets-{about.hexdigest()[:16]}.f16"
    shape = (len(inputs.same), *inputs.same.shape[2:])
    whole = torch.Size(shape).numel()
    if file.is_file() and file.stat().st_size == 2 * whole:
        return torch.from_file(str(file), shared=False, size=whole, dtype=torch.float16).view(shape)
    on_message(f"{teacher.title} makes targets of {len(inputs.same)} pairs")
    made = taught(teacher.network, inputs.same, inputs.same_levels)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as part:
            part.write_bytes(made.numpy().data)
    except OSError as error:
        raise TrainingError(f"{file}: the targets cannot be kept ({error.strerror}); free the disk") from None
    return made

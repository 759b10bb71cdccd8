"""Several processes that train one network: each takes its part of every batch, gradients are averaged.

    torchrun --nproc-per-node 2 -m vidrts train --photos DIR --out RUN

Process 0 leads: it alone writes. gloo carries the numbers between CPUs, nccl between GPUs.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import torch
import torch.distributed as dist

from vidrts.picture.device import pick_device

_PATIENCE = timedelta(hours=12)
"""How long the others wait while process 0 measures a stage."""


@dataclass(frozen=True)
class Team:
    """This process among all that train; alone unless started by torchrun (`joined`)."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes the run's folder and speaks to people."""
        return self.rank == 0

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each tensor (float, on the team's device) by its mean over all processes."""
        if self.size > 1:
            flat = torch.cat([tensor.flatten() for tensor in tensors])
            dist.all_reduce(flat)
            flat /= self.size
            parts = torch.split(flat, [tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def share(self, tensor: torch.Tensor, source: int) -> torch.Tensor:
        """The tensor of process `source`, on the CPU; all processes give one of equal shape and type there."""
        if self.size == 1:
            return tensor
        # As bytes: not every backend knows every type.
        sent = tensor.contiguous().view(torch.uint8).to(self.device)
        dist.broadcast(sent, source)
        return sent.cpu().view(tensor.dtype)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()


def leads() -> bool:
    """Whether this process is the one that leads, asked before or after the team is `joined`."""
    return not dist.is_torchelastic_launched() or os.environ["RANK"] == "0"


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """This process's team: of all that torchrun started, or of itself alone.

    device: `auto`, `cpu`, `cuda` or `cuda:N` as for `pick_device`, which raises; with several processes `auto` and
    `cuda` give each its own GPU.
    """
    if not dist.is_torchelastic_launched():
        yield Team(device=_current(pick_device(device)))
        return
    if device in ("auto", "cuda") and torch.cuda.is_available():
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    chosen = _current(pick_device(device))
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Team(dist.get_rank(), dist.get_world_size(), chosen)
        dist.barrier()  # who leaves while others still talk may end in gloo's abort
    finally:
        dist.destroy_process_group()


def _current(device: torch.device) -> torch.device:
    """`device`, made the one that streams, graphs and nccl take when nobody names one."""
    if device.index is not None:
        torch.cuda.set_device(device)
    return device

"""What the machine can do at most: matrix products in each precision, copies of memory, copies to and from a GPU.

Everything else is held against these, measured in the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from vidrts.bench.timing import Lap, Task, timed
from vidrts.ops.convolution import convolve

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Ceiling:
    """A rate of the machine. `task` does one call of `amount` operations or bytes."""

    name: str
    """ "matrix fp32", "matrix bf16", "matrix int8", "copy", "upload", "download": what shares are of."""
    task: Task
    amount: float
    unit: str
    """"FLOP" (two for a multiply-add) or "B"."""


def fence_of(device: torch.device) -> Callable[[], None]:
    """A function that waits until all work submitted to `device` is done."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return lambda: None


def ceilings(device: torch.device, precisions: tuple[str, ...], *, quick: bool = False) -> list[Ceiling]:
    """The ceilings of `device`; `quick` takes smaller matrices, which some machines cannot fill."""
    found = [
        matrix_product(device, name, quick=quick) for name in dict.fromkeys(("fp32", *precisions)) if name in _TYPES
    ]
    found += _int8(device, quick)
    found.append(_copy("copy", device, device, quick))
    if device.type == "cuda":
        host = torch.device("cpu")
        found += [_copy("upload", host, device, quick), _copy("download", device, host, quick)]
    return found


def _side(device: torch.device, quick: bool) -> int:
    if device.type == "cuda":
        return 4096 if quick else 8192
    return 512 if quick else 2048


def matrix_product(device: torch.device, precision: str, *, quick: bool = False) -> Ceiling:
    """A product of square matrices, by whichever of torch's two implementations is faster here.

    On a CPU these are BLAS and oneDNN, and BLAS may be the slower by half (MKL on other makers' processors).
    """
    side = _side(device, quick)
    a, b = (torch.randn(side, side, device=device, dtype=torch.float32).to(_TYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    name, amount = f"matrix {precision}", 2.0 * side**3
    usual = _ceiling(name, lambda: torch.mm(a, b, out=out), amount, "FLOP", device)
    if device.type != "cpu":
        return usual
    picture = a.t().reshape(1, side, 1, side).contiguous(memory_format=torch.channels_last)
    kernel = b.t().reshape(side, side, 1, 1).contiguous(memory_format=torch.channels_last)
    other = _ceiling(name, lambda: convolve(picture, kernel, None), amount, "FLOP", device)
    return min((usual, other), key=lambda ceiling: min(ceiling.task.run().seconds for _ in range(3)))


def _int8(device: torch.device, quick: bool) -> list[Ceiling]:
    """8-bit integers into 32-bit ones; nothing where torch has no such product on this device."""
    side = _side(device, quick)
    a, b = (torch.randint(-127, 128, (side, side), device=device, dtype=torch.int8) for _ in range(2))
    b = b.t()  # column-major is what CUDA's product wants, and no loss elsewhere
    try:
        torch._int_mm(a, b)
    except (RuntimeError, AttributeError):
        return []
    return [_ceiling("matrix int8", lambda: torch._int_mm(a, b), 2.0 * side**3, "FLOP", device)]


def _copy(name: str, source: torch.device, target: torch.device, quick: bool) -> Ceiling:
    """A copy larger than any cache. Within one memory each byte counts twice: it is read and written."""
    count = (1 << 24) if quick else (1 << 28)
    pinned = source != target
    a = torch.ones(count, dtype=torch.uint8, device=source, pin_memory=pinned and source.type == "cpu")
    b = torch.zeros(count, dtype=torch.uint8, device=target, pin_memory=pinned and target.type == "cpu")
    device = source if source.type == "cuda" else target
    amount = float(count if pinned else 2 * count)
    return _ceiling(name, lambda: b.copy_(a, non_blocking=True), amount, "B", device)


def _ceiling(name: str, work: Callable[[], object], amount: float, unit: str, device: torch.device) -> Ceiling:
    fence = fence_of(device)

    def run() -> Lap:
        return timed(work, fence=fence)

    return Ceiling(name, Task(name, run), amount, unit)

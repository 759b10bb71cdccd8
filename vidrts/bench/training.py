"""How fast training is, and how near to what the processor's matrix products allow.

vidrts bench train --model rts-r3 --batch 8 --patch 128
"""

import statistics
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from vidrts.bench.options import TrainBench
from vidrts.bench.roofline import fence_of, matrix_product
from vidrts.bench.timing import timed
from vidrts.networks.blur_level import BANDS
from vidrts.networks.names import RECIPES
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.picture.device import pick_device
from vidrts.picture.engines.engine import computes_bf16
from vidrts.training import train_stage
from vidrts.training.batches import Supply, batches, near
from vidrts.training.corpus import Crop
from vidrts.training.objective import Objective, inner_part
from vidrts.training.schedule import Schedule

_CROPS = 4
"""Generated crops for each patch of a batch; drawn from again and again."""


@dataclass(frozen=True, kw_only=True)
class TrainSpeed:
    """The result; all of one run on one machine."""

    device: str
    threads: int
    step_seconds: float
    """Median of the measured steps."""
    spread: float
    """Their standard deviation over their mean."""
    step_flop: float
    """Operations of a step's convolutions, forward and backward."""
    peak: float
    """Operations per second of a matrix product in `precision`."""
    precision: str
    """bf16 where the device computes it natively, else fp32; of the training's residual branch, too."""
    loading: float
    """Share of a step in which its patches are cut and brought to the device."""

    @property
    def share(self) -> float:
        """Operations per second of training over `peak`."""
        return self.step_flop / self.step_seconds / self.peak

    def __str__(self) -> str:
        return (
            f"{1 / self.step_seconds:.2f} steps/s ± {100 * self.spread:.0f} % on {self.device}; "
            f"{self.step_flop / 1e9:.1f} GFLOP a step, {self.step_flop / self.step_seconds / 1e9:.0f} GFLOP/s, "
            f"{100 * self.share:.0f} % of the {self.peak / 1e9:.0f} GFLOP/s of a {self.precision} matrix product; "
            f"loading {100 * self.loading:.1f} % of a step"
        )


def bench_train(options: TrainBench) -> TrainSpeed:
    """Train on generated pictures, and multiply matrices, on the same device right after."""
    device = pick_device(options.device)
    torch.manual_seed(0)
    architecture, numbers = RECIPES[options.model]
    network = build(architecture, numbers).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    schedule = Schedule(
        steps=options.steps + 3, batch=options.batch, flats=options.flats, compile=options.compile
    )  # fmt: skip
    state = train_stage.fresh_state(network, schedule)
    side, count = 2 * options.patch, _CROPS * options.batch
    (low,) = near([torch.randint(0, 256, (count, 3, options.patch, options.patch), dtype=torch.uint8)], device)
    targets = near([torch.rand(3, 2 * side, 2 * side).half() for _ in range(count)], device)
    crops = [Crop(k, (7 * k) % side, (13 * k) % side, 0) for k in range(count)]

    supply = Supply(low, targets, crops)

    def step() -> None:
        train_stage.run(state, schedule, supply=supply, seed=1, until=state.step + 1)

    step_flop = _step_flop(network, schedule, options.patch)
    fence = fence_of(device)
    seconds = [timed(step, fence=fence).seconds for _ in range(2 + options.steps)][2:]
    indices = batches(count, options.batch, 1, 0, options.steps)

    def load() -> None:
        for chosen in indices:
            supply.batch(chosen, chosen[:0], device)

    median = statistics.median(seconds)
    threads = torch.get_num_threads()
    return TrainSpeed(
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else f"{threads} CPU threads",
        threads=threads,
        step_seconds=median,
        spread=statistics.stdev(seconds) / statistics.mean(seconds),
        step_flop=step_flop,
        peak=matrix_peak(device),
        precision=_precision(device),
        loading=timed(load, fence=fence).seconds / len(indices) / median,
    )


def _step_flop(network: Network, schedule: Schedule, patch: int) -> float:
    """Of one step, counted as it is computed without a graph: the replay of one shows no convolutions."""
    device = next(network.parameters()).device
    objective = Objective(network, replace(schedule, compile=False), inner_part(network, 2 * patch))
    x, y = (torch.rand(schedule.batch, 3, size, size, device=device) for size in (patch, 2 * patch))
    with FlopCounterMode(display=False) as counter:
        flats, levels = torch.rand(schedule.flats, 3, 1, 1, device=device), x.new_zeros(schedule.batch, len(BANDS))
        objective(x, y, flats, x[:0], x[:0], levels, levels[:0]).backward()
    network.zero_grad(set_to_none=True)
    return float(counter.get_total_flops())


def _precision(device: torch.device) -> str:
    """Of the training's residual branch."""
    return "bf16" if computes_bf16(device) else "fp32"


def matrix_peak(device: torch.device, repeats: int = 5) -> float:
    """Operations per second of the fastest of some products of square matrices, in bf16 or, without it, float32."""
    product = matrix_product(device, _precision(device))
    return product.amount / min(product.task.run().seconds for _ in range(1 + repeats))

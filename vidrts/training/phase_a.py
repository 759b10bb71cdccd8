"""Phase A of a stage: SR_n = argmin MSE(SR(LR), HR_{n-1}), or another loss (specs/RTS.md sections 1 and 4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidrts.errors import OptionError, TrainingError
from vidrts.networks.upscaler import Upscaler
from vidrts.picture.convolution import exact_on_gpus
from vidrts.training.corpus import Crop, cut
from vidrts.training.losses import LOSSES, LossName
from vidrts.training.muon import Muon
from vidrts.training.team import Team

OptimizerName = Literal["adam", "muon"]
OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "muon")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The settings of one stage's optimisation. Paper: batch 8, Adam at a constant 1e-3, 200,000 steps."""

    steps: int
    batch: int = 8
    rate: float = 1e-3
    final_rate: float = 1e-5
    """The rate falls from `rate` to this along half a cosine; equal to `rate` for a constant one, as in the paper."""
    loss: LossName = "mse"
    optimizer: OptimizerName = "adam"
    """adam, the paper's, for all weights; muon for the inner convolutions with Adam for the rest."""
    ema: float = 0.0
    """Decay of an exponential moving average of the weights, which is then what a stage gives; 0 for none."""
    bf16: bool = True
    """Run the residual branch under bf16 autocast; the RGB path and the loss stay in float32."""
    flats: int = 16
    """Patches of one random colour beside each batch, which the network has to leave as it is; 0 for none.
    Photographs hold few saturated flat areas, and without these such colours drift (specs/INTEGRATION.md section 8)."""
    compile: bool = False
    """Run the network through torch.compile, which wants a C++ compiler and pays off in long runs."""

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise OptionError(f"optimizer {self.optimizer!r}: wanted one of {', '.join(OPTIMIZERS)}")
        if self.loss not in LOSSES:
            raise OptionError(f"loss {self.loss!r}: wanted one of {', '.join(LOSSES)}")
        if not 0 <= self.ema < 1:
            raise OptionError(f"ema {self.ema}: wanted at least 0 and below 1, for example 0.999")
        if self.steps < 1 or self.batch < 1 or self.flats < 0 or not 0 < self.final_rate <= self.rate:
            raise OptionError(
                f"schedule wants steps and batch of at least 1, flats of at least 0, 0 < final rate <= rate; got {self}"
            )

    def rate_at(self, step: int) -> float:
        """The learning rate of step 0 .. steps-1."""
        return self.final_rate + (self.rate - self.final_rate) * 0.5 * (1 + math.cos(math.pi * step / self.steps))


@dataclass
class State:
    """Where Phase A stands: the network, its optimisers, and how many steps are done. What a checkpoint holds."""

    network: Upscaler
    optimizers: tuple[torch.optim.Optimizer, ...]
    average: AveragedModel | None
    """The moving average of the network's weights, where one is kept."""
    step: int = 0
    objective: nn.Module | None = None
    """What the first step makes of the network and captures where it can; no part of a checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """All of it, as tensors and numbers."""
        return {
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.state_dict() if self.average else None,
            "step": self.step,
        }

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.network.load_state_dict(held["network"])
        for optimizer, numbers in zip(self.optimizers, held["optimizers"], strict=True):
            optimizer.load_state_dict(numbers)
        if self.average:
            self.average.load_state_dict(held["average"])
        self.step = held["step"]

    def finish(self) -> None:
        """Give the network the averaged weights, if there are any: a stage's result."""
        if self.average:
            self.network.load_state_dict(self.average.module.state_dict())


def fresh_state(network: Upscaler, schedule: Schedule) -> State:
    """A state at step 0 with Adam's usual betas (specs/RTS.md section 4)."""
    inner = list(network.inner_weights) if schedule.optimizer == "muon" else []
    taken = {id(weight) for weight in inner}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in taken]
    adam = torch.optim.Adam(rest, lr=schedule.rate, betas=(0.9, 0.999), eps=1e-8)
    moving = get_ema_multi_avg_fn(schedule.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=moving) if schedule.ema else None
    return State(network, (adam, Muon(inner, lr=schedule.rate)) if inner else (adam,), average)


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


def inner_part(network: Upscaler, size: int) -> slice:
    """Rows and columns of a prediction of `size` pixels that no zero padding reaches; raises `OptionError` if none."""
    margin = 2 * network.reach
    if size <= 2 * margin:
        raise OptionError(f"patch {size // 2}: wanted more than {margin} pixels for this network")
    return slice(margin, size - margin)


class Objective(nn.Module):
    """What a step makes small: the loss of a batch, and that of flat patches, as one module without branches on data.

    `inner`: the rows and columns of a prediction that count (`inner_part`).
    """

    def __init__(self, network: Upscaler, schedule: Schedule, inner: slice) -> None:
        super().__init__()
        self.network = network
        self._schedule = schedule
        self._inner = inner
        self._forward = torch.compile(network) if schedule.compile else network

    def forward(self, x: torch.Tensor, y: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        """x (B, 3, h, w), y (B, 3, 2h, 2w), colours (C, 3, 1, 1), all float32 in 0..1 -> a scalar, float32."""
        # No cache of cast weights: a captured step would go on with the ones that it was captured with.
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._schedule.bf16, cache_enabled=False):
            prediction = self._forward(x)
            loss = LOSSES[self._schedule.loss](
                prediction[..., self._inner, self._inner].float(), y[..., self._inner, self._inner]
            )
            return loss + flat_loss(self.network, colours) if len(colours) else loss


def capture(objective: nn.Module, x: torch.Tensor, y: torch.Tensor, colours: torch.Tensor) -> nn.Module:
    """`objective`, forward and backward, as CUDA graphs for inputs of these shapes.

    A small network's step is mostly the launching of its kernels. The module given is changed.
    """
    # The graph's own stream brings the gradients, as it must; torch would warn of that.
    if hasattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch"):
        torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    with torch.cuda.device(x.device):
        torch.cuda.make_graphed_callables(objective, (x, y, colours))  # in place, where it is a module
    return objective


def flat_loss(network: Upscaler, colours: torch.Tensor) -> torch.Tensor:
    """MSE between colours (B, 3, 1, 1) and SR of flat patches of them, where zero padding does not reach."""
    reach = network.reach
    prediction = network(colours.expand(-1, -1, 2 * reach + 1, 2 * reach + 1))
    middle = prediction[..., 2 * reach : 2 * reach + 2, 2 * reach : 2 * reach + 2]
    return F.mse_loss(middle.float(), colours.expand_as(middle))


def near(pictures: Sequence[torch.Tensor], device: torch.device) -> Sequence[torch.Tensor]:
    """The pictures on `device`, where that is a GPU that has room for them, so that no step waits for a copy."""
    if device.type != "cuda":
        return pictures
    needed = sum(picture.nbytes for picture in pictures)
    free, _ = torch.cuda.mem_get_info(device)
    return [picture.to(device) for picture in pictures] if needed < 0.6 * free else pictures


def load_batch(
    low: torch.Tensor, targets: Sequence[torch.Tensor], crops: Sequence[Crop], indices: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """(LR, target) of the crops of these indices on `device`: (B, 3, h, w) and (B, 3, 2h, 2w) float32 in 0..1."""
    x = (low[indices].to(device).float() / 255).contiguous(memory_format=torch.channels_last)
    y = cut(targets, [crops[i] for i in indices], 2 * low.shape[-1]).to(device)
    return x, y.float() / 255 if y.dtype == torch.uint8 else y.float()


@exact_on_gpus()
def run(
    state: State,
    schedule: Schedule,
    *,
    low: torch.Tensor,
    targets: Sequence[torch.Tensor],
    crops: Sequence[Crop],
    seed: int,
    until: int,
    team: Team | None = None,
) -> list[float]:
    """Train from `state.step` to `until`; returns the loss of each step.

    Of a team each process takes every so many-th patch of the batch, so that all together take the same steps as one.

    The loss is taken where the network's zero padding does not reach: inference has no such borders, and with them
    rts-lite was 0.4 dB worse on held-out photographs after 3,000 steps.

    low: (N, 3, h, w) uint8, the LR of each crop. targets: HR_{n-1} of each picture, (3, H, W), uint8 in 0..255 or
    float16 in 0..1. Raises `TrainingError` when loss or gradients are no longer finite; the weights are then still the
    last good ones.
    """
    team = team or Team()
    network = state.network
    device = next(network.parameters()).device
    network.train()
    losses: list[float] = []
    for indices in batches(len(crops), schedule.batch, seed, state.step, until):
        own = indices[team.rank :: team.size]
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(state.step)
        x, y = load_batch(low, targets, crops, own, device)
        colours = flat_colours(schedule.flats, seed, state.step).to(device)
        if state.objective is None:
            state.objective = Objective(network, schedule, inner_part(network, 2 * low.shape[-1]))
            if device.type == "cuda":
                state.objective = capture(state.objective, x, y, colours)
        network.zero_grad(set_to_none=True)
        loss = state.objective(x, y, colours)
        loss.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        value = loss.detach()
        team.average([value, *gradients])
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(value + norm):
            raise TrainingError(
                f"step {state.step}: the loss is {value.item()}, the gradients' norm {norm.item()}; start again with a "
                "lower --rate, or resume on another device if this one is at fault"
            )
        for optimizer in state.optimizers:
            optimizer.step()
        if state.average:
            state.average.update_parameters(network)
        state.step += 1
        losses.append(value.item())
    return losses

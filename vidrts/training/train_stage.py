"""Phase A of a stage: SR_n = argmin MSE(SR(LR), HR_{n-1}), or another loss.

Beside LR a step may look at same-size pairs: a spoiled picture y and its truth, between
which d(SR(y)) is asked for. From these a network learns what LR cannot teach: to leave alone what is sharp.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidrts.errors import TrainingError
from vidrts.networks.network import Network
from vidrts.ops.convolution import exact_on_gpus
from vidrts.training.batches import Batch, Supply, batches, flat_colours, levels_told, turned
from vidrts.training.distributed import Team
from vidrts.training.muon import Muon
from vidrts.training.objective import Objective, capture, inner_part
from vidrts.training.schedule import Schedule


@dataclass
class State:
    """Where Phase A stands: the network, its optimisers, and how many steps are done. What a checkpoint holds."""

    network: Network
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

    @property
    def result(self) -> Network:
        """What the stage would give now: the averaged weights, if there are any."""
        averaged = self.average.module if self.average else self.network
        assert isinstance(averaged, Network)
        return averaged

    def finish(self) -> None:
        """Give the network the averaged weights, if there are any: a stage's result."""
        if self.average:
            self.network.load_state_dict(self.average.module.state_dict())


def fresh_state(network: Network, schedule: Schedule) -> State:
    """A state at step 0 with Adam's usual betas."""
    inner = list(network.inner_weights) if schedule.optimizer == "muon" else []
    taken = {id(weight) for weight in inner}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in taken]
    adam = torch.optim.Adam(rest, lr=schedule.rate, betas=(0.9, 0.999), eps=1e-8)
    moving = get_ema_multi_avg_fn(schedule.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=moving) if schedule.ema else None
    return State(network, (adam, Muon(inner, lr=schedule.rate)) if inner else (adam,), average)


@exact_on_gpus()
def run(
    state: State,
    schedule: Schedule,
    *,
    supply: Supply,
    seed: int,
    until: int,
    team: Team | None = None,
) -> list[float]:
    """Train from `state.step` to `until`; returns the loss of each step.

    Of a team each process takes every so many-th patch of the batch, so that all together take the same steps as one.

    The loss is taken where the network's zero padding does not reach: inference has no such borders, and with them
    rts-lite was 0.4 dB worse on held-out photographs after 3,000 steps.

    Raises `TrainingError` when loss or gradients are no longer finite; the weights are then still the last good ones.
    """
    team = team or Team()
    network = state.network
    device = next(network.parameters()).device
    network.train()
    losses: list[float] = []
    count, first = len(supply.crops), state.step
    paired = supply.same is not None and schedule.pair_weight > 0
    pairs = batches(count, schedule.pair_batch if paired else 1, seed + 1, first, until)
    for indices, partners in zip(batches(count, schedule.batch, seed, first, until), pairs, strict=True):
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(state.step)
        low, target, same, truth = supply.batch(
            indices[team.rank :: team.size], partners[team.rank :: team.size] if paired else partners[:0], device
        )
        if schedule.turn:
            way = int(np.random.default_rng((seed, state.step, 2)).integers(8))
            low, target, same, truth = (
                turned(each, way).contiguous(memory_format=torch.channels_last) for each in (low, target, same, truth)
            )
        told = [
            levels_told(levels, chosen, (seed, state.step, kind))[team.rank :: team.size].to(device)
            for kind, (levels, chosen) in enumerate(
                ((supply.low_levels, indices), (supply.same_levels, partners if paired else partners[:0])), 3
            )
        ]
        batch = Batch(low, target, flat_colours(schedule.flats, seed, state.step).to(device), same, truth, *told)
        if state.objective is None:
            state.objective = Objective(network, schedule, inner_part(network, 2 * low.shape[-1]))
            if device.type == "cuda":
                state.objective = capture(state.objective, batch)
        network.zero_grad(set_to_none=True)
        loss = state.objective(*batch)
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

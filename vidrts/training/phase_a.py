"""Phase A of a stage: SR_n = argmin MSE(SR(LR), HR_{n-1}), or another loss (specs/RTS.md sections 1 and 4).

Beside LR a step may look at same-size pairs (specs/PICTURE.md section 4): a spoiled picture y and its truth, between
which d(SR(y)) is asked for. From these a network learns what LR cannot teach: to leave alone what is sharp.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidrts.errors import OptionError, TrainingError
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import COLOURS, Colour
from vidrts.networks.upscaler import Upscaler
from vidrts.picture.convolution import exact_on_gpus
from vidrts.picture.lanczos import HALVE_RADIUS, halve
from vidrts.training.corpus import Crop, cut
from vidrts.training.inputs import pair_place
from vidrts.training.losses import LOSSES, LossName
from vidrts.training.muon import Muon
from vidrts.training.team import Team

OptimizerName = Literal["adam", "muon"]
OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "muon")
_TYPICAL = 1e-3
"""MSE of a soft or coded picture against its truth, 30 dB: what a pair's weight of 1 is meant for."""


class Batch(NamedTuple):
    """What one step is fed: float32 in 0..1, on the network's device."""

    low: torch.Tensor
    """(B, 3, h, w)"""
    target: torch.Tensor
    """(B, 3, 2h, 2w)"""
    colours: torch.Tensor
    """(C, 3, 1, 1): flat patches."""
    same: torch.Tensor
    """(P, 3, h, w): spoiled pictures; P may be 0."""
    truth: torch.Tensor
    """(P, 3, h, w): what they should be."""


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
    turn: bool = False
    """Turn and mirror each batch in one of eight ways: what a photograph shows may be seen from any side."""
    colour: Colour = "rgb"
    """What the loss looks at: R'G'B' as in the paper, or BT.709 luma alone, which is what users get written back."""
    pair_weight: float = 0.0
    """Weight of the pairs' loss beside that of LR; 0 for none."""
    pair_batch: int = 8
    """Pairs in a step."""
    pair_floor: float = 1.0
    """A pair's error counts relative to what is wrong with its input, but no less than an error of so many code values:
    the larger, the less a network is kept from touching what is good already. 0: all errors count alike."""

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise OptionError(f"optimizer {self.optimizer!r}: wanted one of {', '.join(OPTIMIZERS)}")
        if self.loss not in LOSSES:
            raise OptionError(f"loss {self.loss!r}: wanted one of {', '.join(LOSSES)}")
        if not 0 <= self.ema < 1:
            raise OptionError(f"ema {self.ema}: wanted at least 0 and below 1, for example 0.999")
        if self.colour not in COLOURS:
            raise OptionError(f"colour {self.colour!r}: expected one of {', '.join(COLOURS)}")
        if not 0 <= self.pair_weight <= 1e3 or self.pair_batch < 1 or not 0 <= self.pair_floor <= 64:
            raise OptionError(
                "pairs: expected a weight of 0 to 1000, a batch of at least 1 and a floor of 0 to 64 code values; "
                f"got {self.pair_weight:g}, {self.pair_batch} and {self.pair_floor:g}"
            )
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

    @property
    def result(self) -> Upscaler:
        """What the stage would give now: the averaged weights, if there are any."""
        averaged = self.average.module if self.average else self.network
        assert isinstance(averaged, Upscaler)
        return averaged

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


def pair_part(network: Upscaler, size: int) -> slice:
    """Rows and columns of d(SR(y)), of `size` pixels, that no zero padding reaches; raises `OptionError` if none."""
    margin = network.reach + HALVE_RADIUS
    if size <= 2 * margin:
        raise OptionError(f"patch {size}: wanted more than {2 * margin} pixels for this network's pairs")
    return slice(margin, size - margin)


class Objective(nn.Module):
    """What a step makes small: the losses of LR, of pairs and of flat patches, as one module without branches on data.

    `inner`: the rows and columns of a prediction that count (`inner_part`).
    """

    def __init__(self, network: Upscaler, schedule: Schedule, inner: slice) -> None:
        super().__init__()
        self.network = network
        self._schedule = schedule
        self._inner = inner
        self._forward = torch.compile(network) if schedule.compile else network

    def forward(
        self, low: torch.Tensor, target: torch.Tensor, colours: torch.Tensor, same: torch.Tensor, truth: torch.Tensor
    ) -> torch.Tensor:
        """The parts of a `Batch` -> a scalar, float32."""
        schedule = self._schedule
        # No cache of cast weights: a captured step would go on with the ones that it was captured with.
        with torch.autocast(low.device.type, torch.bfloat16, enabled=schedule.bf16, cache_enabled=False):
            prediction = self._forward(low)[..., self._inner, self._inner].float()
            loss = LOSSES[schedule.loss](
                self._looked_at(prediction), self._looked_at(target[..., self._inner, self._inner])
            )
            if len(colours):
                loss = loss + flat_loss(self.network, colours, schedule.colour)
            if len(same) and schedule.pair_weight:
                loss = loss + schedule.pair_weight * self._pair_loss(same, truth)
        return loss

    def _pair_loss(self, same: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Errors of d(SR(y)), each relative to that of y itself, so that harm to good pictures counts as it is seen."""
        inner = pair_part(self.network, same.shape[-1])
        double = self._looked_at(self._forward(same).float())
        with torch.autocast(same.device.type, enabled=False):  # in bf16 d alone would miss by a code value
            enhanced = halve(double)
        wanted, given = (self._looked_at(each)[..., inner, inner] for each in (truth, same))
        error = (enhanced[..., inner, inner] - wanted).square().mean((1, 2, 3))
        if self._schedule.pair_floor:
            before = (given - wanted).square().mean((1, 2, 3))
            error = error * _TYPICAL / (before + (self._schedule.pair_floor / 255) ** 2)
        return error.mean()

    def _looked_at(self, picture: torch.Tensor) -> torch.Tensor:
        return luma(picture)[:, None] if self._schedule.colour == "luma" else picture


def capture(objective: nn.Module, batch: Batch) -> nn.Module:
    """`objective`, forward and backward, as CUDA graphs for batches of these shapes.

    A small network's step is mostly the launching of its kernels. The module given is changed.
    """
    # The graph's own stream brings the gradients, as it must; torch would warn of that.
    if hasattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch"):
        torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    with torch.cuda.device(batch.low.device):
        torch.cuda.make_graphed_callables(objective, tuple(batch))  # in place, where it is a module
    return objective


def flat_loss(network: Upscaler, colours: torch.Tensor, colour: Colour = "rgb") -> torch.Tensor:
    """MSE between colours (B, 3, 1, 1) and SR of flat patches of them, where zero padding does not reach.

    colour: of R'G'B', or of luma alone.
    """
    reach = network.reach
    prediction = network(colours.expand(-1, -1, 2 * reach + 1, 2 * reach + 1))
    middle = prediction[..., 2 * reach : 2 * reach + 2, 2 * reach : 2 * reach + 2]
    wanted, got = colours.expand_as(middle), middle.float()
    return F.mse_loss(luma(got), luma(wanted)) if colour == "luma" else F.mse_loss(got, wanted)


def near(pictures: Sequence[torch.Tensor], device: torch.device) -> Sequence[torch.Tensor]:
    """The pictures on `device`, where that is a GPU that has room for them, so that no step waits for a copy."""
    if device.type != "cuda":
        return pictures
    needed = sum(picture.nbytes for picture in pictures)
    free, _ = torch.cuda.mem_get_info(device)
    return [picture.to(device) for picture in pictures] if needed < 0.6 * free else pictures


@dataclass(frozen=True)
class Supply:
    """All that batches are taken from."""

    low: torch.Tensor
    """(N, 3, h, w) uint8: LR of each crop."""
    targets: Sequence[torch.Tensor]
    """HR_{n-1} of each picture, (3, H, W), uint8 in 0..255 or float16 in 0..1."""
    crops: Sequence[Crop]
    same: torch.Tensor | None = None
    """(N, 3, h, w) uint8: the spoiled picture of each crop's pair."""
    truths: Sequence[torch.Tensor] = ()
    """What the pairs should be, as `targets`."""

    def batch(self, indices: np.ndarray, pairs: np.ndarray, device: torch.device) -> tuple[torch.Tensor, ...]:
        """(low, target, same, truth) of `Batch`, of the crops and pairs of these indices."""
        size = self.low.shape[-1]
        low = _unit(self.low[indices], device).contiguous(memory_format=torch.channels_last)
        chosen = [self.crops[i] for i in indices]
        target = _greyed(_unit(cut(self.targets, chosen, 2 * size), device), chosen)
        if self.same is None or not len(pairs):
            none = low[:0]
            return low, target, none, none
        same = _unit(self.same[pairs], device).contiguous(memory_format=torch.channels_last)
        chosen = []
        for crop in (self.crops[i] for i in pairs):
            y, x = pair_place(crop, 2 * size)
            chosen.append(replace(crop, y=crop.y + y, x=crop.x + x))
        truth = _greyed(_unit(cut(self.truths, chosen, size), device), chosen)
        return low, target, same, truth


def _unit(samples: torch.Tensor, device: torch.device) -> torch.Tensor:
    """uint8 in 0..255 or floats in 0..1 as float32 in 0..1."""
    there = samples.to(device)
    return there.float() / 255 if there.dtype == torch.uint8 else there.float()


def _greyed(pictures: torch.Tensor, crops: Sequence[Crop]) -> torch.Tensor:
    """(B, 3, H, W), grey where its crop is."""
    for picture, crop in zip(pictures, crops, strict=True):
        if crop.grey:
            picture.copy_(luma(picture).expand_as(picture))
    return pictures


def turned(pictures: torch.Tensor, way: int) -> torch.Tensor:
    """Pictures (..., H, W), square, in one of eight ways: turned by `way` % 4 quarters, mirrored from 4 on."""
    pictures = torch.rot90(pictures, way % 4, (-2, -1))
    return pictures.flip(-1) if way >= 4 else pictures


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
        batch = Batch(low, target, flat_colours(schedule.flats, seed, state.step).to(device), same, truth)
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

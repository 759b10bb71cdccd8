"""The steps of both phases, each a function of seed and step alone, so that a resumed run takes the same ones."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.errors import TrainingError
from vidrts.networks import noise
from vidrts.networks.spec import Context
from vidrts.ops.convolution import exact_on_gpus
from vidrts.ops.lanczos import halve
from vidrts.training.adversarial import losses
from vidrts.training.adversarial.features import Features
from vidrts.training.adversarial.options import AdversarialOptions
from vidrts.training.adversarial.state import State
from vidrts.training.batches import Supply, batches, turned
from vidrts.training.distributed import Team

_EDGE = 8
"""An eighth of the input at each border is left out of pixel losses: zero padding is felt there, which tiles never
have."""
_JITTER = 4
"""Output pixels by which what features see is moved at random: pooling would else leave a grid."""

type Pyramid = list[torch.Tensor]
"""Pictures of 2, 4, ... times the input's size."""


@exact_on_gpus()
def pretrain(state: State, options: AdversarialOptions, supply: Supply, team: Team, until: int) -> list[float]:
    """Phase 1 from `state.step` to `until`: L1 at W = 0; the loss of each step. Raises `TrainingError`."""
    found = []
    for low, truth in _batches(state, options, supply, team, until, phase=1):
        scales = options.begun(1, state.step)
        terms = []
        for x, wanted, factor in _tasks(low, truth, scales):
            made = state.network.pyramid(x, Context(factor))
            terms.append(losses.reconstruction(made, wanted, x.shape[-1] // _EDGE))
        loss = torch.stack(terms).sum()
        norm = _descend(state, options, team, loss, options.rate)
        state.add(reconstruction=loss.item(), norm=norm)
        found.append(loss.item())
        state.step += 1
    return found


@exact_on_gpus()
def adversarial(
    state: State, options: AdversarialOptions, supply: Supply, team: Team, until: int, features: Features
) -> list[float]:
    """Phase 2 from `state.step` to `until`: the noise-adaptive loss, eq. 7; that of each step.

    Each step makes every picture at W = 0 and at W = 1. Raises `TrainingError`.
    """
    assert state.discriminator is not None
    found = []
    for low, truth in _batches(state, options, supply, team, until, phase=2):
        rng = np.random.default_rng((options.seed, state.step, 5))
        values: dict[str, torch.Tensor] = {}
        real: list[Pyramid] = []
        fake: list[Pyramid] = []
        state.discriminator.requires_grad_(False)
        for x, wanted, factor in _tasks(low, truth, options.scales):
            both = state.network.pyramid(torch.cat((x, x)), Context(factor, _noise(x, factor, options, state.step)))
            plain, noisy = ([each.chunk(2)[k] for each in both] for k in (0, 1))
            for name, value in _terms(state, options, plain, noisy, wanted, x.shape[-1], features, rng).items():
                values[name] = values[name] + value if name in values else value
            real.append(wanted)
            fake.append([each.detach() for each in noisy])
            state.sums["grid"] += losses.phase_share((noisy[-1] - plain[-1]).detach()) / len(options.scales)
        loss = torch.stack([options.weight(name) * value for name, value in values.items()]).sum()
        norm = _descend(state, options, team, loss, options.adversarial_rate)
        judged = _judge(state, options, team, real, fake)
        state.add(**{name: value.item() for name, value in values.items()}, norm=norm, **judged)
        found.append(loss.item())
        state.step += 1
    return found


def _terms(
    state: State, options: AdversarialOptions, plain: Pyramid, noisy: Pyramid, truth: Pyramid, size: int,
    features: Features, rng: np.random.Generator,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """The terms of the loss at one scale; those without weight are left out."""
    assert state.discriminator is not None
    margin, weight = size // _EDGE, options.weight
    values = {"reconstruction": losses.reconstruction(plain, truth, margin)}
    if weight("cycle"):
        values["cycle"] = losses.cycle(plain, truth, margin)
    if weight("noisy_cycle"):
        values["noisy_cycle"] = losses.cycle(noisy, truth, margin)
    if weight("chroma"):
        values["chroma"] = losses.chroma(noisy[-1], truth[-1])
    if weight("contextual") or weight("style"):
        similar, styles = [], []
        for made, wanted in zip(noisy, truth, strict=True):
            top, left = (int(each) for each in rng.integers(0, 2 * _JITTER + 1, 2))
            side = made.shape[-1] - 2 * _JITTER
            cut = (..., slice(top, top + side), slice(left, left + side))
            maps = features(made[cut])
            with torch.no_grad():
                aims = features(wanted[cut])
            similar.append(-losses.contextual(maps[-1], aims[-1]).log().mean())
            styles.append(losses.style(maps, aims))
        if weight("contextual"):
            values["contextual"] = torch.stack(similar).sum()
        if weight("style"):
            values["style"] = torch.stack(styles).sum()
    if weight("gan"):
        values["gan"] = F.softplus(-_scores(state, options, noisy)).mean()
    return values


def _judge(
    state: State, options: AdversarialOptions, team: Team, real: Sequence[Pyramid], fake: Sequence[Pyramid]
) -> dict[str, float]:
    """A step of the discriminator, eq. 9; how sure it is of both kinds."""
    if not options.weight("gan"):
        return {}
    assert state.discriminator is not None and state.discriminator_optimizer is not None
    state.discriminator.requires_grad_(True)
    state.discriminator.zero_grad(set_to_none=True)
    terms, sure = [], []
    for natural, made in zip(real, fake, strict=True):
        scores = _scores(state, options, [torch.cat(each) for each in zip(natural, made, strict=True)])
        a, b = scores.chunk(2)
        terms.append(F.softplus(-a).mean() + F.softplus(b).mean())
        sure.append((a.detach().sigmoid().mean().item(), b.detach().sigmoid().mean().item()))
    loss = torch.stack(terms).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = list(state.discriminator.parameters())
    norm = _clipped(parameters, options, team, loss.detach(), state.step, "discriminator")
    for group in state.discriminator_optimizer.param_groups:
        group["lr"] = options.rate_at(options.discriminator_rate, state.step)
    state.discriminator_optimizer.step()
    real_score, fake_score = np.mean(sure, axis=0)
    return {
        "discriminator": loss.item(), "discriminator_norm": norm, "real_score": float(real_score),
        "fake_score": float(fake_score),
    }  # fmt: skip


def _scores(state: State, options: AdversarialOptions, pictures: Pyramid) -> torch.Tensor:
    """Logits: of each place, or of each picture."""
    assert state.discriminator is not None
    scores: torch.Tensor = state.discriminator(pictures)
    return scores if options.patch_scores else scores.mean((1, 2, 3))


def _descend(state: State, options: AdversarialOptions, team: Team, loss: torch.Tensor, rate: float) -> float:
    """A step of the generator; the norm of its gradients before they were clipped."""
    state.network.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = _clipped(list(state.network.parameters()), options, team, loss.detach(), state.step, "generator")
    for group in state.optimizer.param_groups:
        group["lr"] = options.rate_at(rate, state.step)
    state.optimizer.step()
    if state.average:
        state.average.update_parameters(state.network)
    return norm


def _clipped(
    parameters: Sequence[torch.nn.Parameter], options: AdversarialOptions, team: Team, loss: torch.Tensor, step: int,
    whose: str,
) -> float:  # fmt: skip
    """The gradients' norm, to which they are clipped; raises before anything that is no number spoils weights."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    team.average(gradients)
    norm = torch.nn.utils.clip_grad_norm_(parameters, options.clip)
    if not bool(torch.isfinite(loss + norm)):
        raise TrainingError(
            f"step {step}: the {whose}'s loss is {loss.item()}, its gradients' norm {norm.item()}; start again with "
            "lower rates, or resume on another device if this one is at fault"
        )
    return norm.item()


def _batches(
    state: State, options: AdversarialOptions, supply: Supply, team: Team, until: int, *, phase: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(LR, HR) of each step, turned and mirrored at random."""
    device = next(state.network.parameters()).device
    state.network.train()
    first, seed = state.step, 1000 * options.seed + phase
    for step, indices in enumerate(batches(len(supply.crops), options.batch, seed, first, until), first):
        pictures = supply.batch(indices[team.rank :: team.size], indices[:0], device)[:2]
        way = int(np.random.default_rng((seed, step, 2)).integers(8))
        low, high = (turned(each, way).contiguous(memory_format=torch.channels_last) for each in pictures)
        yield low, high


def _tasks(low: torch.Tensor, high: torch.Tensor, scales: Sequence[int]) -> Iterator[tuple[torch.Tensor, Pyramid, int]]:
    """(input, what each level should be, factor) for each scale: of larger ones the input is smaller."""
    pyramid = [high]
    for factor in scales:
        yield low, pyramid, factor
        low = halve(low, "cubic")
        pyramid = [halve(pyramid[0], "cubic"), *pyramid]


def _noise(x: torch.Tensor, factor: int, options: AdversarialOptions, step: int) -> tuple[torch.Tensor, ...]:
    """Maps for a batch twice over: none for the first, W = 1 for the second."""
    count, _, height, width = x.shape
    generator = torch.Generator().manual_seed((options.seed << 32) + 16 * step + factor)
    maps = []
    for level in range(noise.levels(factor)):
        shape = (count, 1, height << level, width << level)
        drawn = torch.ones(shape) if options.noise == "constant" else torch.randn(shape, generator=generator)
        maps.append(torch.cat((torch.zeros(shape), drawn)).to(x.device))
    return tuple(maps)

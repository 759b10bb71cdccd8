"""Where a phase stands: networks, optimisers, the number of steps done. What a checkpoint holds."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidrts.networks.gmgbp import GMGBP
from vidrts.training.adversarial.discriminator import Discriminator
from vidrts.training.adversarial.options import AdversarialOptions


@dataclass
class State:
    """One phase; in phase 1 there is no discriminator."""

    network: GMGBP
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    discriminator: Discriminator | None = None
    discriminator_optimizer: torch.optim.Optimizer | None = None
    step: int = 0
    sums: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Of the terms of the loss and what guards watch, since they were last taken; no part of a checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """All of it, as tensors and numbers."""
        parts = (self.network, self.optimizer, self.average, self.discriminator, self.discriminator_optimizer)
        return {"parts": [part.state_dict() if part else None for part in parts], "step": self.step}

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        parts = (self.network, self.optimizer, self.average, self.discriminator, self.discriminator_optimizer)
        for part, numbers in zip(parts, held["parts"], strict=True):
            if part:
                part.load_state_dict(numbers)
        self.step = held["step"]

    @property
    def result(self) -> GMGBP:
        """What the phase would give now: the averaged weights, if there are any."""
        averaged = self.average.module if self.average else self.network
        assert isinstance(averaged, GMGBP)
        return averaged

    def add(self, **values: float) -> None:
        """Count a step's values in."""
        for name, value in values.items():
            self.sums[name] += value
        self.sums["steps"] += 1

    def means(self) -> dict[str, float]:
        """Means since the last call."""
        count = self.sums.pop("steps", 0)
        means = {name: value / count for name, value in self.sums.items()} if count else {}
        self.sums.clear()
        return means


def fresh_state(network: GMGBP, options: AdversarialOptions, phase: int) -> State:
    """At step 0, with Adam's usual betas."""
    moving = get_ema_multi_avg_fn(options.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=moving) if options.ema else None
    optimizer = torch.optim.Adam(network.parameters(), betas=(0.9, 0.999))
    if phase == 1:
        return State(network, optimizer, average)
    torch.manual_seed(options.seed + 1)
    discriminator = Discriminator(options.judge_features, options.judge_growth, spectral=options.spectral)
    discriminator.to(next(network.parameters()).device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return State(
        network, optimizer, average, discriminator, torch.optim.Adam(discriminator.parameters(), betas=(0.9, 0.999))
    )

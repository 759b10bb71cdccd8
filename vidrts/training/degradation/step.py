"""What one step of a degradation is: a function of a batch of pictures and of one random generator for each."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch


class Step(Protocol):
    """One step, with its arguments; `str` gives the text of which `registry.parse_step` makes it."""

    @property
    def scales(self) -> bool:
        """Whether it halves width and height."""

    @property
    def softens(self) -> bool:
        """Whether it takes detail as a lens does: the same share of it everywhere."""

    @property
    def weights_hash(self) -> str:
        """Of the weights or data that it uses; "" for a pure function. Inputs made with others are made anew."""

    def __call__(self, pictures: Sequence[torch.Tensor], rngs: Sequence[np.random.Generator]) -> list[torch.Tensor]:
        """(3, H, W) uint8 R'G'B' each -> (3, H, W) or (3, H/2, W/2) uint8, in this order.

        A result depends on its own picture and its own generator, the only source of chance, and not on the others:
        how pictures are batched must not show. Called from several threads at a time.
        """


@runtime_checkable
class DroppingStep(Protocol):
    """A step that leaves a picture as it is where what it makes of it is no good, and counts these."""

    @property
    def dropped(self) -> int:
        """Pictures left as they were."""

    @property
    def seen(self) -> int:
        """Pictures that it was given."""


class PureStep(ABC):
    """A step that is a pure function of one picture: a batch is one after the other."""

    scales = False
    softens = False
    weights_hash = ""

    @abstractmethod
    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """(3, H, W) uint8 -> (3, H, W) or (3, H/2, W/2) uint8."""

    def __call__(self, pictures: Sequence[torch.Tensor], rngs: Sequence[np.random.Generator]) -> list[torch.Tensor]:
        """`apply` to each."""
        return [self.apply(picture, rng) for picture, rng in zip(pictures, rngs, strict=True)]


@dataclass(frozen=True)
class StepKind:
    """A name of the grammar, and how a step is made of its arguments."""

    name: str
    arguments: str
    """As the grammar takes them, separated by colons: "LOW-HIGH[:444]". What begins in brackets may be left out."""
    about: str
    """One sentence: what it does."""
    make: Callable[..., Step]
    """The step of the arguments' texts; ValueError where these are not understood, `OptionError` out of range."""

    def __str__(self) -> str:
        if self.arguments.startswith("["):
            return f"{self.name}[:{self.arguments[1:]}"
        return f"{self.name}:{self.arguments}" if self.arguments else self.name

    def step(self, arguments: Sequence[str]) -> Step:
        """The step of these arguments; raises as `make` does."""
        most = self.arguments.count(":") + 1 if self.arguments else 0
        if not most - self.arguments.count("[") <= len(arguments) <= most:
            raise ValueError(f"{self}: got {len(arguments)} arguments")
        return self.make(*arguments)


def drawn(kind: Callable[..., Step], number: Callable[[str], float] = float) -> Callable[..., Step]:
    """`StepKind.make` of a step that draws from "LOW-HIGH", its first argument: `kind(low, high, ...)`."""
    return lambda text, *more: kind(*map(number, ends(text)), *more)


def ends(text: str) -> tuple[str, str]:
    """Both ends of "LOW-HIGH", or one value twice; raises ValueError."""
    match = re.fullmatch(r"([\d.]+)(?:-([\d.]+))?", text)
    if not match:
        raise ValueError(text)
    return match[1], match[2] or match[1]


def span(low: float, high: float) -> str:
    """The way back: "LOW-HIGH", or one value."""
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def stored(picture: torch.Tensor) -> torch.Tensor:
    """Rounded and clamped to uint8."""
    return picture.round().clamp_(0, 255).to(torch.uint8)

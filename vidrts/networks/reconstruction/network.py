"""What reconstruction networks have in common, so that training and application need not know which one it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from vidrts.networks.reconstruction.quantizer import Coded, Quantizer


@dataclass(frozen=True)
class Reconstruction:
    """What a network makes of a batch."""

    picture: torch.Tensor
    """(B, 3, H, W) about -1..1, not clamped."""
    penalty: torch.Tensor
    """Scalar that training adds to the mean squared error."""
    coded: tuple[Coded, ...] = ()
    """What each of `quantizers` found, in their order."""


class ReconstructionNetwork(nn.Module, ABC):
    """(B, 3, H, W) R'G'B' in -1..1 -> the same picture, as well as it can."""

    multiple: int = 1
    """Width and height of the input must be multiples of it."""
    window: int | None = None
    """The only width and height it takes; None: any multiple."""
    reach: int = 0
    """Pixels to each side that an output pixel depends on, a multiple of `multiple`, where `window` is None."""

    @abstractmethod
    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        """See the class. rng: the only source of chance; most networks use none outside training."""

    @property
    def quantizers(self) -> Sequence[Quantizer]:
        """Coarsest first; none for most."""
        return ()


class ResidualBlock(nn.Sequential):
    """x + 1x1(ReLU(3x3(ReLU(x))))."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__(nn.ReLU(), nn.Conv2d(channels, inner, 3, padding=1), nn.ReLU(), nn.Conv2d(inner, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> the same shape."""
        y = x
        for layer in self:
            y = layer(y)
        return x + y

"""What the recurrence trains and the enhancer runs: any network that doubles the size of a picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn


class Upscaler(nn.Module, ABC):
    """SR: (B, 3, h, w) R'G'B' in 0..1 -> (B, 3, 2h, 2w), not clamped, for any h and w."""

    @property
    @abstractmethod
    def reach(self) -> int:
        """Input pixels to each side that an output pixel depends on; what tiles overlap by, and losses leave out."""

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """The weights of convolutions between two hidden layers, for optimisers that treat these alone otherwise."""
        return ()

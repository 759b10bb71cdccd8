"""What the recurrence trains and the enhancer runs: any network that doubles the size of a picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn

from vidrts.colorplan import luma
from vidrts.networks.blur_level import BlurLevel, conditioned


class Upscaler(nn.Module, ABC):
    """SR: (B, 3, h, w) R'G'B' in 0..1 -> (B, 3, 2h, 2w), not clamped, for any h and w; of what `prepared` gives."""

    blur_level: BlurLevel | None
    """Of a network that is given luma and told how blurred the whole picture is: what estimates that."""

    def __init__(self) -> None:
        super().__init__()
        self.blur_level = None

    def prepared(self, pictures: torch.Tensor, levels: torch.Tensor | None = None) -> torch.Tensor:
        """Whole pictures, (B, 3, H, W) R'G'B', as `forward` wants them, of the same luma: as they are, for most.

        levels: (B, 2), how blurred they are; a network that wants to know estimates them without.
        """
        if self.blur_level is None:
            return pictures
        if levels is None:
            levels = self.blur_level.of_pictures(luma(pictures)[:, None])
        return conditioned(pictures, levels)

    @property
    @abstractmethod
    def reach(self) -> int:
        """Input pixels to each side that an output pixel depends on; what tiles overlap by, and losses leave out."""

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """The weights of convolutions between two hidden layers, for optimisers that treat these alone otherwise."""
        return ()

    @property
    def residual_form(self) -> "ResidualUpscaler | None":
        """Itself, if it is a residual at input size and a linear extension; None for most.

        Then an engine may compute the residual in low precision, and the extension is folded with what follows it.
        """
        return None


class ResidualUpscaler(Upscaler):
    """SR(x) = extend(x + residual(x)): 3x3 convolutions with skips, then a linear 2x extension by one convolution."""

    conv_in: nn.Conv2d
    layers: nn.ModuleList
    """Of `nn.Conv2d`: f_i = f_{i-1} + relu(conv_i(f_{i-1}))."""
    conv_out: nn.Conv2d
    conv_ext: nn.Conv2d
    """Its results are the four pixels of each input pixel, by colour."""

    @property
    def residual_form(self) -> "ResidualUpscaler":
        """Itself."""
        return self

    @property
    @abstractmethod
    def radius(self) -> int:
        """Pixels to each side that `residual` sees."""

    @abstractmethod
    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, h, w): the branch that may run in low precision."""

"""What the recurrence trains and the enhancer runs: a network, and those that are a residual and a linear extension."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import luma
from vidrts.networks.blur_level import BlurLevel, conditioned
from vidrts.networks.spec import Context, NetworkSpec


class Network(nn.Module, ABC):
    """(B, C, h, w) in 0..1 -> (B, C, factor*h, factor*w), not clamped; C, factors and sizes by `spec`.

    A subclass has `spec` and `forward(x, context)`, where a context of None stands for the lowest factor, no noise.
    """

    blur_level: BlurLevel | None
    """Estimates the blur level of networks that are conditioned on it (of R'G'B' in, luma alone means something)."""
    luma_input: bool
    """Whether `forward` takes luma in each of three channels; of R'G'B' in, luma alone means something."""

    def __init__(self) -> None:
        super().__init__()
        self.blur_level = None
        self.luma_input = False

    @property
    @abstractmethod
    def spec(self) -> NetworkSpec:
        """What it needs of its input and what sizes it gives."""

    @abstractmethod
    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """See the class; x as `prepared` gives it."""

    def prepared(self, pictures: torch.Tensor, levels: torch.Tensor | None = None) -> torch.Tensor:
        """Input for `forward` from pictures (B, C, H, W), of the same luma: the pictures themselves for most networks.

        levels: (B, 2), their blur levels; a network that is conditioned on them estimates them where they are None.
        """
        if self.luma_input:
            return luma(pictures)[:, None].expand(-1, 3, -1, -1)
        if self.blur_level is None:
            return pictures
        if levels is None:
            levels = self.blur_level.of_pictures(luma(pictures)[:, None])
        return conditioned(pictures, levels)

    @property
    def sees_luma_alone(self) -> bool:
        """Whether the colours of pictures play no part."""
        return self.spec.channels == "luma" or self.luma_input or self.blur_level is not None

    @property
    def padded_reach(self) -> int:
        """Input pixels from a border where zero padding is felt; losses leave them out. Of `spec.reach` for most."""
        return self.spec.reach[self.spec.least_factor]

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """The weights of convolutions between two hidden layers, for optimisers that treat these alone otherwise."""
        return ()

    @property
    def residual_form(self) -> "ResidualNetwork | None":
        """Itself, if it is a residual at input size and a linear extension; None for most.

        Then an engine may compute the residual in low precision, and the extension is folded with what follows it.
        """
        return None


@dataclass(frozen=True)
class Layer:
    """y = conv(x), with `relu` y = relu(conv(x)), with `skip` y = x + that. Convolutions of stride 1, zero padded."""

    conv: nn.Conv2d
    relu: bool = False
    skip: bool = False

    @property
    def bias(self) -> torch.Tensor:
        """Of the convolution, which has one."""
        assert self.conv.bias is not None
        return self.conv.bias

    def __call__(self, x: torch.Tensor, *, inplace: bool = False) -> torch.Tensor:
        """y; `inplace` makes it in the memory of the convolution's result."""
        y: torch.Tensor = self.conv(x)
        if self.relu:
            y = F.relu(y, inplace=inplace)
        if not self.skip:
            return y
        return y.add_(x) if inplace else x + y


class BranchNetwork(Network):
    """A network whose work is a chain of layers of one size.

    `branch` is the one description of them: the networks, the engines and the exported graphs are loops over it.
    """

    branch: tuple[Layer, ...]
    """In order. The first sees `folded` pictures; the last has no ReLU and no skip."""

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """Those of all layers but the first and the last."""
        return [layer.conv.weight for layer in self.branch[1:-1]]

    def _initialise_branch(self) -> None:
        """New weights: He for the ReLU layers, a small last layer.

        The first layer starts centred on mid grey: what it first sees is not brightness but difference, which training
        needs (rts-r3 after 250 steps: loss 0.0025 instead of 0.0050).
        """
        first, *inner, last = self.branch
        for layer in (first, *inner):
            nn.init.kaiming_normal_(layer.conv.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        first.bias.data.copy_(-0.5 * first.conv.weight.data.sum(dim=(1, 2, 3)))
        for layer in inner:
            layer.conv.weight.data.mul_(0.3)  # n skips in a row would otherwise multiply the variance by 2**n
        nn.init.normal_(last.conv.weight, std=1e-3)
        nn.init.zeros_(last.bias)

    def folded(self, x: torch.Tensor) -> torch.Tensor:
        """What the first layer sees of x, as `prepared` gives it: x itself for most."""
        return x

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """The branch, of `folded` pictures, (B, C, h, w) -> (B, D, h, w); it may run in low precision."""
        for layer in self.branch:
            x = layer(x, inplace=not self.training)
        return x


class ResidualNetwork(BranchNetwork):
    """SR(x) = extend(x + residual(x)): a chain of layers at input size, then a linear 2x extension by one convolution.

    The last layer of `branch` has as many channels as the picture.
    """

    conv_ext: nn.Conv2d
    """3x3; its results are the four pixels of each input pixel, by colour."""

    @property
    def residual_form(self) -> "ResidualNetwork":
        """Itself."""
        return self

    @property
    def radius(self) -> int:
        """Pixels to each side that `residual` sees."""
        return sum(layer.conv.kernel_size[0] // 2 for layer in self.branch)

    @property
    def spec(self) -> NetworkSpec:
        """Enlarges by 2; the extension sees one pixel more than the residual."""
        return NetworkSpec(reach={2: self.radius + 1})

    def extend(self, b: torch.Tensor) -> torch.Tensor:
        """The linear 2x extension of b = x + residual(x), (B, 3, h, w) -> (B, 3, 2h, 2w); sees one pixel around."""
        return F.pixel_shuffle(self.conv_ext(b), 2)

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x). Under autocast only the residual runs in low precision; the RGB path stays in x's type."""
        b = x + self.residual(x).to(x.dtype)
        with torch.autocast(x.device.type, enabled=False):
            return self.extend(b)

"""EDSR, its baseline (Lim, Son, Kim, Nah and Lee, "Enhanced Deep Residual Networks for Single Image Super-Resolution",
arXiv:1707.02921)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.residual_blocks import BlocksConfig, DeepNetwork
from vidrts.networks.spec import Context, NetworkSpec

MEAN = 0.5
"""Subtracted from R'G'B'; the authors take DIV2K's means, which are near."""


class _Block(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y: torch.Tensor = self.conv2(F.relu(self.conv1(x)))
        return x + y


class EDSR(DeepNetwork):
    """Residual blocks without normalisation at the size of the input, then a pixel shuffle. 1,369,859 parameters.

    The RTS paper's 1.7 million is the count of the authors' network for scale 8.
    """

    def __init__(self, config: BlocksConfig) -> None:
        super().__init__()
        c = config.channels
        self.head = nn.Conv2d(3, c, 3, padding=1)
        self.body = nn.ModuleList(_Block(c) for _ in range(config.blocks))
        self.body_out = nn.Conv2d(c, c, 3, padding=1)
        self.up = nn.Conv2d(c, 4 * c, 3, padding=1)
        self.tail = nn.Conv2d(c, 3, 3, padding=1)

    @property
    def spec(self) -> NetworkSpec:
        """A pixel for each convolution."""
        return NetworkSpec(reach={2: 2 * len(self.body) + 4})

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """Those of the body."""
        blocks = [block for block in self.body if isinstance(block, _Block)]
        return [*(conv.weight for block in blocks for conv in (block.conv1, block.conv2)), self.body_out.weight]

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x), (B, 3, h, w) -> (B, 3, 2h, 2w). Under autocast the last layer stays in float32."""
        first = f = self.head(x - MEAN)
        for block in self.body:
            f = block(f)
        f = F.pixel_shuffle(self.up(first + self.body_out(f)), 2)
        with torch.autocast(x.device.type, enabled=False):
            y: torch.Tensor = self.tail(f.to(x.dtype))
        return y + MEAN

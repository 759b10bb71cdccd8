"""SRResNet (Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network",
arXiv:1609.04802)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.network import Network
from vidrts.networks.spec import Context, NetworkSpec

_FELT = 10
"""Pixels from a border within which zero padding changes a deep network's result by more than rounding in practice."""


@dataclass(frozen=True, kw_only=True)
class SRResNetConfig:
    """Number and width of the residual blocks; the paper has 16 of 64."""

    blocks: int = 16
    channels: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= 64 or not 1 <= self.channels <= 1024:
            raise ValueError(
                f"SRResNet: expected blocks in 1..64 and channels in 1..1024, got {self.blocks} and {self.channels}"
            )


class _Block(nn.Module):
    """x + bn(conv(prelu(bn(conv(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y: torch.Tensor = self.norm2(self.conv2(self.prelu(self.norm1(self.conv1(x)))))
        return x + y


class SRResNet(Network):
    """Residual blocks with batch normalisation, 9x9 head and tail, one pixel shuffle. 1,401,749 parameters.

    The RTS paper's 1.5 million is the well-known network for scale 4, which has two shuffles. In evaluation mode the
    normalisation takes its running means, so that neither tiles nor batches matter.
    """

    def __init__(self, config: SRResNetConfig) -> None:
        super().__init__()
        c = config.channels
        self.head = nn.Conv2d(3, c, 9, padding=4)
        self.head_prelu = nn.PReLU()
        self.body = nn.ModuleList(_Block(c) for _ in range(config.blocks))
        self.body_out = nn.Conv2d(c, c, 3, padding=1)
        self.body_norm = nn.BatchNorm2d(c)
        self.up = nn.Conv2d(c, 4 * c, 3, padding=1)
        self.up_prelu = nn.PReLU()
        self.tail = nn.Conv2d(c, 3, 9, padding=4)

    @property
    def spec(self) -> NetworkSpec:
        """4 pixels of the head, one of each 3x3 convolution, 4 of the enlarged grid."""
        return NetworkSpec(reach={2: 4 + 2 * len(self.body) + 2 + 2})

    @property
    def padded_reach(self) -> int:
        """The border where zero padding is felt in practice: all of the reach would leave nothing of a patch."""
        return min(self.spec.reach[2], _FELT)

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x), (B, 3, h, w) -> (B, 3, 2h, 2w). Under autocast the last layer stays in float32."""
        first = f = self.head_prelu(self.head(x))
        for block in self.body:
            f = block(f)
        f = first + self.body_norm(self.body_out(f))
        f = self.up_prelu(F.pixel_shuffle(self.up(f), 2))
        with torch.autocast(x.device.type, enabled=False):
            y: torch.Tensor = self.tail(f.to(x.dtype))
        return y

"""SRResNet (Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network",
arXiv:1609.04802)."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.residual_blocks import BlocksConfig, DeepNetwork
from vidrts.networks.spec import Context, NetworkSpec


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


class SRResNet(DeepNetwork):
    """Residual blocks with batch normalisation, 9x9 head and tail, one pixel shuffle. 1,401,749 parameters.

    The RTS paper's 1.5 million is the well-known network for scale 4, which has two shuffles. In evaluation mode the
    normalisation takes its running means, so that neither tiles nor batches matter.
    """

    def __init__(self, config: BlocksConfig) -> None:
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

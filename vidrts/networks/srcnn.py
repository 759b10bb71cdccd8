"""SRCNN (Dong, Loy, He and Tang, "Image Super-Resolution Using Deep Convolutional Networks", arXiv:1501.00092)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.luma_network import LumaNetwork, reach_after_bicubic
from vidrts.networks.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class SRCNNConfig:
    """Widths of the two hidden layers; the paper's 9-5-5 has 64 and 32."""

    channels: int = 64
    inner: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= 1024 or not 1 <= self.inner <= 1024:
            raise ValueError(f"SRCNN: expected widths in 1..1024, got {self.channels} and {self.inner}")


class SRCNN(LumaNetwork):
    """Three convolutions of 9x9, 5x5 and 5x5 on luma that bicubic has enlarged. 57,281 parameters."""

    def __init__(self, config: SRCNNConfig) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(1, config.channels, 9, padding=4)
        self.conv_mid = nn.Conv2d(config.channels, config.inner, 5, padding=2)
        self.conv_out = nn.Conv2d(config.inner, 1, 5, padding=2)

    @property
    def spec(self) -> NetworkSpec:
        """8 pixels of the enlarged grid, and what bicubic sees."""
        return NetworkSpec(reach={2: reach_after_bicubic(8)})

    def enlarged_luma(self, y: torch.Tensor, bicubic: torch.Tensor) -> torch.Tensor:  # noqa: D102 - LumaNetwork's
        f: torch.Tensor = self.conv_out(F.relu(self.conv_mid(F.relu(self.conv_in(bicubic)))))
        return f

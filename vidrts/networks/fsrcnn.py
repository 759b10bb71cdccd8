"""FSRCNN (Dong, Loy and Tang, "Accelerating the Super-Resolution Convolutional Neural Network", arXiv:1608.00367)."""

from dataclasses import dataclass

import torch
from torch import nn

from vidrts.networks.luma_network import LumaNetwork
from vidrts.networks.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class FSRCNNConfig:
    """Widths of the feature and the shrunk layers and number of the latter; the paper's d, s, m are 56, 12, 4."""

    d: int = 56
    s: int = 12
    m: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.d <= 1024 or not 1 <= self.s <= 1024 or not 1 <= self.m <= 64:
            raise ValueError(f"FSRCNN: expected d, s in 1..1024 and m in 1..64, got {self.d}, {self.s}, {self.m}")


class FSRCNN(LumaNetwork):
    """Convolutions of 5x5, 1x1, m of 3x3, 1x1 at the size of the input, then a 9x9 deconvolution by 2.

    12,464 weights without biases and PReLUs, as the paper counts; 12,809 parameters with them.
    """

    def __init__(self, config: FSRCNNConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [
            (1, config.d, 5),
            (config.d, config.s, 1),
            *[(config.s, config.s, 3)] * config.m,
            (config.s, config.d, 1),
        ]
        layers: list[nn.Module] = []
        for before, after, kernel in sizes:
            conv = nn.Conv2d(before, after, kernel, padding=kernel // 2)
            nn.init.kaiming_normal_(conv.weight, a=0.25)
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
            layers += [conv, nn.PReLU(after)]
        self.features = nn.Sequential(*layers)
        self.deconv = nn.ConvTranspose2d(config.d, 1, 9, stride=2, padding=4, output_padding=1)
        nn.init.normal_(self.deconv.weight, std=1e-3)

    @property
    def spec(self) -> NetworkSpec:
        """2 pixels of the first layer, one of each 3x3, 2 of the deconvolution; bicubic sees less."""
        return NetworkSpec(reach={2: 4 + self.config.m})

    def enlarged_luma(self, y: torch.Tensor, bicubic: torch.Tensor) -> torch.Tensor:  # noqa: D102 - LumaNetwork's
        f: torch.Tensor = self.deconv(self.features(y))
        return f

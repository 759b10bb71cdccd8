"""VDSR (Kim, Lee and Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
arXiv:1511.04587)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.luma_network import LumaNetwork, reach_after_bicubic
from vidrts.networks.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class VDSRConfig:
    """Number and width of the layers; the paper has 20 of 64."""

    layers: int = 20
    channels: int = 64

    def __post_init__(self) -> None:
        if not 2 <= self.layers <= 64 or not 1 <= self.channels <= 1024:
            raise ValueError(
                f"VDSR: expected layers in 2..64 and channels in 1..1024, got {self.layers} and {self.channels}"
            )


class VDSR(LumaNetwork):
    """A chain of 3x3 convolutions whose result is added to luma that bicubic has enlarged. 665,921 parameters.

    The paper has no biases in its count of 664,704 weights.
    """

    def __init__(self, config: VDSRConfig) -> None:
        super().__init__()
        widths = [1, *[config.channels] * (config.layers - 1), 1]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        for conv in self._convolutions:
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
        nn.init.normal_(self._convolutions[-1].weight, std=1e-3)  # begins as bicubic

    @property
    def _convolutions(self) -> list[nn.Conv2d]:
        return [conv for conv in self.layers if isinstance(conv, nn.Conv2d)]

    @property
    def spec(self) -> NetworkSpec:
        """A pixel of the enlarged grid for each layer, and what bicubic sees."""
        return NetworkSpec(reach={2: reach_after_bicubic(len(self.layers))})

    @property
    def inner_weights(self) -> Sequence[torch.Tensor]:
        """Those of all layers but the first and the last."""
        return [conv.weight for conv in self._convolutions[1:-1]]

    def enlarged_luma(self, y: torch.Tensor, bicubic: torch.Tensor) -> torch.Tensor:  # noqa: D102 - LumaNetwork's
        f = bicubic
        *first, last = self._convolutions
        for conv in first:
            f = F.relu(conv(f), inplace=not self.training)
        added: torch.Tensor = last(f)
        return bicubic + added

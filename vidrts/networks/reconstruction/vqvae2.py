"""VQ-VAE-2 (Razavi et al. 2019), in its customary small form: two levels of codes, of a quarter and an eighth in size.

The layers are those of rosinality/vq-vae-2-pytorch (MIT), written anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork, ResidualBlock
from vidrts.networks.reconstruction.quantizer import Quantizer

COMMITMENT = 0.25
"""Weight of the distance between encodings and their codes."""


@dataclass(frozen=True)
class VQConfig:
    """The numbers of a VQ-VAE or VQ-VAE-2."""

    channels: int = 128
    inner: int = 32
    """Channels inside a residual block."""
    blocks: int = 2
    dim: int = 64
    """Of a code."""
    codes: int = 512
    """In each book."""


class VQVAE2(ReconstructionNetwork):
    """1,388,867 parameters and two books of 32,768 values in the customary form."""

    multiple = 8
    reach = 96
    """6 convolutions of 3x3 at an eighth of the size reach 48 pixels, as many at a quarter 24, the strided ones 15."""

    def __init__(self, config: VQConfig | None = None) -> None:
        super().__init__()
        config = config or VQConfig()
        channels, dim = config.channels, config.dim
        self.bottom_encoder = quarter_encoder(config)
        self.top_encoder = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 4, 2, 1), nn.ReLU(), nn.Conv2d(channels // 2, channels, 3, padding=1),
            *residual(config),
        )  # fmt: skip
        self.to_top = nn.Conv2d(channels, dim, 1)
        self.top = Quantizer(dim, config.codes)
        self.top_decoder = nn.Sequential(
            nn.Conv2d(dim, channels, 3, padding=1), *residual(config), nn.ConvTranspose2d(channels, dim, 4, 2, 1)
        )
        self.to_bottom = nn.Conv2d(channels + dim, dim, 1)
        self.bottom = Quantizer(dim, config.codes)
        self.enlarge_top = nn.ConvTranspose2d(dim, dim, 4, 2, 1)
        self.decoder = quarter_decoder(config, 2 * dim)

    @property
    def quantizers(self) -> Sequence[Quantizer]:
        """Top, bottom."""
        return self.top, self.bottom

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        """See `ReconstructionNetwork`."""
        fine = self.bottom_encoder(x)
        top = self.top(self.to_top(self.top_encoder(fine)))
        bottom = self.bottom(self.to_bottom(torch.cat([self.top_decoder(top.value), fine], 1)))
        picture = self.decoder(torch.cat([self.enlarge_top(top.value), bottom.value], 1))
        return Reconstruction(picture, COMMITMENT * (top.commitment + bottom.commitment), (top, bottom))


def residual(config: VQConfig) -> list[nn.Module]:
    """Residual blocks and the ReLU after them."""
    return [*(ResidualBlock(config.channels, config.inner) for _ in range(config.blocks)), nn.ReLU()]


def quarter_encoder(config: VQConfig) -> nn.Sequential:
    """(B, 3, H, W) -> (B, channels, H/4, W/4)."""
    half = config.channels // 2
    return nn.Sequential(
        nn.Conv2d(3, half, 4, 2, 1), nn.ReLU(), nn.Conv2d(half, config.channels, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(config.channels, config.channels, 3, padding=1), *residual(config),
    )  # fmt: skip


def quarter_decoder(config: VQConfig, dim: int) -> nn.Sequential:
    """(B, dim, H/4, W/4) -> (B, 3, H, W)."""
    half = config.channels // 2
    return nn.Sequential(
        nn.Conv2d(dim, config.channels, 3, padding=1), *residual(config),
        nn.ConvTranspose2d(config.channels, half, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(half, 3, 4, 2, 1),
    )  # fmt: skip

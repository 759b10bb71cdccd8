"""A plain variational autoencoder (Kingma and Welling 2013) of pictures of 64x64 pixels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork

_KL = 0.5
"""Weight of the divergence from a normal distribution, as a mean over the picture's samples."""


@dataclass(frozen=True)
class VAEConfig:
    """The numbers of a VAE."""

    channels: int = 32
    """Of the first of four layers, each with twice as many as the one before."""
    latent: int = 128


class VAE(ReconstructionNetwork):
    """A picture is 128 numbers: their distribution in training, its mean otherwise."""

    window = 64

    def __init__(self, config: VAEConfig | None = None) -> None:
        super().__init__()
        config = config or VAEConfig()
        widths = [3, *(config.channels * 2**k for k in range(4))]
        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for fine, coarse in pairwise(widths):
            encoder += [nn.Conv2d(fine, coarse, 4, 2, 1), nn.ReLU()]
            decoder = [nn.ReLU(), nn.ConvTranspose2d(coarse, fine, 4, 2, 1), *decoder]
        self._coarsest = (widths[-1], 4, 4)
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.to_mean = nn.Linear(16 * widths[-1], config.latent)
        self.to_log_variance = nn.Linear(16 * widths[-1], config.latent)
        self.from_latent = nn.Linear(config.latent, 16 * widths[-1])
        self.decoder = nn.Sequential(*decoder)

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        """See `ReconstructionNetwork`; rng is used in training alone."""
        seen = self.encoder(x)
        mean, log_variance = self.to_mean(seen), self.to_log_variance(seen).clamp(-20, 20)
        latent = mean
        if self.training:
            noise = torch.from_numpy(rng.standard_normal(tuple(mean.shape), dtype=np.float32)).to(mean.device)
            latent = mean + (0.5 * log_variance).exp() * noise
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        picture = self.decoder(self.from_latent(latent).view(-1, *self._coarsest))
        return Reconstruction(picture, _KL * divergence / x[0].numel())

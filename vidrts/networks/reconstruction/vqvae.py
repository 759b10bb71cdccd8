"""VQ-VAE (van den Oord et al. 2017) with one level of codes, of a quarter in size; layers as in `vqvae2`."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork
from vidrts.networks.reconstruction.quantizer import Quantizer
from vidrts.networks.reconstruction.vqvae2 import COMMITMENT, VQConfig, quarter_decoder, quarter_encoder


class VQVAE(ReconstructionNetwork):
    """662,723 parameters and a book of 32,768 values in the customary form."""

    multiple = 4
    reach = 36
    """6 convolutions of 3x3 at a quarter of the size reach 24 pixels, the strided ones the rest."""

    def __init__(self, config: VQConfig | None = None) -> None:
        super().__init__()
        config = config or VQConfig()
        self.encoder = quarter_encoder(config)
        self.to_codes = nn.Conv2d(config.channels, config.dim, 1)
        self.quantizer = Quantizer(config.dim, config.codes)
        self.decoder = quarter_decoder(config, config.dim)

    @property
    def quantizers(self) -> Sequence[Quantizer]:
        """The one."""
        return (self.quantizer,)

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        """See `ReconstructionNetwork`."""
        coded = self.quantizer(self.to_codes(self.encoder(x)))
        return Reconstruction(self.decoder(coded.value), COMMITMENT * coded.commitment, (coded,))

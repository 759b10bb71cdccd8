"""A small masked autoencoder (He et al. 2021) of pictures of 64x64 pixels: of 64 squares it sees a quarter.

It is trained to give the whole picture, not the hidden squares alone, as in arXiv 2503.02767.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork

_SIDE, _SQUARE = 64, 8
_COUNT = (_SIDE // _SQUARE) ** 2


@dataclass(frozen=True)
class MAEConfig:
    """The numbers of a masked autoencoder."""

    dim: int = 128
    depth: int = 4
    """Layers of the encoder."""
    decoder_dim: int = 96
    decoder_depth: int = 2
    heads: int = 4
    hidden: int = 75
    """Per cent of the squares that are hidden, drawn anew for each picture."""


class MAE(ReconstructionNetwork):
    """Transformers over squares of 8x8 pixels."""

    window = _SIDE

    def __init__(self, config: MAEConfig | None = None) -> None:
        super().__init__()
        config = config or MAEConfig()
        self._seen = max(1, round(_COUNT * (100 - config.hidden) / 100))
        self.embed = nn.Linear(3 * _SQUARE**2, config.dim)
        self.places = nn.Parameter(0.02 * torch.randn(_COUNT, config.dim))
        self.encoder = _transformer(config.dim, config.depth, config.heads)
        self.to_decoder = nn.Linear(config.dim, config.decoder_dim)
        self.hidden = nn.Parameter(0.02 * torch.randn(config.decoder_dim))
        self.decoder_places = nn.Parameter(0.02 * torch.randn(_COUNT, config.decoder_dim))
        self.decoder = _transformer(config.decoder_dim, config.decoder_depth, config.heads)
        self.to_picture = nn.Linear(config.decoder_dim, 3 * _SQUARE**2)

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        """See `ReconstructionNetwork`; rng draws which squares are hidden, in training and after it."""
        squares = F.unfold(x, _SQUARE, stride=_SQUARE).transpose(1, 2)
        orders = np.stack([rng.permutation(_COUNT)[: self._seen] for _ in range(len(x))])
        seen = torch.from_numpy(orders).to(x.device)[..., None]
        tokens = self.embed(squares) + self.places
        tokens = self.encoder(tokens.gather(1, seen.expand(-1, -1, tokens.shape[2])))
        known = self.to_decoder(tokens)
        filled = self.hidden.expand(len(x), _COUNT, -1).scatter(1, seen.expand_as(known), known)
        made = self.to_picture(self.decoder(filled + self.decoder_places))
        picture = F.fold(made.transpose(1, 2), _SIDE, _SQUARE, stride=_SQUARE)
        return Reconstruction(picture, x.new_zeros(()))


def _transformer(dim: int, depth: int, heads: int) -> nn.Module:
    layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)

"""Vector quantisation with a code book that follows the data by moving averages (VQ-VAE; van den Oord et al. 2017).

    quantizer = Quantizer(dim=64, codes=512)
    coded = quantizer(x)  # (B, 64, h, w): each vector replaced by its nearest code

The counts begin at one: with zeros, codes that nothing chose at first are divided by next to nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Coded:
    """What a quantiser makes of (B, D, h, w)."""

    value: torch.Tensor
    """(B, D, h, w): the nearest codes; its gradient goes to the input unchanged."""
    indices: torch.Tensor
    """(B, h, w) int64"""
    commitment: torch.Tensor
    """Scalar: mean squared distance of the input to its codes; its gradient draws the input towards them."""
    vectors: torch.Tensor
    """(B*h*w, D): the input, detached."""


class Quantizer(nn.Module):
    """A code book of `codes` vectors of `dim`, no parameters. In training mode each call moves it (`decay`).

    While `passes` is set, it gives its input as it is.
    """

    book: torch.Tensor
    """(codes, dim)"""
    counts: torch.Tensor
    """(codes,) moving average of how many vectors of a batch choose each."""
    sums: torch.Tensor
    """(codes, dim) moving average of the sum of these."""

    def __init__(self, dim: int, codes: int, decay: float = 0.99, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.decay, self.epsilon = decay, epsilon
        self.passes = False
        book = torch.randn(codes, dim)
        self.register_buffer("book", book)
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("sums", book.clone())

    def forward(self, x: torch.Tensor) -> Coded:
        """See `Coded`."""
        batch, dim, height, width = x.shape
        vectors = x.detach().permute(0, 2, 3, 1).reshape(-1, dim)
        if self.passes:
            none = x.new_zeros(())
            return Coded(x, torch.zeros(batch, height, width, dtype=torch.int64, device=x.device), none, vectors)
        indices = torch.addmm(self.book.square().sum(1), vectors, self.book.T, alpha=-2).argmin(1)
        nearest = self.book[indices].view(batch, height, width, dim).permute(0, 3, 1, 2)
        if self.training:
            self._follow(vectors, indices)
        return Coded(
            x + (nearest - x).detach(), indices.view(batch, height, width), (nearest - x).square().mean(), vectors
        )

    def _follow(self, vectors: torch.Tensor, indices: torch.Tensor) -> None:
        count = torch.bincount(indices, minlength=len(self.counts)).to(vectors.dtype)
        total = torch.zeros_like(self.sums).index_add_(0, indices, vectors)
        self.counts.lerp_(count, 1 - self.decay)
        self.sums.lerp_(total, 1 - self.decay)
        every = self.counts.sum()
        smoothed = (self.counts + self.epsilon) / (every + len(self.counts) * self.epsilon) * every
        self.book = self.sums / smoothed[:, None]

    def redraw(self, vectors: torch.Tensor, rng: np.random.Generator, below: float) -> int:
        """Replace each code with a count under `below` by one of `vectors`, (N, D), count one; returns how many."""
        unused = torch.nonzero(self.counts < below)[:, 0]
        chosen = torch.from_numpy(rng.integers(len(vectors), size=len(unused))).to(vectors.device)
        self.book[unused] = vectors[chosen]
        self.sums[unused] = vectors[chosen]
        self.counts[unused] = 1.0
        return len(unused)

    def fill(self, vectors: torch.Tensor, rng: np.random.Generator) -> None:
        """Draw all codes from `vectors`, (N, D)."""
        self.counts.zero_()
        self.redraw(vectors, rng, below=1.0)

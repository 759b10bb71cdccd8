"""Dense blocks as G-MGBP has them (arXiv:1809.10711): a learned bias before each ReLU, no biases in convolutions."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

BOTTLENECK = 4
"""Channels within a dense unit, over its growth."""


class BiasReLU(nn.Module):
    """relu(x + bias), a bias for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same shape."""
        return F.relu_(x + self.bias.to(x.dtype).view(1, -1, 1, 1))


class DenseUnit(nn.Module):
    """(B, c, h, w) -> (B, c + growth, h, w): the input, and what a 1x1 and a 3x3 convolution make of it."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.relu1 = BiasReLU(channels)
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.relu2 = BiasReLU(inner)
        self.conv2 = nn.Conv2d(inner, growth, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        new = self.conv2(self.relu2(self.conv1(self.relu1(x))))
        return torch.cat((x, new.to(x.dtype)), 1)


class FilterBlock(nn.Module):
    """Dense units, then a 1x1 convolution back to as many channels as there were: the paper's "4-layer" block."""

    def __init__(self, channels: int, growth: int, units: int) -> None:
        super().__init__()
        self.units = nn.Sequential(*(DenseUnit(channels + growth * i, growth) for i in range(units)))
        grown = channels + growth * units
        self.relu = BiasReLU(grown)
        self.conv = nn.Conv2d(grown, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same shape."""
        y: torch.Tensor = self.conv(self.relu(self.units(x)))
        return y


class Analysis(nn.Module):
    """Features of pictures: (B, channels, h, w) -> (B, features, h, w)."""

    def __init__(self, channels: int, features: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, features, 3, padding=1, bias=False)
        self.block = FilterBlock(features, growth, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y: torch.Tensor = self.block(self.conv(x))
        return y


class Downscale(nn.Module):
    """Features at half the size: (B, features, 2h, 2w) -> (B, features, h, w)."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(features, features, 3, stride=2, padding=1, bias=False)
        self.block = FilterBlock(features, growth, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y: torch.Tensor = self.block(self.conv(x))
        return y


class Synthesis(nn.Module):
    """Pictures, or a score for each place, of features: (B, features, h, w) -> (B, channels, h, w)."""

    def __init__(self, features: int, channels: int, growth: int) -> None:
        super().__init__()
        self.block = FilterBlock(features, growth, 3)
        self.relu = BiasReLU(features)
        self.conv = nn.Conv2d(features, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y: torch.Tensor = self.conv(self.relu(self.block(x)))
        return y

"""What contextual and style losses compare: maps of a classifying network from a file, or of fixed Gabor filters."""

import math
from abc import ABC, abstractmethod
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.errors import TrainingError

_VGG = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
_KEPT = ("conv1_2", "conv2_2", "conv3_1")
"""After whose ReLU a map is taken."""
_POOLED_BEFORE = ("conv2_1", "conv3_1")


class Features(nn.Module, ABC):
    """(B, 3, H, W) R'G'B' in 0..1 -> maps, fine to coarse; the last is what the contextual loss compares."""

    title: str
    """As users are told."""

    @abstractmethod
    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """See the class."""


class VGG(Features):
    """VGG-19 up to relu3_1."""

    title = "VGG-19 relu3_1"

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, weight in weights.items():
            self.register_buffer(name.replace(".", "_"), weight.float(), persistent=False)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """See the class."""
        x = F.conv2d(pictures, self.get_buffer("to_bgr_weight"), self.get_buffer("to_bgr_bias"))
        maps = []
        for name in _VGG:
            if name in _POOLED_BEFORE:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
            x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias))
            if name in _KEPT:
                maps.append(x)
        return maps


class Gabor(Features):
    """Energies of Gabor filters of 8 directions and 3 wavelengths on luma, and colour differences, at quarter size."""

    title = "Gabor filters"

    def __init__(self) -> None:
        super().__init__()
        places = torch.arange(-7, 8, dtype=torch.float64)
        y, x = torch.meshgrid(places, places, indexing="ij")
        even, odd = [], []
        for wavelength in (3.0, 5.0, 8.0):
            window = torch.exp(-(x * x + y * y) / (2 * (0.5 * wavelength) ** 2))
            for turn in range(8):
                along = x * math.cos(math.pi * turn / 8) + y * math.sin(math.pi * turn / 8)
                wave = window * torch.cos(2 * math.pi * along / wavelength)
                even.append((wave - window * wave.sum() / window.sum()) / window.sum())
                odd.append(window * torch.sin(2 * math.pi * along / wavelength) / window.sum())
        self.register_buffer("_even", torch.stack(even)[:, None].float(), persistent=False)
        self.register_buffer("_odd", torch.stack(odd)[:, None].float(), persistent=False)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """See the class."""
        red, green, blue = (pictures[:, k : k + 1] for k in range(3))
        plane = F.pad(0.299 * red + 0.587 * green + 0.114 * blue, (7, 7, 7, 7), mode="reflect")
        even, odd = (F.conv2d(plane, self.get_buffer(name)) for name in ("_even", "_odd"))
        energy = (even.square() + odd.square() + 1e-6).sqrt()
        return [F.avg_pool2d(16 * torch.cat((energy, (red - green) / 16, (blue - green) / 16), 1), 4)]


def load(file: str) -> Features:
    """VGG-19's from a safetensors file; "" for Gabor filters. Raises `TrainingError`."""
    if not file:
        return Gabor()
    path = Path(file)
    try:
        weights = safetensors.torch.load_file(path)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file of features") from None
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); get the file again") from None
    names = {f"{name}.{part}" for name in ("to_bgr", *_VGG) for part in ("weight", "bias")}
    if set(weights) != names:
        raise TrainingError(f"{path}: expected the weights of {VGG.title}, {', '.join(sorted(names))}")
    return VGG(weights).requires_grad_(False)

"""Networks of other kinds than RTS, small ones: what networks to come will need, without being them."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks import noise
from vidrts.networks.network import Network
from vidrts.networks.spec import Context, NetworkSpec


class Toy(Network):
    """A 3x3 convolution on the enlarged grid over each pixel repeated, plus what the noise maps add."""

    def __init__(self, factors: tuple[int, ...], channels: int = 3, *, takes_noise: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self._spec = NetworkSpec(
            reach=dict.fromkeys(factors, 1), channels="rgb" if channels == 3 else "luma", noise=takes_noise
        )
        with torch.no_grad():
            self.conv.weight.mul_(0.3)

    @property
    def spec(self) -> NetworkSpec:
        return self._spec

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        context = context or Context(min(self._spec.reach))
        y = x.repeat_interleave(context.factor, -1).repeat_interleave(context.factor, -2)
        for level, z in enumerate(context.noise):
            assert z.shape == (len(x), 1, x.shape[-2] << level, x.shape[-1] << level)
            y = y + 0.05 * F.interpolate(z, size=y.shape[-2:]).abs()
        assert len(context.noise) == (noise.levels(context.factor) if self._spec.noise else 0)
        return y + self.conv(y)


class Strided(Network):
    """Same size by way of a quarter of it: sizes must be multiples of 4, and so must the positions of tiles."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 16, 4, stride=4)
        self.near = nn.Conv2d(16, 16, 3, padding=1)

    @property
    def spec(self) -> NetworkSpec:
        return NetworkSpec(reach={1: 7}, multiple=4, channels="luma")

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        assert x.shape[-1] % 4 == 0 and x.shape[-2] % 4 == 0
        return x + 0.2 * F.pixel_shuffle(self.near(torch.tanh(self.down(x))), 4)


def toy(*factors: int, channels: int = 3, takes_noise: bool = False) -> Toy:
    """A `Toy` of seeded weights."""
    torch.manual_seed(5)
    return Toy(factors, channels, takes_noise=takes_noise).eval().requires_grad_(False)

"""What a network needs and offers, as values: what runs it, in tiles or whole, asks these and not its class. Loads
without torch.

spec = NetworkSpec(reach={2: 6})
spec.scales  # (1, 2): SR(x), and d(SR(x)) at the size of x
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Channels = Literal["rgb", "luma"]
FACTORS = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What a network needs of its input and what sizes it gives. Raises ValueError when made."""

    reach: Mapping[int, int]
    """Factor by which the network enlarges, of `FACTORS` (1: same size) -> input pixels to each side that an output
    pixel depends on: what tiles overlap by, and losses leave out."""
    multiple: int = 1
    """Width and height of the input, and the position of a tile in the picture, must be multiples of it."""
    channels: Channels = "rgb"
    """rgb: R'G'B' in, R'G'B' out. luma: one channel, Y'."""
    noise: bool = False
    """Whether `Context.noise` is used."""

    def __post_init__(self) -> None:
        if not self.reach or not set(self.reach) <= set(FACTORS) or min(self.reach.values()) < 0:
            raise ValueError(f"reach: expected factors of {FACTORS} and pixels from 0 up, got {dict(self.reach)}")
        if self.multiple < 1:
            raise ValueError(f"multiple: expected 1 or more, got {self.multiple}")

    @property
    def scales(self) -> tuple[int, ...]:
        """Scales at which pictures can be enhanced: the factors, and 1 by halving what a factor of 2 gives."""
        return tuple(sorted({*self.reach, *({1} if 2 in self.reach else ())}))

    @property
    def least_factor(self) -> int:
        """The lowest factor: what a network gives that is told none, and what training asks for."""
        return min(self.reach)

    def factor_for(self, scale: int) -> int:
        """The factor that serves `scale`, which is one of `scales`; for scale 1 it is 2 where the result is halved."""
        if scale not in self.scales:
            raise ValueError(f"scale: expected one of {self.scales}, got {scale}")
        return scale if scale in self.reach else 2


@dataclass(frozen=True)
class Context:
    """What a network gets beside its input. Made by `picture.tiled_upscaler` for each batch of tiles."""

    factor: int = 2
    """By which to enlarge, one of the spec's."""
    noise: "tuple[torch.Tensor, ...]" = ()
    """For networks that take noise: maps z_k, (B, 1, h * 2**k, w * 2**k), one for each level below the output's size,
    standard normal (`networks.noise`) or constant, times the amplitude W; cut by position in the picture, so that tiles
    do not matter. () is W = 0."""


def next_multiple(size: int, step: int) -> int:
    """The least multiple of `step` that is no less than `size`."""
    return -(-size // step) * step

"""What EDSR and SRResNet share: their numbers, and how deep they are for the size of a patch."""

from abc import ABC
from dataclasses import dataclass

from vidrts.networks.network import Network

_FELT = 10
"""Pixels from a border that losses leave out: zero padding is felt most there. How far it is felt was not measured."""


@dataclass(frozen=True, kw_only=True)
class BlocksConfig:
    """Number and width of the residual blocks; both papers have 16 of 64 (of EDSR the baseline)."""

    blocks: int = 16
    channels: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= 64 or not 1 <= self.channels <= 1024:
            raise ValueError(f"expected blocks in 1..64 and channels in 1..1024, got {self.blocks} and {self.channels}")


class DeepNetwork(Network, ABC):
    """A network that sees so far that losses cannot leave out all of it."""

    @property
    def padded_reach(self) -> int:
        """`_FELT` pixels: all of the reach would leave nothing of a patch."""
        return min(self.spec.reach[2], _FELT)

"""One pass over a batch of tiles: extended tiles in, their results out. Folded for RTS, the long way for all others."""

from collections.abc import Callable
from typing import Literal, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.networks.rts import RTS
from vidrts.networks.upscaler import Upscaler
from vidrts.picture import tail
from vidrts.picture.blocks import ROWS, by_rows, woven
from vidrts.picture.convolution import convolve, settle
from vidrts.picture.engines.choice import EngineName, pick_engine
from vidrts.picture.engines.torch import frozen_copy
from vidrts.picture.lanczos import halve

_HALVE_RADIUS = 3
"""Input pixels to each side that d(SR) sees of SR: the 12 taps of d on the 2x grid."""


class TilePass(Protocol):
    """(B, 3, h + 2*halo, w + 2*halo) float32 -> (B, 3, scale*h, scale*w) float32, not clamped."""

    @property
    def halo(self) -> int:
        """Input pixels around a tile that its result depends on."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""


def tile_pass(
    network: Upscaler,
    device: torch.device,
    dtype: torch.dtype,
    scale: Literal[1, 2],
    engine: EngineName = "auto",
    on_message: Callable[[str], None] = lambda line: None,
) -> TilePass:
    """The way in which this network is run; `dtype` and `engine` are those of its residual branch, if it has one."""
    if isinstance(network, RTS):
        return Folded(network, device, dtype, scale, engine, on_message)
    return Explicit(network, device, scale)


class Folded:
    """RTS: the residual branch by an engine in `dtype`, extension and d as one convolution in float32."""

    def __init__(
        self,
        network: RTS,
        device: torch.device,
        dtype: torch.dtype,
        scale: Literal[1, 2],
        engine: EngineName = "auto",
        on_message: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._engine = pick_engine(network, device, dtype, engine, on_message)
        self._radius = network.radius
        self._scale = scale
        extension = network.conv_ext
        assert extension.bias is not None
        weight, bias = tail.fold(extension) if scale == 1 else (extension.weight.detach(), extension.bias.detach())
        self._rows = ROWS if scale == 1 else 1  # at scale 2 there are twelve results a pixel already
        self._layout = torch.contiguous_format if device.type == "cpu" else torch.channels_last
        weight, bias = by_rows(weight, bias, self._rows)
        self._weight = weight.to(device, torch.float32, memory_format=self._layout)
        self._bias = bias.to(device, torch.float32)

    @property
    def halo(self) -> int:  # noqa: D102 - TilePass's
        return self._radius + (tail.TAIL_RADIUS if self._scale == 1 else 1)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - TilePass's
        x = x.contiguous(memory_format=self._layout)
        r = self._radius  # the outer pixels felt the zero padding of the convolutions
        b = x[..., r:-r, r:-r] + self._engine.residual(x)[..., r:-r, r:-r]
        height = x.shape[-2] - 2 * self.halo
        if missing := -height % self._rows:
            b = F.pad(b, (0, 0, 0, missing))
        b = b.contiguous(memory_format=self._layout)
        y = convolve(b, self._weight, self._bias, rows=self._rows)
        return (woven(y, self._rows)[..., :height, :] if self._scale == 1 else F.pixel_shuffle(y, 2)).contiguous()


class Explicit:
    """Any network: SR(x) is made, then scaled down by d. In float32: its colour path cannot be told from the rest."""

    def __init__(self, network: Upscaler, device: torch.device, scale: Literal[1, 2]) -> None:
        self._network = frozen_copy(network, device, torch.float32)
        settle(self._network)
        self._reach = network.reach
        self._scale = scale

    @property
    def halo(self) -> int:  # noqa: D102 - TilePass's
        return self._reach + (_HALVE_RADIUS if self._scale == 1 else 0)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - TilePass's
        double: torch.Tensor = self._network(x.contiguous(memory_format=torch.channels_last))
        border = 2 * self._reach  # felt the network's own padding
        double = double[..., border : double.shape[-2] - border, border : double.shape[-1] - border]
        if self._scale == 2:
            return double.contiguous()
        r = _HALVE_RADIUS
        return halve(double)[..., r:-r, r:-r].contiguous()

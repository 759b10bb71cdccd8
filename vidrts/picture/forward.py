"""One pass over a batch of tiles: extended tiles in, their results out. Folded for residual networks, the long way for
all others."""

from collections.abc import Callable
from typing import Literal, Protocol

import torch

from vidrts import colorplan
from vidrts.networks.upscaler import ResidualUpscaler, Upscaler
from vidrts.ops.convolution import use_deterministic_convolution
from vidrts.ops.lanczos import HALVE_RADIUS, halve
from vidrts.picture.engines.choice import Engine, EngineName, pick_engine
from vidrts.picture.engines.torch import frozen_copy
from vidrts.picture.folded_tail import Tail


class TilePass(Protocol):
    """(B, 3, h + 2*halo, w + 2*halo) float32 -> (B, 3, scale*h, scale*w) float32, not clamped; one channel for luma."""

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
    *,
    luma: bool = False,
) -> TilePass:
    """The way in which this network is run; `dtype` and `engine` are those of its residual branch, if it has one.

    `luma`: the result's BT.709 luma alone.
    """
    residual = network.residual_form
    if residual:
        return Folded(residual, pick_engine(residual, device, dtype, engine, on_message), device, scale, luma=luma)
    return Explicit(network, device, scale, luma=luma)


class Folded:
    """A residual network: its residual by `engine`, extension and d as one convolution in float32."""

    def __init__(
        self, network: ResidualUpscaler, engine: Engine, device: torch.device, scale: Literal[1, 2], *, luma: bool
    ) -> None:
        self._engine = engine
        self._radius = network.radius
        self._tail = Tail(network.conv_ext, device, scale, luma=luma)

    @property
    def halo(self) -> int:  # noqa: D102 - TilePass's
        return self._radius + self._tail.halo

    def __call__(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - TilePass's
        x = x.contiguous(memory_format=self._tail.layout)
        r = self._radius  # the outer pixels felt the zero padding of the convolutions
        return self._tail(x[..., r:-r, r:-r] + self._engine.residual(x)[..., r:-r, r:-r])


class Explicit:
    """Any network: SR(x) is made, then scaled down by d. In float32: its colour path cannot be told from the rest."""

    def __init__(self, network: Upscaler, device: torch.device, scale: Literal[1, 2], *, luma: bool) -> None:
        self._network = frozen_copy(network, device, torch.float32)
        use_deterministic_convolution(self._network)
        self._reach = network.reach
        self._scale = scale
        self._luma = luma

    @property
    def halo(self) -> int:  # noqa: D102 - TilePass's
        return self._reach + (HALVE_RADIUS if self._scale == 1 else 0)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - TilePass's
        double: torch.Tensor = self._network(x.contiguous(memory_format=torch.channels_last))
        border = 2 * self._reach  # felt the network's own padding
        double = double[..., border : double.shape[-2] - border, border : double.shape[-1] - border]
        if self._luma:
            double = colorplan.luma(double)[:, None]
        if self._scale == 2:
            return double.contiguous()
        r = HALVE_RADIUS
        return halve(double)[..., r:-r, r:-r].contiguous()

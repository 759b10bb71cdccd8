"""One pass over a batch of tiles: extended tiles in, their results out. Folded for residual networks, step by step for
all others."""

from typing import Protocol

import torch

from vidrts import colorplan
from vidrts.messages import Tell, ignore
from vidrts.networks.live import Live
from vidrts.networks.network import Network, ResidualNetwork
from vidrts.networks.spec import Context, next_multiple
from vidrts.ops.convolution import use_deterministic_convolution
from vidrts.ops.lanczos import HALVE_RADIUS, halve
from vidrts.picture.engines.choice import pick_engine
from vidrts.picture.engines.engine import Engine, engine_precision
from vidrts.picture.engines.torch import frozen_copy
from vidrts.picture.folded_tail import Tail
from vidrts.picture.options import EngineName, Precision


class TilePass(Protocol):
    """(B, C, h + 2*halo, w + 2*halo) float32 -> (B, C, scale*h, scale*w) float32, not clamped; one channel for luma."""

    @property
    def halo(self) -> int:
        """Input pixels around a tile that its result depends on, a multiple of `multiple`."""

    @property
    def multiple(self) -> int:
        """Sizes and positions of tiles, halo and all, are multiples of it."""

    @property
    def engine(self) -> EngineName:
        """What computes the network, or its residual branch."""

    @property
    def precision(self) -> Precision:
        """In which that is computed."""

    def __call__(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        """See the class."""


def tile_pass(
    network: Network,
    device: torch.device,
    dtype: torch.dtype,
    scale: int,
    engine: EngineName = "auto",
    on_message: Tell = ignore,
    *,
    luma: bool = False,
) -> TilePass:
    """How this network is run; `dtype` and `engine` are those of its residual branch, if it has one.

    `luma`: the result's BT.709 luma alone.
    """
    residual = network.residual_form
    if residual:
        picked = pick_engine(residual, device, dtype, engine, on_message)
        return Folded(residual, picked, device, dtype, scale, luma=luma)
    if isinstance(network, Live):
        return Unfolded(network, pick_engine(network, device, dtype, engine, on_message), dtype, luma=luma)
    return Explicit(network, device, scale, luma=luma)


class Folded:
    """A residual network: its residual by `engine`, extension and d as one convolution in float32."""

    def __init__(
        self,
        network: ResidualNetwork,
        engine: Engine,
        device: torch.device,
        dtype: torch.dtype,
        scale: int,
        *,
        luma: bool,
    ) -> None:
        self._engine = engine
        self.engine: EngineName = engine.name
        self.precision: Precision = engine_precision(dtype)
        self._radius = network.radius
        self._tail = Tail(network.conv_ext, device, scale, luma=luma)
        self.multiple = engine.multiple
        self.halo = next_multiple(self._radius + self._tail.halo, self.multiple)

    def __call__(self, x: torch.Tensor, context: Context) -> torch.Tensor:  # noqa: D102 - TilePass's
        x = x.contiguous(memory_format=self._tail.layout)
        r = self.halo - self._tail.halo  # at least the outer `radius` pixels felt the zero padding of the convolutions
        return self._tail(x[..., r:-r, r:-r] + self._engine.residual(x)[..., r:-r, r:-r])


class Unfolded:
    """Live: its branch by `engine`, of folded pixels; no tail."""

    def __init__(self, network: Live, engine: Engine, dtype: torch.dtype, *, luma: bool) -> None:
        self._engine, self._network, self._luma = engine, network, luma
        self.engine: EngineName = engine.name
        self.precision: Precision = engine_precision(dtype)
        self.multiple = network.fold * engine.multiple
        self.halo = next_multiple(network.spec.reach[1], self.multiple)

    def __call__(self, x: torch.Tensor, context: Context) -> torch.Tensor:  # noqa: D102 - TilePass's
        h = self.halo
        inner = slice(h // self._network.fold, -h // self._network.fold)
        change = self._engine.residual(self._network.folded(x))[..., inner, inner]
        y = self._network.with_change(x[..., h:-h, h:-h], change)
        return y if self._luma else y.expand(-1, 3, -1, -1)


class Explicit:
    """Any network, in float32: its colour path cannot be separated. At scale 1 d halves a factor of 2."""

    engine: EngineName = "torch"
    precision: Precision = "fp32"

    def __init__(self, network: Network, device: torch.device, scale: int, *, luma: bool) -> None:
        self._network = frozen_copy(network, device, torch.float32)
        use_deterministic_convolution(self._network)
        spec = network.spec
        self._factor = spec.factor_for(scale)
        self._margin = HALVE_RADIUS if self._factor != scale else 0
        self._luma = luma and spec.channels == "rgb"
        self.multiple = spec.multiple
        self.halo = next_multiple(spec.reach[self._factor] + self._margin, self.multiple)

    def __call__(self, x: torch.Tensor, context: Context) -> torch.Tensor:  # noqa: D102 - TilePass's
        y: torch.Tensor = self._network(x.contiguous(memory_format=torch.channels_last), context)
        return inner_result(y, self._factor * (self.halo - self._margin), self._margin, luma=self._luma).contiguous()


def inner_result(y: torch.Tensor, border: int, margin: int, *, luma: bool) -> torch.Tensor:
    """What a network gave, without the `border` that felt its own padding; its BT.709 luma, if so; halved, if `margin`.

    margin: pixels that d sees beyond what it gives, 0 where nothing is halved.
    """
    y = y[..., border : y.shape[-2] - border, border : y.shape[-1] - border]
    if luma:
        y = colorplan.luma(y)[:, None]
    return halve(y)[..., margin:-margin, margin:-margin] if margin else y

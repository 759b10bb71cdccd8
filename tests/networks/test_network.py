"""A network that is not RTS goes everywhere: tiles, training, resuming, model files."""

import pytest
import torch
from torch import nn

from vidrts import colorplan
from vidrts.networks import registry
from vidrts.networks.network import Network
from vidrts.networks.spec import Context, NetworkSpec
from vidrts.ops.lanczos import halve
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")


class Foreign(Network):
    """A transposed convolution and a 5x5 one on the 2x grid: nothing of it can be folded."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels > 64:
            raise ValueError("too wide")
        self.up = nn.ConvTranspose2d(3, channels, 2, stride=2)
        self.out = nn.Conv2d(channels, 3, 5, padding=2)

    @property
    def spec(self) -> NetworkSpec:
        return NetworkSpec(reach={2: 1})

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        return torch.nn.functional.interpolate(x, scale_factor=2) + 0.1 * self.out(torch.tanh(self.up(x)))


class Repeated(Network):
    """Sees nothing but the pixel itself."""

    @property
    def spec(self) -> NetworkSpec:
        return NetworkSpec(reach={2: 0})

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        return torch.nn.functional.interpolate(x, scale_factor=2)


@pytest.mark.parametrize("tile", ["none", (20, 16)])
def test_a_network_without_reach(tile: str | tuple[int, int]) -> None:
    x = torch.rand(1, 3, 40, 56)
    assert torch.equal(TiledUpscaler(Repeated(), CPU, torch.float32, scale=2, tile=tile)(x), Repeated()(x))


@pytest.fixture
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ARCHITECTURES, "foreign", lambda **numbers: Foreign(**numbers))
    monkeypatch.setitem(registry.RECIPES, "foreign-8", ("foreign", {"channels": 8}))  # type: ignore[misc]


@pytest.mark.parametrize("scale", [1, 2])
def test_the_long_way_is_network_then_d_whatever_the_tiles(scale: int) -> None:
    network = Foreign(4)
    x = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        extended = torch.nn.functional.pad(x, (12,) * 4, mode="replicate")
        wanted = network(extended) if scale == 2 else halve(network(extended))
    border = 12 * scale
    wanted = wanted[..., border:-border, border:-border]
    whole = TiledUpscaler(network, CPU, torch.bfloat16, scale=scale)(
        x
    )  # bf16 is for residual branches, which it has not
    assert torch.allclose(whole, wanted, atol=1e-6)
    tiled = TiledUpscaler(network, CPU, torch.float32, scale=scale, tile=(20, 16), batch=3)(x)
    assert torch.allclose(tiled, whole, atol=1e-6)
    luma = TiledUpscaler(network, CPU, torch.float32, scale=scale, luma=True, tile=(20, 16), batch=3)(x)
    assert torch.allclose(luma[:, 0], colorplan.luma(wanted), atol=1e-6)
    assert network.training  # the caller's network is as it was

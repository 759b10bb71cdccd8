"""G-MGBP: its size, its graph, and that tiles do not matter."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from helpers.networks import lively_gmgbp as lively
from PIL import Image

from vidrts.networks.gmgbp import GMGBP, REACH, GMGBPConfig
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.spec import Context
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")


def test_parameters_in_the_papers_split() -> None:
    network = build(*RECIPES["g-mgbp"])
    assert parameter_count(network) == 281_084
    assert {name: parameter_count(part) for name, part in network.named_children()} == {
        "enlarge": 243, "analysis": 46_320, "up": 106_086, "down": 82_064, "synthesis": 46_371
    }  # fmt: skip
    assert parameter_count(build(*RECIPES["g-mgbp-lite"])) == 71_932
    assert len(network.state_dict()) == 68


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_without_its_weights_it_is_bicubic(factor: int) -> None:
    """Pillow's; at borders Pillow renormalises."""
    network = GMGBP(GMGBPConfig(features=4, growth=2))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not name.startswith("enlarge"):
                parameter.zero_()
    picture = np.random.default_rng(0).random((20, 24), dtype=np.float32)
    x = torch.from_numpy(picture).expand(1, 3, -1, -1)
    got = network(x, Context(factor))[0]
    for _ in range(factor.bit_length() - 1):
        picture = np.array(
            Image.fromarray(picture).resize((2 * picture.shape[1], 2 * picture.shape[0]), Image.Resampling.BICUBIC)
        )
    inner = (slice(4 * factor, -4 * factor),) * 2
    assert got.shape == (3, 20 * factor, 24 * factor)
    for channel in got:
        assert np.abs(channel.detach().numpy() - picture)[inner].max() < 1e-6


def block(state: dict[str, torch.Tensor], name: str, x: torch.Tensor, units: int) -> torch.Tensor:
    for i in range(units):
        unit = f"{name}.units.{i}"
        y = (x + state[f"{unit}.relu1.bias"].view(1, -1, 1, 1)).clamp(min=0)
        y = F.conv2d(y, state[f"{unit}.conv1.weight"])
        y = (y + state[f"{unit}.relu2.bias"].view(1, -1, 1, 1)).clamp(min=0)
        x = torch.cat((x, F.conv2d(F.pad(y, (1, 1, 1, 1)), state[f"{unit}.conv2.weight"])), 1)
    return F.conv2d((x + state[f"{name}.relu.bias"].view(1, -1, 1, 1)).clamp(min=0), state[f"{name}.conv.weight"])


def spread(x: torch.Tensor) -> torch.Tensor:
    """Zeros between the pixels, and one row and column of them after the last: for transposed convolutions."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[..., ::2, ::2] = x
    return out


def test_four_times_the_size_as_the_graph_written_out() -> None:
    """L = 2, mu = 2, from the weights alone, in float64."""
    network = lively().double()
    w = network.state_dict()
    x = torch.rand(1, 3, 9, 7, dtype=torch.float64)
    z0, z1 = torch.randn(1, 1, 9, 7, dtype=torch.float64), torch.randn(1, 1, 18, 14, dtype=torch.float64)

    def analysis(y: torch.Tensor) -> torch.Tensor:
        return block(w, "analysis.block", F.conv2d(F.pad(y, (1, 1, 1, 1)), w["analysis.conv.weight"]), 3)

    def synthesis(f: torch.Tensor) -> torch.Tensor:
        f = (block(w, "synthesis.block", f, 3) + w["synthesis.relu.bias"].view(1, -1, 1, 1)).clamp(min=0)
        return F.conv2d(F.pad(f, (1, 1, 1, 1)), w["synthesis.conv.weight"], w["synthesis.conv.bias"])

    def down(f: torch.Tensor) -> torch.Tensor:
        return block(w, "down.block", F.conv2d(F.pad(f, (1, 1, 1, 1)), w["down.conv.weight"])[..., ::2, ::2], 4)

    def up(level: torch.Tensor, update: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        f = block(w, "up.block", torch.cat((level, update, z), 1), 3)
        f = (f + w["up.relu.bias"].view(1, -1, 1, 1)).clamp(min=0)
        return F.conv2d(F.pad(spread(f), (1, 1, 1, 1)), w["up.conv.weight"].flip(-1, -2).transpose(0, 1))

    def enlarge(y: torch.Tensor) -> torch.Tensor:
        y = F.pad(y, (1, 1, 1, 1), mode="replicate")
        rows, columns = y.shape[-2:]
        out = y.new_zeros(1, 3, 2 * rows + 7, 2 * columns + 7)
        for a in range(9):
            for b in range(9):
                tap = 4 * w["enlarge.weight"][:, 0, a, b].view(1, 3, 1, 1)
                out[..., a : a + 2 * rows : 2, b : b + 2 * columns : 2] += tap * y
        return out[..., 6:-5, 6:-5]

    f0 = analysis(x)
    y0 = x + synthesis(f0)
    y = enlarge(y0)
    u = up(f0, down(analysis(y)), z0)
    u = u + up(f0, down(u), z0)
    f1 = u + up(f0, down(u), z0)
    y1 = y + synthesis(f1)
    y = enlarge(y1)
    u = up(f1, down(analysis(y)), z1)
    v = down(u)
    v = v + up(f0, down(v), z0)
    v = v + up(f0, down(v), z0)
    u = u + up(f1, v, z1)
    v = down(u)
    v = v + up(f0, down(v), z0)
    v = v + up(f0, down(v), z0)
    f2 = u + up(f1, v, z1)
    y2 = y + synthesis(f2)
    assert torch.allclose(network(x, Context(2, (z0,))), y1, atol=1e-9)
    assert torch.allclose(network(x, Context(4, (z0, z1))), y2, atol=1e-9)
    assert not torch.allclose(network(x, Context(4)), y2, atol=1e-3)
    assert torch.equal(network(x), network(x, Context(2, (torch.zeros_like(z0),))))


def test_reach_at_twice_the_size_is_exact() -> None:
    """What is no number spreads as far as anything is felt."""
    x = torch.zeros(1, 3, 4, 121)
    x[..., 60] = torch.nan
    felt = lively(1, 1)(x).isnan().any(1)[0].any(0).nonzero().flatten()
    assert (felt // 2 - 60).abs().max() == REACH[2]
    felt = lively(1, 1, projections=1)(x).isnan().any(1)[0].any(0).nonzero().flatten()
    assert 10 < (felt // 2 - 60).abs().max() < REACH[2]


@pytest.mark.parametrize(("amplitude", "noise"), [(0, "static"), (0.3, "static"), (1, "static"), (1, "constant")])
def test_tiles_give_the_whole_at_every_amplitude(amplitude: float, noise: str) -> None:
    network, x = lively(), torch.rand(1, 3, 70, 54)
    whole, tiled, again = (
        TiledUpscaler(network, CPU, torch.float32, scale=2, tile=tile, batch=2, amplitude=amplitude, noise=noise)(x)  # type: ignore[arg-type]
        for tile in ("none", (29, 33), (54, 16))
    )
    assert torch.equal(tiled, whole) and torch.equal(again, whole)
    faithful = TiledUpscaler(network, CPU, torch.float32, scale=2, tile="none")(x)
    assert ((whole - faithful).abs().max() > 0.01) == (amplitude > 0)


def test_tiles_give_the_whole_at_four_times_the_size() -> None:
    network, x = lively(), torch.rand(1, 3, 40, 34)
    whole, tiled = (
        TiledUpscaler(network, CPU, torch.float32, scale=4, tile=tile, amplitude=1)(x)
        for tile in ("none", (20, 40))  # type: ignore[arg-type]
    )
    assert torch.allclose(tiled, whole, atol=1e-6)


def test_numbers_that_it_cannot_have() -> None:
    for wrong in ({"features": 0}, {"growth": 0}, {"projections": 3}):
        with pytest.raises(ValueError, match="expected features"):
            GMGBPConfig(**wrong)

"""RTS networks whose input is luma: colour plays no part, and the inner channels need not keep it."""

from pathlib import Path

import pytest
import torch

from tests.helpers.networks import tiny_network
from vidrts.colorplan import luma
from vidrts.errors import ModelError, OptionError
from vidrts.networks.checkpoint import ModelInfo, load_model, save_model
from vidrts.networks.net2net import init_from
from vidrts.networks.registry import build
from vidrts.networks.rts import RTS
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.training.recurrence_options import TrainOptions

CPU = torch.device("cpu")
NUMBERS = {"n": 1, "channels": 4, "luma_input": 1}


def test_a_fresh_one_repeats_pixels_and_offers_three_kinds_of_detail() -> None:
    network = build("rts", NUMBERS)
    assert isinstance(network, RTS)
    x = network.prepared(torch.rand(1, 3, 8, 10))
    assert torch.equal(x[:, 0], x[:, 1]) and torch.equal(x[:, 0], x[:, 2])
    repeated = torch.nn.functional.interpolate(x, scale_factor=2)
    torch.testing.assert_close(network.extend(x), repeated, atol=1e-6, rtol=0)
    flat = torch.zeros(1, 3, 3, 3)
    for channel, wanted in ((1, [[1.0, -1.0], [1.0, -1.0]]), (2, [[1.0, 1.0], [-1.0, -1.0]])):
        spike = flat.clone()
        spike[0, channel, 1, 1] = 1
        assert network.extend(spike)[0, 0, 2:4, 2:4].tolist() == wanted


def test_colour_plays_no_part_whatever_the_tiles() -> None:
    network = tiny_network(luma_input=1)
    rgb = 0.2 + 0.6 * torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    grey = luma(rgb)[:, None].expand(-1, 3, -1, -1)
    whole = TiledUpscaler(network, CPU, torch.float32, scale=2, luma=True, tile="none")
    tiled = TiledUpscaler(network, CPU, torch.float32, scale=2, luma=True, tile=(20, 16))
    torch.testing.assert_close(whole(rgb), whole(grey), atol=1e-5, rtol=0)
    assert torch.equal(tiled(rgb), whole(rgb))
    margin = network.spec.reach[2]
    wide = torch.nn.functional.pad(grey, (margin,) * 4, mode="replicate")
    long_way = luma(network(wide))[:, None, 2 * margin : -2 * margin, 2 * margin : -2 * margin]
    torch.testing.assert_close(whole(rgb), long_way, atol=1e-5, rtol=0)
    with pytest.raises(OptionError, match="RTS: trained on luma alone, cannot sharpen chroma"):
        Enhancer(network, EnhancerOptions(device="cpu", chroma="sharpen"))


def test_model_files_keep_it(tmp_path: Path) -> None:
    network = tiny_network(luma_input=1)
    info = ModelInfo(
        name="luma", architecture="rts", numbers=NUMBERS, stage=1, degradation="cubic", data_hash="", colour="luma",
        scale=2,
    )  # fmt: skip
    save_model(tmp_path / "luma.safetensors", network, info)
    loaded = load_model(tmp_path / "luma.safetensors").network
    assert loaded.luma_input
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(loaded(loaded.prepared(x)), network(network.prepared(x)))


def test_begun_as_one_that_sees_colour_it_keeps_all_but_the_last_layers() -> None:
    colour, network = tiny_network(seed=1), tiny_network(seed=2, luma_input=1)
    kept = network.conv_out.weight.clone(), network.conv_ext.weight.clone()
    init_from(network, colour)
    assert torch.equal(network.conv_in.weight, colour.conv_in.weight)
    assert torch.equal(network.conv_out.weight, kept[0]) and torch.equal(network.conv_ext.weight, kept[1])
    again = tiny_network(seed=3, luma_input=1)
    init_from(again, network)
    assert torch.equal(again.conv_ext.weight, kept[1])


@pytest.mark.parametrize("changes", [{"colour": "rgb"}, {"model": "edsr"}])
def test_training_refuses_it_where_it_means_nothing(changes: dict[str, str], tmp_path: Path) -> None:
    settings = {"model": "rts-lite", "colour": "luma", **changes}
    with pytest.raises(OptionError, match="luma-input: expected an RTS network, and --colour luma"):
        TrainOptions(photos=tmp_path, out=tmp_path, luma_input=True, **settings)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="luma_input of 0, or 1 without blur_level"):
        build("rts", {**NUMBERS, "blur_level": 1})

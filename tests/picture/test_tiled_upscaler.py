"""Tiles, tail, upscaler: the pieces give the whole."""

import pytest
import torch
from helpers.networks import tiny_network
from hypothesis import given, settings
from hypothesis import strategies as st

from vidrts.errors import DeviceError, OptionError
from vidrts.messages import Code, Message
from vidrts.networks.spec import Context
from vidrts.ops.convolution import convolve
from vidrts.ops.lanczos import halve
from vidrts.picture import folded_tail
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.picture.tiles import TileGrid, band, even_tile

CPU = torch.device("cpu")


@given(
    height=st.integers(1, 300), width=st.integers(1, 300), tile_height=st.integers(1, 300),
    tile_width=st.integers(1, 300),
)  # fmt: skip
def test_tiles_cover_the_picture_and_stay_inside(height: int, width: int, tile_height: int, tile_width: int) -> None:
    tile_height, tile_width = min(tile_height, height), min(tile_width, width)
    grid = TileGrid(height, width, tile_height, tile_width, halo=3)
    covered = torch.zeros(height, width, dtype=torch.bool)
    for tile in grid.tiles:
        assert 0 <= tile.y <= height - tile_height
        assert 0 <= tile.x <= width - tile_width
        covered[tile.y : tile.y + tile_height, tile.x : tile.x + tile_width] = True
    assert covered.all()


@given(height=st.integers(1, 5000), width=st.integers(1, 9000), most=st.integers(1, 1000))
def test_even_tiles_are_the_fewest(height: int, width: int, most: int) -> None:
    tile_width, tile_height = even_tile(height, width, (most, most))
    assert tile_width <= most
    assert tile_height <= most
    assert -(-width // tile_width) == -(-width // most)
    assert -(-height // tile_height) == -(-height // most)


def test_bands_hold_about_so_many_pixels() -> None:
    assert band(8192, 2**21) == (8192, 256)
    assert band(100_000, 2**20) == (100_000, 64)


def test_a_grid_refuses_nonsense() -> None:
    with pytest.raises(OptionError):
        TileGrid(10, 10, 0, 5, 1)
    with pytest.raises(OptionError):
        TileGrid(10, 10, 11, 5, 1)


def explicit(network: torch.nn.Module, x: torch.Tensor, scale: int) -> torch.Tensor:
    """The long way: extend the picture far beyond what anything sees, make the 2x picture, scale it down, cut."""
    margin = 16
    extended = torch.nn.functional.pad(x, (margin,) * 4, mode="replicate")
    doubled = network.extend(extended + network.residual(extended))
    if scale == 2:
        return doubled[..., 2 * margin : -2 * margin, 2 * margin : -2 * margin]
    return halve(doubled)[..., margin:-margin, margin:-margin]


@pytest.mark.parametrize(("height", "width"), [(40, 36), (16, 16), (17, 31), (1, 5)])
def test_the_folded_tail_is_the_explicit_one_borders_too(height: int, width: int) -> None:
    network = tiny_network(n=2, channels=6).double()
    x = torch.rand(1, 3, height, width, dtype=torch.float64)
    extended = torch.nn.functional.pad(x, (network.radius + folded_tail.TAIL_RADIUS,) * 4, mode="replicate")
    r = network.radius
    b = (extended + network.residual(extended))[..., r:-r, r:-r]
    got = convolve(b, *folded_tail.fold(network.conv_ext))
    assert (got - explicit(network, x, 1)).abs().max() < 1e-12


@pytest.mark.parametrize("luma", [False, True])
@pytest.mark.parametrize("scale", [1, 2])
def test_the_upscaler_is_the_explicit_way(scale: int, luma: bool) -> None:
    network = tiny_network(n=3, channels=6)
    x = torch.rand(2, 3, 30, 45)
    got = TiledUpscaler(network, CPU, torch.float32, scale=scale, luma=luma)(x)
    wanted = explicit(network.double(), x.double(), scale)
    if luma:
        wanted = torch.einsum("c,bchw->bhw", torch.tensor([0.2126, 0.7152, 0.0722]).double(), wanted)[:, None]
    assert got.shape == wanted.shape
    assert (got - wanted).abs().max() < 1e-5


@settings(max_examples=25)
@given(
    tile_width=st.integers(16, 90), tile_height=st.integers(16, 60), batch=st.integers(1, 9),
    scale=st.sampled_from([1, 2]), height=st.integers(16, 70), width=st.integers(16, 100), count=st.integers(1, 3),
    luma=st.booleans(),
)  # fmt: skip
def test_tiled_equals_untiled_to_the_bit(
    tile_width: int, tile_height: int, batch: int, scale: int, height: int, width: int, count: int, luma: bool
) -> None:
    network = tiny_network(n=1, channels=8)
    x = torch.rand(count, 3, height, width)
    tile = (tile_width, tile_height)
    whole = TiledUpscaler(network, CPU, torch.float32, scale=scale, luma=luma, tile="none")(x)
    tiled = TiledUpscaler(network, CPU, torch.float32, scale=scale, luma=luma, tile=tile, batch=batch)(x)
    assert torch.equal(whole, tiled)


@pytest.mark.parametrize("threads", [1, 2])
def test_64_channels_batches_and_threads_agree_to_the_bit(threads: int) -> None:
    network = tiny_network(n=3, channels=64)
    x = torch.rand(2, 3, 90, 120)
    whole = TiledUpscaler(network, CPU, torch.float32, tile="none")(x)
    luma = TiledUpscaler(network, CPU, torch.float32, tile="none", luma=True)(x)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        for batch in (1, 8):
            assert torch.equal(whole, TiledUpscaler(network, CPU, torch.float32, tile=(48, 32), batch=batch)(x))
            assert torch.equal(
                luma, TiledUpscaler(network, CPU, torch.float32, tile=(48, 33), batch=batch, luma=True)(x)
            )
    finally:
        torch.set_num_threads(before)


def test_bf16_residual_stays_near_float64() -> None:
    network = tiny_network(n=3, channels=64)
    x = torch.rand(1, 3, 64, 64)
    got = TiledUpscaler(network, CPU, torch.bfloat16)(x)
    error = (got - explicit(network.double(), x.double(), 1)).square().mean()
    assert 10 * torch.log10(1 / error) > 45  # random weights; the shipped ones are measured in their cards


class Full:
    """A stand-in for a device's memory: raises torch's own error for batches of more than `room` pixels."""

    def __init__(self, upscaler: TiledUpscaler, room: int) -> None:
        self.inner, self.room = upscaler._tiles, room

    def __call__(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        if x[:, 0].numel() > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.inner(x, context)


def test_out_of_memory_halves_the_batch_then_the_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Message] = []
    network = tiny_network()
    x = torch.rand(4, 3, 100, 128)
    upscaler = TiledUpscaler(network, CPU, torch.float32, batch=4, on_message=said.append)
    monkeypatch.setattr(upscaler, "_tiles", Full(upscaler, 6000))
    assert torch.equal(upscaler(x), TiledUpscaler(network, CPU, torch.float32)(x))
    assert [(m.code, m.values) for m in said] == [
        (Code.OUT_OF_MEMORY_BATCH, {"device": CPU, "batch": 2}),
        (Code.OUT_OF_MEMORY_BATCH, {"device": CPU, "batch": 1}),
        (Code.OUT_OF_MEMORY_TILE, {"device": CPU, "width": 64, "height": 50}),
    ]


def test_out_of_memory_for_the_smallest_tile_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    upscaler = TiledUpscaler(tiny_network(), CPU, torch.float32)
    monkeypatch.setattr(upscaler, "_tiles", Full(upscaler, 10))
    with pytest.raises(DeviceError, match=r"cpu: no memory for a tile of \d+x\d+"):
        upscaler(torch.rand(1, 3, 100, 100))


def test_out_of_memory_ends_where_no_smaller_tile_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    upscaler = TiledUpscaler(tiny_network(), CPU, torch.float32)
    monkeypatch.setattr(upscaler, "_tiles", Full(upscaler, 10))
    monkeypatch.setattr(upscaler, "_multiple", 96)
    with pytest.raises(DeviceError, match="cpu: no memory for a tile of 96x96"):
        upscaler(torch.rand(1, 3, 400, 400))


def test_devices_and_precisions() -> None:
    assert pick_device("cpu") == CPU
    for name in ("gpu", "cuda:", "cuda:x", ""):
        with pytest.raises(OptionError):
            pick_device(name)
    with pytest.raises(OptionError, match=r"precision fp16: .* device cpu; expected one of auto, fp32, bf16, int8"):
        pick_precision("fp16", CPU)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match=r"device cuda: .* use --device cpu"):
            pick_device("cuda")


@pytest.mark.cuda
@pytest.mark.parametrize("luma", [False, True])
@pytest.mark.parametrize("scale", [1, 2])
def test_cuda_agrees_with_the_cpu(scale: int, luma: bool) -> None:
    network = tiny_network(n=3, channels=64)
    x = torch.rand(2, 3, 270, 480)
    wanted = TiledUpscaler(network, CPU, torch.float32, scale=scale, luma=luma)(x)
    for dtype, most in ((torch.float32, 1e-3), (torch.bfloat16, 0.5 / 255 * 8)):
        got = TiledUpscaler(network, torch.device("cuda"), dtype, scale=scale, luma=luma)(x.cuda()).cpu()
        assert (got - wanted).abs().max() < most

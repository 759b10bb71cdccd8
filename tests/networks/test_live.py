"""Live: luma at its own size, from folded pixels."""

import pytest
import torch
from helpers.networks import lively_live

from vidrts.colorplan import luma
from vidrts.networks.checkpoint import load_model
from vidrts.networks.live import LiveConfig
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.spec import NetworkSpec
from vidrts.picture.options import EngineName
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb

CPU = torch.device("cpu")


def picture(height: int = 52, width: int = 76) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(5))


def test_parameter_count() -> None:
    """(12 + 3 * 24 + 3 * 4) * 24 * 9 weights and their biases."""
    network = build(*RECIPES["live"])
    assert parameter_count(network) == (12 + 3 * 24 + 12) * 24 * 9 + 4 * 24 + 12
    assert network.spec == NetworkSpec(reach={1: 11}, multiple=2)
    assert network.spec.scales == (1,)


@pytest.mark.parametrize("levels", [(), (0.3, 0.1)])
@pytest.mark.parametrize("fold", [1, 2, 4])
def test_forward_is_the_formula(fold: int, levels: tuple[float, ...]) -> None:
    """A second implementation, a folded pixel at a time."""
    network = lively_live(fold, 1 if levels else 0).double()
    told = torch.tensor([levels], dtype=torch.float64) if levels else None
    x = network.prepared(picture(4 * fold, 6 * fold).double(), told)
    state = network.state_dict()
    z = torch.stack([x[0, c, dy::fold, dx::fold] for c in range(3) for dy in range(fold) for dx in range(fold)])

    def conv(value: torch.Tensor, name: str) -> torch.Tensor:
        padded = torch.nn.functional.pad(value, (1, 1, 1, 1))
        windows = padded.unfold(1, 3, 1).unfold(2, 3, 1)
        return torch.einsum("chwij,ocij->ohw", windows, state[f"{name}.weight"]) + state[f"{name}.bias"].view(-1, 1, 1)

    f = conv(z, "conv_in").relu()
    for i in range(2):
        f = f + conv(f, f"layers.{i}").relu()
    change = conv(f, "conv_out")
    wanted = luma(x)[0].clone()
    for dy in range(fold):
        for dx in range(fold):
            for term, factor in enumerate((1, *levels)):
                wanted[dy::fold, dx::fold] += factor * change[term * fold * fold + dy * fold + dx]
    torch.testing.assert_close(network(x)[0], wanted.expand(3, -1, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("fold", [1, 2, 4])
def test_a_pixel_is_felt_as_far_as_the_reach(fold: int) -> None:
    network = lively_live(fold)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    reach = network.spec.reach[1]
    side = 8 * fold * 5
    a = torch.full((1, 3, side, side), 0.5)
    felt = 0
    for place in range(side // 2, side // 2 + fold):
        b = a.clone()
        b[..., place, place] = 1
        rows = (network(a) != network(b))[0, 0].nonzero()[:, 0]
        felt = max(felt, int(rows.max()) - place, place - int(rows.min()))
    assert felt == reach


@pytest.mark.parametrize("blur_level", [0, 1])
@pytest.mark.parametrize("fold", [2, 4])
def test_tiles_equal_the_whole(fold: int, blur_level: int) -> None:
    """Of sizes that are no multiple of the fold."""
    network, rgb = lively_live(fold, blur_level), picture(53, 75)
    whole, tiled = (
        TiledUpscaler(network, CPU, torch.float32, tile=tile, luma=True)(rgb) for tile in ("none", (24, 16))
    )
    assert whole.shape == (1, 1, 53, 75)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-6)
    assert (whole - luma(rgb)[:, None]).abs().max() > 0.01


@pytest.mark.parametrize(("engine", "precision", "near"), [
    ("torch", torch.float32, 1e-5), ("openvino", torch.float32, 1e-5), ("openvino", torch.int8, 0.02),
    ("torch", torch.bfloat16, 0.01),
])  # fmt: skip
@pytest.mark.parametrize("blur_level", [0, 1])
def test_engines_compute_it(engine: EngineName, precision: torch.dtype, near: float, blur_level: int) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    network, rgb = lively_live(2, blur_level), picture()
    upscaler = TiledUpscaler(network, CPU, precision, luma=True, engine=engine)
    assert upscaler.computation(52, 76).engine == engine
    padded = torch.nn.functional.pad(rgb, (24,) * 4, mode="replicate")
    levels = None if network.blur_level is None else network.blur_level.of_pictures(luma(rgb)[:, None])
    wanted = network(network.prepared(padded, levels))[:, :1, 24:-24, 24:-24]
    torch.testing.assert_close(upscaler(rgb), wanted, rtol=0, atol=near)


@pytest.mark.cuda
@pytest.mark.parametrize(("precision", "near"), [(torch.float32, 1e-5), (torch.float16, 5e-3)])
def test_a_gpu_computes_it(precision: torch.dtype, near: float) -> None:
    network, rgb = lively_live(2, 1), picture()
    there, here = (TiledUpscaler(network, torch.device(device), kind, luma=True)(rgb.to(device)).cpu()
                   for device, kind in (("cuda", precision), ("cpu", torch.float32)))  # fmt: skip
    torch.testing.assert_close(there, here, rtol=0, atol=near)


def test_colours_play_no_part() -> None:
    network, rgb = lively_live(2), picture()
    grey = luma(rgb)[:, None].expand(-1, 3, -1, -1)
    a, b = (TiledUpscaler(network, CPU, torch.float32, luma=True)(each) for each in (rgb, grey))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"fold": 0}, {"fold": 9}, {"n": 0}, {"channels": 0}, {"blur_level": 2}])
def test_what_it_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Live: expected"):
        LiveConfig(**wrong)


def test_grey_is_the_same_as_luma_and_as_colours() -> None:
    """Of the model that ships, in float32."""
    network, grey = load_model("live").network, luma(picture())[:, None]
    planes, colours = (TiledUpscaler(network, CPU, torch.float32, luma=only) for only in (True, False))
    made = planes(grey.expand(-1, 3, -1, -1))
    assert (made - grey).abs().max() > 1e-3
    torch.testing.assert_close(colours(grey.expand(-1, 3, -1, -1)), made.expand(-1, 3, -1, -1), rtol=0, atol=1e-6)
    torch.testing.assert_close(enhanced_rgb(planes, grey.expand(-1, 3, -1, -1)), made.expand(-1, 3, -1, -1), rtol=0,
                               atol=1e-6)  # fmt: skip

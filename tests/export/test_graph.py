"""The exported graph computes what the enhancer does, whatever the network."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from helpers.networks import lively_gmgbp, lively_live, tiny_network
from helpers.toy_networks import Strided

from vidrts.colorplan import luma
from vidrts.errors import OptionError
from vidrts.export.graph import PictureGraph
from vidrts.networks.blur_level import MOST, BlurLevel, estimated
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.ops.lanczos import enlarge
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")
SMALL: Mapping[str, Mapping[str, int]] = {
    "srcnn": {}, "fsrcnn": {}, "vdsr": {"layers": 3, "channels": 4}, "edsr": {"blocks": 2, "channels": 4},
    "srresnet": {"blocks": 2, "channels": 4}, "g-mgbp": {"features": 4, "growth": 4},
}  # fmt: skip


def as_model(network: Network, colour: str = "rgb", scale: int = 1) -> LoadedModel:
    info = ModelInfo(
        name="small", architecture="", numbers={}, stage=1, degradation="", data_hash="", colour=colour, scale=scale,
    )  # fmt: skip
    return LoadedModel(network.eval().requires_grad_(False), info, Path("small.safetensors"))


def picture(height: int = 40, width: int = 56) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def enhanced(model: LoadedModel, rgb: torch.Tensor, scale: int, **more: float) -> torch.Tensor:
    """By the enhancer's own upscaler, unclamped."""
    alone = model.info.colour == "luma" or model.network.sees_luma_alone
    result = TiledUpscaler(
        model.network, CPU, torch.float32, scale=scale, luma=alone, engine="torch", noise="constant", **more
    )(rgb)
    base = rgb if scale == 1 else enlarge(rgb, scale)
    return base + (result - luma(base)[:, None]) if alone else result


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", SMALL)
def test_networks_of_all_kinds(name: str, scale: int) -> None:
    model = as_model(build(name, SMALL[name]))
    for weight in model.network.parameters():
        weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(
        PictureGraph(model, scale=scale)(picture()), enhanced(model, picture(), scale), atol=2e-5, rtol=0
    )


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("colour", ["rgb", "luma"])
@pytest.mark.parametrize("kind", [{}, {"luma_input": 1}, {"blur_level": 1}])
def test_rts_of_all_kinds(kind: dict[str, int], colour: str, scale: int) -> None:
    model = as_model(tiny_network(**kind), colour)
    rgb = picture(450, 470) if "blur_level" in kind else picture()
    torch.testing.assert_close(PictureGraph(model, scale=scale)(rgb), enhanced(model, rgb, scale), atol=2e-5, rtol=0)


def test_noise_is_the_same_everywhere() -> None:
    model = as_model(lively_gmgbp())
    noisy = PictureGraph(model, scale=4, amplitude=0.5)(picture(20, 24))
    torch.testing.assert_close(noisy, enhanced(model, picture(20, 24), 4, amplitude=0.5), atol=1e-4, rtol=0)
    assert (noisy - PictureGraph(model, scale=4)(picture(20, 24))).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["rts-lite", "rts-lite-2x", "rts-r1"])
def test_a_plane_gives_the_luma_of_grey(name: str) -> None:
    scale = 2 if name.endswith("2x") else 1
    model = load_model(name, scale)
    told = {"blur": (0.2, 0.4)} if model.network.blur_level else {}
    grey = picture()[:, :1]
    of_grey = PictureGraph(model, scale=scale, **told)(grey.expand(-1, 3, -1, -1))
    plane = PictureGraph(model, scale=scale, plane=True, **told)(grey)
    assert plane.shape == (1, 1, 40 * scale, 56 * scale)
    torch.testing.assert_close(plane, luma(of_grey)[:, None], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(449, 463), (540, 960), (1080, 700)])
def test_blur_levels_are_estimated_as_the_enhancer_does(size: tuple[int, int]) -> None:
    estimator = load_model("rts-lite").network.blur_level
    assert isinstance(estimator, BlurLevel)
    noise = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(2))
    plane = torch.nn.functional.avg_pool2d(noise, 5, 1, padding=2) * torch.linspace(0.2, 1, size[1])
    wanted = estimator.of_pictures(plane)
    assert not torch.equal(wanted[0], torch.tensor(MOST))
    torch.testing.assert_close(estimated(estimator, plane), wanted, atol=1e-5, rtol=0)


def test_what_a_model_does_not_offer_is_refused() -> None:
    model = as_model(tiny_network())
    for wrong, said in (
        ({"scale": 4}, "expected scale 1 or 2, got 4"), ({"blur": (0.1, 0.1)}, "blur levels"),
        ({"amplitude": 0.5}, "noise"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=said):
            PictureGraph(model, **wrong)


@pytest.mark.parametrize(
    "network", [Strided(), lively_live(2), lively_live(4, blur_level=1)], ids=["strided", "live", "told"]
)
def test_networks_of_multiples_take_any_size(network: Network) -> None:
    model, rgb = as_model(network, "luma"), picture(451, 459)[..., :451, :459]
    scale = min(network.spec.scales)
    made = PictureGraph(model, scale=scale).eval()(rgb)
    torch.testing.assert_close(made, enhanced(model, rgb, scale), atol=2e-5, rtol=0)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["live", "rts-lite"])
def test_what_is_exported_computes_the_same_on_a_gpu(name: str) -> None:
    """In float16, as players run it; blur levels as given."""
    graph = PictureGraph(load_model(name), plane=True, blur=(0.15, 0.3)).eval().requires_grad_(False)
    plane = torch.rand(1, 1, 90, 120, generator=torch.Generator().manual_seed(2))
    here = graph(plane)
    there = graph.half().to("cuda")(plane.half().to("cuda"))
    torch.testing.assert_close(there.float().cpu(), here, atol=1e-2, rtol=0)

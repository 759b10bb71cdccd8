"""Networks of others: made by spandrel's own classes, imported, run in tiles; and those that are refused."""

import importlib
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from helpers.small_films import small_film
from PIL import Image
from torch import nn

from vidrts.cli import run
from vidrts.errors import MissingPackageError, ModelError
from vidrts.messages import Code, Message
from vidrts.networks import spandrel_import
from vidrts.networks.checkpoint import load_model
from vidrts.networks.foreign import read_foreign
from vidrts.networks.measured_reach import Reach
from vidrts.networks.spec import NetworkSpec
from vidrts.ops.lanczos import halve
from vidrts.picture.tiled_upscaler import TiledUpscaler

pytest.importorskip("spandrel", reason="needs the extra import")

CLASSES = {
    "compact": "Compact.__arch.SRVGG.SRVGGNetCompact",
    "esrgan": "ESRGAN.__arch.RRDB.RRDBNet",
    "span": "SPAN.__arch.span.SPAN",
    "plksr": "PLKSR.__arch.RealPLKSR.RealPLKSR",
    "swinir": "SwinIR.__arch.SwinIR.SwinIR",
    "rcan": "RCAN.__arch.rcan_arch.RCAN",
    "fdat": "FDAT.__arch.fdat.FDAT",
    "dncnn": "DnCNN.__arch.network_dncnn.DnCNN",
}


def made(kind: str, **numbers: Any) -> nn.Module:
    """A network of spandrel's class with lively random weights."""
    module, _, name = f"spandrel.architectures.{CLASSES[kind]}".rpartition(".")
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network: nn.Module = getattr(importlib.import_module(module), name)(**numbers)
    return network.eval().requires_grad_(False)


def compact(scale: int) -> nn.Module:
    return made("compact", num_feat=8, num_conv=2, upscale=scale)


def saved(network: nn.Module, path: Path, wrapper: str = "params_ema") -> Path:
    """As training programs save networks; returns `path`."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(weights, path)
    else:
        torch.save({wrapper: weights, "iter": 5} if wrapper else weights, path)
    return path


def imported(file: Path) -> Path:
    """By the command; returns the model's path."""
    out = file.with_name(f"{file.stem}-model.safetensors")
    assert run(["import", str(file), str(out)]) == 0
    return out


def refused(file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says of it, in one line; there is no model."""
    out = file.with_name("refused.safetensors")
    capsys.readouterr()
    assert run(["import", "-q", str(file), str(out)]) == 1 and not out.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vidrts: {file}: ")
    return line


def truth(network: nn.Module, picture: torch.Tensor, scale: int, around: int = 48) -> torch.Tensor:
    """What it makes of the whole picture, extended by its outermost pixels."""
    y = network(F.pad(picture, (around,) * 4, mode="replicate")).clamp(0, 1)
    border = scale * around
    return y[..., border:-border, border:-border]


def in_tiles(model: Path, picture: torch.Tensor, scale: int) -> torch.Tensor:
    return TiledUpscaler(
        load_model(model).network, torch.device("cpu"), torch.float32, scale=scale, tile=(32, 16)
    )(picture)  # fmt: skip


def check(network: nn.Module, model: Path, scale: int) -> None:
    """In tiles the model is the network, within 1e-5."""
    picture = torch.rand(1, 3, 45, 70, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        wanted = truth(network, picture, scale)
        assert (in_tiles(model, picture, scale) - wanted).abs().max() < 1e-5
        assert (wanted - F.interpolate(picture, scale_factor=scale)).abs().max() > 1e-2, "it changes the picture"


def test_a_1x_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = compact(1)
    model = imported(saved(network, tmp_path / "1x.pth"))
    said = capsys.readouterr().err
    assert "Compact" in said and "scales 1," in said
    loaded = load_model(model)
    assert loaded.network.spec == NetworkSpec(reach={1: 4}) and loaded.info.scales(loaded.network.spec) == (1,)
    assert loaded.info.training["imported"] == "1x.pth" and "its author's" in loaded.info.licence
    check(network, model, 1)
    assert run(["import", "-y", str(model), str(model)]) == 2, "a source is never replaced"
    assert run(["models", str(model)]) == 0 and "rgb" not in capsys.readouterr().err


def test_a_2x_network_also_serves_the_source_size(tmp_path: Path) -> None:
    network = compact(2)
    model = imported(saved(network, tmp_path / "2x.safetensors"))
    loaded = load_model(model, 2)
    assert loaded.network.spec == NetworkSpec(reach={2: 4}) and loaded.info.scales(loaded.network.spec) == (1, 2)
    check(network, model, 2)
    picture = torch.rand(1, 3, 40, 52)
    with torch.inference_mode():
        wanted = halve(truth(network, picture, 2))
        error = (in_tiles(model, picture, 1) - wanted).abs()
    assert error[..., 8:-8, 8:-8].max() < 1e-5


@pytest.mark.parametrize("wrapper", ["", "params", "state_dict", "model_state_dict"])
def test_wrappers_of_training_programs(wrapper: str, tmp_path: Path) -> None:
    told: list[Message] = []
    network, info = read_foreign(saved(compact(1), tmp_path / "a.pth", wrapper), told.append)
    assert [line.code for line in told] == [Code.REACH_MEASURED] and "Compact" in told[0].values["network"]
    assert network.spec == NetworkSpec(reach={1: 4}) and info.architecture == "spandrel"


def test_esrgan_that_begins_with_pixels_in_twos(tmp_path: Path) -> None:
    """As Real-ESRGAN's 2x: tiles begin where its blocks of pixels do, by what spandrel says of it."""
    network = made("esrgan", in_nc=12, out_nc=3, num_filters=8, num_blocks=1, scale=4, shuffle_factor=2)
    for weight in network.parameters():
        weight.mul_(1.5)
    model = imported(saved(network, tmp_path / "x2plus.pth"))
    assert load_model(model).network.spec.multiple == 4
    check(network, model, 2)


def test_span(tmp_path: Path) -> None:
    network = made("span", num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2)
    model = imported(saved(network, tmp_path / "span.pth"))
    assert load_model(model).network.spec == NetworkSpec(reach={2: 21})
    check(network, model, 2)
    loaded = load_model(model).network
    weights = [weight.data_ptr() for weight in loaded.parameters()]
    loaded(torch.rand(1, 3, 16, 16))
    assert weights == [weight.data_ptr() for weight in loaded.parameters()], "no weights are made anew for each picture"


def test_layer_norm_sees_pixels_and_group_norm_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = {"dim": 8, "n_blocks": 1, "kernel_size": 5, "upscaling_factor": 2}
    network = made("plksr", **numbers, layer_norm=True)
    check(network, imported(saved(network, tmp_path / "layer.pth")), 2)
    whole = made("plksr", **numbers)
    whole.feats[-1].weight.normal_(std=0.3)  # type: ignore[union-attr, index, operator]
    assert "whole picture" in refused(saved(whole, tmp_path / "group.pth"), capsys)


def test_code_that_writes_into_its_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """RCAN multiplies the picture by 255 in place."""
    network = made("rcan", scale=2, n_resgroups=1, n_resblocks=1, n_feats=8, reduction=4)
    monkeypatch.setattr(spandrel_import, "_reach", lambda network, descriptor: Reach(8, 1))  # it sees all of a picture
    rebuilt, _ = read_foreign(saved(network, tmp_path / "rcan.pth"))
    picture = torch.rand(1, 3, 20, 20)
    before = picture.clone()
    assert torch.equal(rebuilt(picture), network(before.clone()).clamp(0, 1)) and torch.equal(picture, before)


def test_whole_numbers_among_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """FDAT keeps its settings in a tensor of them."""
    network = made("fdat", scale=2, embed_dim=16, num_groups=1, depth_per_group=1, mid_dim=16)
    monkeypatch.setattr(spandrel_import, "_reach", lambda network, descriptor: Reach(8, 8))
    loaded = load_model(imported(saved(network, tmp_path / "fdat.pth")))
    picture = torch.rand(1, 3, 24, 24)
    assert (loaded.network(picture) - network(picture).clamp(0, 1)).abs().max() < 1e-6


def test_one_channel_is_luma(tmp_path: Path) -> None:
    network = made("dncnn", in_nc=1, out_nc=1, nc=8, nb=8, act_mode="R")
    loaded = load_model(imported(saved(network, tmp_path / "grey.pth")))
    assert loaded.network.spec == NetworkSpec(reach={1: 8}, channels="luma") and loaded.info.colour == "luma"


def test_pictures_and_films_are_enhanced(kodak: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = compact(2)
    model = imported(saved(network, tmp_path / "2x.pth"))
    with Image.open(sorted(kodak.rglob("*.png"))[4]) as image:
        image.convert("RGB").crop((200, 100, 296, 164)).save(tmp_path / "in.png")
    source = torch.from_numpy(np.asarray(Image.open(tmp_path / "in.png")).copy()).movedim(2, 0)[None] / 255
    arguments = "enhance --scale 2 --chroma sharpen --tile 32x32 -q --model".split()
    assert run([*arguments, str(model), str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
    with torch.inference_mode():
        wanted = (255 * truth(network, source, 2)[0]).round().movedim(0, 2)
    assert np.abs(np.asarray(Image.open(tmp_path / "out.png")).astype(int) - wanted.numpy()).max() <= 1

    clip, film = small_film(tmp_path / "in.mkv", "testsrc=s=64x48:r=25", frames=3), tmp_path / "out.mkv"
    capsys.readouterr()
    assert run(["enhance", "-v", "--no-progress", "--model", str(model), str(clip), str(film)]) == 0
    assert f"model {model}, engine torch, device cpu, precision fp32" in capsys.readouterr().err
    assert film.stat().st_size > 1000
    assert run(["enhance", "--dry-run", "-q", "--model", str(model), str(clip), str(tmp_path / "dry.mkv")]) == 0


class Evil:
    """Whose unpickling would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "enlarges by 4; expected 1x or 2x" in refused(saved(compact(4), tmp_path / "4x.pth"), capsys)
    window = made(
        "swinir", upscale=2, img_size=16, window_size=8, depths=[2], embed_dim=12, num_heads=[2],
        upsampler="pixelshuffledirect",
    )  # fmt: skip
    assert "SwinIR" in refused(saved(window, tmp_path / "window.pth"), capsys)
    alpha = made("compact", num_in_ch=4, num_out_ch=4, num_feat=8, num_conv=1, upscale=1)
    assert "4 channels" in refused(saved(alpha, tmp_path / "alpha.pth"), capsys)
    network = compact(1)
    network.body[0].weight[0, 0, 0, 0] = torch.nan  # type: ignore[union-attr, index]
    assert "finite" in refused(saved(network, tmp_path / "nan.pth"), capsys)
    others = {"a.weight": torch.zeros(3), "b": torch.zeros(2)}
    safetensors.torch.save_file(others, tmp_path / "others.safetensors")
    assert "2 tensors of other names" in refused(tmp_path / "others.safetensors", capsys)
    torch.save({"params": {"a": 1}}, tmp_path / "numbers.pth")
    refused(tmp_path / "numbers.pth", capsys)
    whole = saved(compact(1), tmp_path / "whole.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(whole.read_bytes()[:-10])
    refused(tmp_path / "cut.safetensors", capsys)
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"params_ema": Evil(tmp_path / "touched")}))
    refused(tmp_path / "evil.pth", capsys)
    torch.save({"params_ema": compact(1).state_dict(), "more": Evil(tmp_path / "touched")}, tmp_path / "evil2.pth")
    refused(tmp_path / "evil2.pth", capsys)
    assert not (tmp_path / "touched").exists()


def test_models_of_vidrts_need_no_import(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="is a vidrts model"):
        read_foreign(tiny_model)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(compact(1), tmp_path / "1x.pth")
    model = imported(file)
    monkeypatch.setitem(sys.modules, "spandrel", None)
    for call in (lambda: read_foreign(file), lambda: load_model(model)):
        with pytest.raises(MissingPackageError, match=r"pip install '\.\[import\]'") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_damaged_models_are_one_line(tmp_path: Path) -> None:
    model = imported(saved(compact(1), tmp_path / "1x.pth"))
    held = bytearray(model.read_bytes())
    held[-1] ^= 64
    model.write_bytes(held)
    with pytest.raises(ModelError, match="checksum"):
        load_model(model)

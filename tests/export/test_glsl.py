"""Shaders, run by the programs that they are for, give the enhancer's picture; and they really ran."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from helpers.networks import lively_live, tiny_network
from helpers.players import by_libplacebo, by_mpv, vulkan_device

from vidrts.cli import run as command
from vidrts.errors import OptionError
from vidrts.export.glsl.shader import export_glsl, shader
from vidrts.export.graph import PictureGraph
from vidrts.export.options import ShaderOptions
from vidrts.measure.fidelity import psnr
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.training.corpus import read_picture

EQUAL = 60
"""dB from which on a shader computes the same: players keep what is between passes in float16."""
FULL = ShaderOptions(full_range=True, blur=(0.2, 0.35))
COLOURS = replace(FULL, full_range=False)
"""Where MAIN is hooked."""


@pytest.fixture(scope="module")
def photograph(kodak: Path) -> torch.Tensor:
    """(3, 72, 104) uint8, of odd multiples of 8 and much detail."""
    return read_picture(sorted(kodak.rglob("*.png"))[7])[:, 200:272, 300:404].contiguous()


@pytest.fixture(scope="module")
def grey(photograph: torch.Tensor) -> torch.Tensor:
    return photograph.float().mean(0, keepdim=True).round().byte()


def small(network: Network, colour: str = "rgb", scale: int = 1) -> LoadedModel:
    info = ModelInfo(
        name="small", architecture="", numbers={}, stage=1, degradation="", data_hash="", colour=colour, scale=scale,
    )  # fmt: skip
    return LoadedModel(network, info, Path("small.safetensors"))


@torch.inference_mode()
def graph(model: LoadedModel, x: torch.Tensor, **how: Any) -> torch.Tensor:
    """What the enhancer's own tests hold against it."""
    return PictureGraph(model, **how).eval()(x)


class Ran(NamedTuple):
    """A shader, run by libplacebo."""

    hook: str
    equal: float
    """dB against the graph."""
    untouched: float
    """dB of the source, enlarged by bicubic, against the graph: what a shader that did not run would have."""


def ran(model: LoadedModel, options: ShaderOptions, picture: torch.Tensor, folder: Path) -> Ran:
    """The picture is luma where it has one channel."""
    file, plane, x = folder / "network.glsl", len(picture) == 1, picture[None].float() / 255
    told = model.network.blur_level is not None
    hook = export_glsl(model, file, options if told else replace(options, blur=None))
    wanted = graph(model, x, scale=options.scale, plane=plane, blur=options.blur if told else None)
    source = torch.nn.functional.interpolate(x, scale_factor=options.scale, mode="bicubic")
    if options.scale == 1:
        wanted = x + options.strength * (wanted - x)
    got = by_libplacebo(file, picture, options.scale)[None]
    return Ran(hook, psnr(got, wanted.clamp(0, 1)), psnr(source, wanted))


@pytest.mark.parametrize(("name", "scale"), [("rts-lite", 1), ("rts-r3", 1), ("rts-lite", 2)])
def test_shipped_models(name: str, scale: int, grey: torch.Tensor, tmp_path: Path) -> None:
    found = ran(load_model(name, scale), replace(FULL, scale=scale), grey, tmp_path)
    assert found.hook == "LUMA"
    assert found.equal > EQUAL > found.untouched + 10


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("numbers", [{"channels": 10}, {"luma_input": 1}, {"blur_level": 1}], ids=str)
def test_networks_of_luma(numbers: dict[str, int], scale: int, grey: torch.Tensor, tmp_path: Path) -> None:
    """Also of a network that sees colours, and of channels that do not fill the tiles."""
    found = ran(small(tiny_network(**numbers), scale=scale), replace(FULL, scale=scale, plane=True), grey, tmp_path)
    assert found.hook == "LUMA"
    assert found.equal > EQUAL > found.untouched + 10


@pytest.mark.parametrize(("fold", "blur_level", "cut"), [(1, 0, 0), (2, 0, 1), (2, 1, 0), (4, 1, 3)])
def test_live(fold: int, blur_level: int, cut: int, grey: torch.Tensor, tmp_path: Path) -> None:
    """Of sizes that are no multiple of the fold, too."""
    picture = grey[:, : grey.shape[1] - cut, : grey.shape[2] - cut].contiguous()
    found = ran(small(lively_live(fold, blur_level), "luma"), replace(FULL, strength=0.8), picture, tmp_path)
    assert found.hook == "LUMA"
    assert found.equal > EQUAL > found.untouched + 10


@pytest.mark.parametrize("colour", ["rgb", "luma"])
def test_networks_of_colours(colour: str, photograph: torch.Tensor, tmp_path: Path) -> None:
    found = ran(small(tiny_network(n=2), colour), COLOURS, photograph, tmp_path)
    assert found.hook == "MAIN"
    assert found.equal > EQUAL > found.untouched + 10


def test_strength_is_that_of_the_enhancer(grey: torch.Tensor, photograph: torch.Tensor, tmp_path: Path) -> None:
    model = small(tiny_network(channels=8))
    for options, picture in ((replace(FULL, plane=True), grey), (COLOURS, photograph)):
        found = ran(model, replace(options, strength=0.5), picture, tmp_path)
        assert found.equal > EQUAL > found.untouched + 10


def test_limited_range_is_that_of_films(grey: torch.Tensor, tmp_path: Path) -> None:
    """Between 16 and 235 the same as the full range's between 0 and 255, but for rounding."""
    model = small(tiny_network(luma_input=1))
    limited = (grey.float() * 219 / 255 + 16).round().byte()
    export_glsl(model, tmp_path / "limited.glsl", ShaderOptions())
    got = (by_libplacebo(tmp_path / "limited.glsl", limited, limited=True) * 65535 / 256 - 16) / 219
    wanted = graph(model, (limited[None].float() - 16) / 219, plane=True)[0]
    assert psnr(got, wanted) > EQUAL


@pytest.mark.parametrize(("output", "name"), [("gpu", "rts-lite"), ("gpu", "live"), ("gpu-next", "rts-lite")])
def test_mpv_shows_what_torch_computes(output: str, name: str, grey: torch.Tensor, tmp_path: Path) -> None:
    model = small(lively_live(2, blur_level=1), "luma") if name == "live" else load_model(name)
    export_glsl(model, tmp_path / "network.glsl", FULL)
    shown = by_mpv(tmp_path / "network.glsl", grey, output, tmp_path) * 255
    wanted = graph(model, grey[None].float() / 255, plane=True, blur=FULL.blur)[0].clamp(0, 1) * 255
    assert (shown - wanted).abs().max() < 1.01, "8 bits"
    assert (wanted - grey.float()).abs().max() > 10, "else a shader that did not run would pass"


def test_vapoursynth_runs_one_with_parameters(grey: torch.Tensor, tmp_path: Path) -> None:
    vs = pytest.importorskip("vapoursynth")
    if not hasattr(vs.core, "placebo"):
        pytest.skip("vs-placebo is not installed: pip install vs-placebo")
    vulkan_device()
    model, (_, height, width) = load_model("rts-lite"), grey.shape
    export_glsl(model, tmp_path / "lite.glsl", replace(FULL, parameters=True, strength=0.8))

    def fill(n: int, f: Any) -> Any:
        frame = f.copy()
        np.asarray(frame[0])[:] = grey[0].numpy().astype(np.uint16) * 257
        for chroma in (1, 2):
            np.asarray(frame[chroma])[:] = 1 << 15
        frame.props["_Range"] = vs.RANGE_FULL
        frame.props["_Matrix"] = vs.MATRIX_BT709
        return frame

    clip = vs.core.std.BlankClip(format=vs.YUV444P16, width=width, height=height, length=1, keep=True)
    clip = vs.core.std.ModifyFrame(clip, clip, fill)
    frame = vs.core.placebo.Shader(clip, shader=str(tmp_path / "lite.glsl")).get_frame(0)
    got = torch.from_numpy(np.array(frame[0]).astype(np.float32) / 65535)
    x = grey[None].float() / 255
    wanted = x + 0.8 * (graph(model, x, plane=True, blur=FULL.blur) - x)
    assert psnr(got, wanted[0, 0].clamp(0, 1)) > EQUAL
    assert psnr(x, wanted) < EQUAL - 10, "else a shader that did not run would pass"


def test_the_texture_of_weights_holds_what_passes_read() -> None:
    """Weights of a wide layer are in a texture, whose rows are full."""
    text = shader(load_model("rts-r3"), FULL)
    (size,) = re.findall(r"//!SIZE (\d+) (\d+)\n", text)
    (data,) = re.findall(r"^[0-9a-f]{64,}$", text, re.M)
    assert len(data) == int(size[0]) * int(size[1]) * 16 * 2
    assert max(map(int, size)) <= 1024


def test_parameters_are_asked_for() -> None:
    model = load_model("rts-lite")
    assert "//!PARAM" not in shader(model, FULL)
    text = shader(model, replace(FULL, parameters=True, strength=0.7))
    assert re.findall(r"//!PARAM (\w+)\n(?:.*\n){4}(.+)", text) == [
        ("strength", "0.7"), ("blur_fine", "0.35"), ("blur_coarse", "0.2"),
    ]  # fmt: skip
    assert re.findall(r"//!MAXIMUM (.+)", text) == ["2.0", "1.0", "1.0"], "what the options take, parameters take"
    assert "#define strength" not in text


def test_what_is_no_shader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match=r"safetensors: shaders are made of networks of rts-\* and live; "):
        shader(small(build("fsrcnn", {})))
    with pytest.raises(OptionError, match="rts-lite-2x: expected scale 2, got 1"):
        shader(load_model("rts-lite", 2), FULL)
    for options, line in (
        (ShaderOptions(blur=(0.1, 0.2)), "small.safetensors: is not told blur levels; leave --blur-level out"),
        (ShaderOptions(scale=2, strength=0.5), "strength is of scale 1, got 0.5 at scale 2"),
        (ShaderOptions(full_range=True), "hooks MAIN, R'G'B' in full range; leave --full-range out"),
    ):
        with pytest.raises(OptionError, match=line):
            shader(small(tiny_network()), options)
    for words, name, line in (
        (["--fp16"], "lite.glsl", "--fp16 is for .onnx alone"),
        (["--strength", "1"], "lite.onnx", "--strength is for .glsl alone"),
        ([], "lite.frag", "expected a name that ends in .onnx or .glsl"),
    ):
        assert command(["export", *words, "rts-lite", str(tmp_path / name)]) == 2
        assert f"{name}: {line}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["export", "rts-lite", str(tmp_path / "lite.glsl")]) == 0
    assert "a shader that hooks LUMA" in capsys.readouterr().err
    assert (tmp_path / "lite.glsl").read_text() == shader(load_model("rts-lite"))

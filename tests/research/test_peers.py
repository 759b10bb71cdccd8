"""The same weights in vidrts and in other programs: what they are given, and how precise they are."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.networks import tiny_network

from vidrts import color, colorplan
from vidrts.bench.clip import clip_of, sample, scaled
from vidrts.errors import OptionError
from vidrts.media.write.options import EncodeOptions
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model, save_model
from vidrts.networks.registry import build
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.pipeline import enhance
from vidrts.research.__main__ import run_research
from vidrts.research.peers.files import BLUR_LEVEL, write_ncnn, write_onnx
from vidrts.research.peers.peer_benchmark import Contest
from vidrts.research.peers.pipe import Filter, by_ncnn, by_onnxruntime, eager
from vidrts.research.peers.truth import luma_psnr
from vidrts.training.objective import at_source_size


def picture() -> torch.Tensor:
    """(1, 3, h, w) R'G'B' of a real frame, small."""
    frame = scaled(sample(), (96, 64), 1)[0]
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    return color.to_rgb(frame.planes, colorplan.plan(tags, frame.format))[None].clamp(0, 1)


@pytest.fixture(params=["rts-lite", "live"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedModel:
    """A shipped model, and a network that folds pixels, of new weights."""
    if request.param == "rts-lite":
        return load_model("rts-lite")
    numbers = {"fold": 2, "channels": 8, "n": 2}
    about = ModelInfo(
        name="live", architecture="live", numbers=numbers, stage=1, degradation="", data_hash="", colour="luma"
    )  # fmt: skip
    save_model(tmp_path / "live.safetensors", build("live", numbers), about)
    return load_model(tmp_path / "live.safetensors")


def test_peers_are_given_the_model(model: LoadedModel, tmp_path: Path) -> None:
    """For one size, which is no multiple of what a network folds."""
    plane = colorplan.luma(picture())[0, :-1, :-3].contiguous()
    size = plane.shape[1], plane.shape[0]
    filled = torch.nn.functional.pad(plane[None, None], (0, -size[0] % 2, 0, -size[1] % 2), mode="replicate")
    with torch.no_grad():
        told = model.network.prepared(filled.expand(-1, 3, -1, -1), torch.tensor([BLUR_LEVEL]))
        wanted = colorplan.luma(at_source_size(model.network, model.network(told)))[0, : size[1], : size[0]]

    def check(enhance: Filter) -> None:
        inner = slice(16, -16), slice(16, -16)  # the network alone has zeros around the picture
        got = torch.from_numpy(enhance(plane.numpy()))
        torch.testing.assert_close(got[inner], wanted[inner], atol=1e-4, rtol=0)

    check(eager(str(model.path), size))
    pytest.importorskip("onnx")
    write_onnx(model, size, tmp_path / "net.onnx")
    check(by_onnxruntime(str(tmp_path / "net.onnx"), size))
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")
    write_ncnn(tmp_path / "net.onnx", size)
    check(by_ncnn(str(tmp_path / "net.onnx"), size))


def test_peers_want_a_model_of_luma(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_research(["peers", "--quick", "--model", "rts-r1"]) == 2
    assert "rts-r1: peers are given luma alone" in capsys.readouterr().err


def test_precision_is_that_of_8_bits(tiny_model: Path, tmp_path: Path) -> None:
    """In float32 nothing is lost but the rounding, 58.9 dB; a picture that is not enhanced is far off."""
    clip = clip_of(sample(), (160, 96), 3, tmp_path)
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu", precision="fp32", engine="torch"),
        encode=EncodeOptions(video_codec="ffv1"),
    )  # fmt: skip
    enhance(clip.path, tmp_path / "out.mkv", options)
    network = tiny_network()
    assert luma_psnr(clip.path, tmp_path / "out.mkv", network) == pytest.approx(58.9, abs=0.3)
    enhance(clip.path, tmp_path / "same.mkv", replace(options, picture=replace(options.picture, strength=0)))
    assert luma_psnr(clip.path, tmp_path / "same.mkv", network) < 50


def test_contests_are_checked() -> None:
    for wrong in ({"frames": (5, 5)}, {"rounds": 0}):
        with pytest.raises(OptionError):
            Contest(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_contest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    assert run_research(["peers", "--quick", "--json", str(tmp_path / "peers.json")]) == 0
    found = json.loads((tmp_path / "peers.json").read_text())["standings"]
    assert found[0]["name"] == "vidrts" and not found[0]["absent"]
    assert all(other["absent"] or not other["model"] or other["psnr"] > 50 for other in found)
    assert all(other["seconds"] > 0 for other in found if other["name"].startswith("FFmpeg"))
    assert "luma against float64" in capfd.readouterr().out

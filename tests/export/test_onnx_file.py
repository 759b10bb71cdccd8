"""ONNX files: run by ONNX Runtime, OpenVINO and VapourSynth they give the enhancer's picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.networks import lively_live, tiny_network

from vidrts.cli import run as command
from vidrts.errors import ModelError, OptionError
from vidrts.export import onnx_file
from vidrts.export.onnx_file import export_onnx
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model, save_model
from vidrts.networks.registry import build
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.training.corpus import read_picture

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def run(file: Path, picture: torch.Tensor) -> torch.Tensor:
    """By ONNX Runtime."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"input": picture.numpy()})[0])


def by_enhancer(model: LoadedModel, rgb: torch.Tensor, scale: int = 1) -> torch.Tensor:
    alone = model.info.colour == "luma" or model.network.sees_luma_alone
    upscaler = TiledUpscaler(model.network, torch.device("cpu"), torch.float32, scale=scale, luma=alone)
    return enhanced_rgb(upscaler, rgb)


def photograph(kodak: Path, height: int = 460, width: int = 470) -> torch.Tensor:
    return read_picture(sorted(kodak.rglob("*.png"))[7])[None, :, :height, :width].float() / 255


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """rts-lite for one size, by the command."""
    file = tmp_path_factory.mktemp("onnx") / "lite.onnx"
    assert command(["export", "-q", "--size", "470x460", "rts-lite", str(file)]) == 0
    return file


def test_a_shipped_model_gives_the_enhancers_picture(lite: Path, kodak: Path) -> None:
    rgb = photograph(kodak)
    torch.testing.assert_close(run(lite, rgb).clamp(0, 1), by_enhancer(load_model("rts-lite"), rgb), atol=1e-5, rtol=0)
    onnx.checker.check_model(onnx.load(lite), full_check=True)


def test_a_file_says_what_it_is(lite: Path) -> None:
    made = onnx.load(lite)
    told = {prop.key: prop.value for prop in made.metadata_props}
    model = load_model("rts-lite")
    assert told["name"] == "rts-lite" and told["licence"] == model.info.licence and told["scale"] == "1"
    assert told["overlap"] == "9" and "R'G'B'" in told["input"] and "tiles" in told["blur level"]
    assert made.opset_import[0].version == onnx_file.OPSET and made.producer_name == "vidrts"


def test_openvino_runs_it(lite: Path, kodak: Path) -> None:
    import openvino

    rgb = photograph(kodak)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(openvino.Core().read_model(lite), "CPU", settings)
    got = torch.from_numpy(np.array(compiled(rgb.numpy())[0]))
    torch.testing.assert_close(got, run(lite, rgb), atol=1e-4, rtol=0)


def test_vapoursynth_runs_it(lite: Path, kodak: Path) -> None:
    vs = pytest.importorskip("vapoursynth")
    if not hasattr(vs.core, "ort"):
        pytest.skip("vs-mlrt is not installed: pip install vapoursynth-mlrt-ort")
    rgb = photograph(kodak)
    clip = vs.core.std.BlankClip(format=vs.RGBS, width=rgb.shape[3], height=rgb.shape[2], length=1)

    def fill(n: int, f: Any) -> Any:
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = rgb[0, plane].numpy()
        return frame

    clip = vs.core.std.ModifyFrame(clip, clip, fill)
    frame = vs.core.ort.Model([clip], str(lite), provider="CPU").get_frame(0)
    got = torch.stack([torch.from_numpy(np.array(frame[plane])) for plane in range(3)])[None]
    torch.testing.assert_close(got, run(lite, rgb), atol=1e-5, rtol=0)


def test_a_network_of_multiples_takes_any_size_that_is_one(tmp_path: Path) -> None:
    network = lively_live(2)
    info = ModelInfo(
        name="live", architecture="live", numbers={}, stage=1, degradation="", data_hash="", colour="luma",
    )  # fmt: skip
    made = export_onnx(LoadedModel(network, info, Path("live")), tmp_path / "live.onnx")
    assert (made.multiple, made.least, made.overlap) == (2, 16, 10)
    assert made.error < 1e-5, "of pictures of two sizes"


def small(tmp_path: Path, architecture: str, **numbers: int) -> LoadedModel:
    file = tmp_path / "small.safetensors"
    network = tiny_network() if architecture == "rts" else build(architecture, numbers)
    info = ModelInfo(
        name="small", architecture=architecture, numbers=numbers, stage=1, degradation="", data_hash="",
    )  # fmt: skip
    save_model(file, network, info)
    return load_model(file)


def test_half_precision_twice_the_size_of_a_plane(tmp_path: Path, kodak: Path) -> None:
    model = load_model("rts-lite", 2)
    made = export_onnx(model, tmp_path / "half.onnx", scale=2, plane=True, half=True, size=(64, 48))
    grey = photograph(kodak, 48, 64).mean(1, keepdim=True).half()
    got = run(tmp_path / "half.onnx", grey)
    assert got.shape == (1, 1, 96, 128) and got.dtype == torch.float16 and 0 < made.error < 0.01
    wanted = by_enhancer(model, grey.float().expand(-1, 3, -1, -1), 2)[:, :1]
    assert (got.float().clamp(0, 1) - wanted).abs().max() < 0.01
    told = {prop.key: prop.value for prop in onnx.load(tmp_path / "half.onnx").metadata_props}
    assert told["precision"] == "float16" and told["scale"] == "2" and told["input"].startswith("luma")


def test_any_size(tmp_path: Path, kodak: Path) -> None:
    model = small(tmp_path, "rts", n=1, channels=4)
    assert export_onnx(model, tmp_path / "any.onnx").error < 1e-5
    for size in ((16, 40), (61, 83)):
        rgb = photograph(kodak, *size)
        torch.testing.assert_close(
            run(tmp_path / "any.onnx", rgb).clamp(0, 1), by_enhancer(model, rgb), atol=1e-5, rtol=0
        )


@pytest.mark.slow
def test_blur_levels_are_estimated_at_any_size(tmp_path: Path, kodak: Path) -> None:
    model = load_model("rts-lite")
    export_onnx(model, tmp_path / "any.onnx")
    for size in ((449, 500), (480, 640)):
        rgb = photograph(kodak, *size)
        torch.testing.assert_close(
            run(tmp_path / "any.onnx", rgb).clamp(0, 1), by_enhancer(model, rgb), atol=1e-5, rtol=0
        )


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(
    ("architecture", "numbers"),
    [
        ("srcnn", {}), ("fsrcnn", {}), ("vdsr", {"layers": 3, "channels": 4}), ("edsr", {"blocks": 2, "channels": 4}),
        ("srresnet", {"blocks": 2, "channels": 4}), ("g-mgbp", {"features": 4, "growth": 4}),
    ],
)  # fmt: skip
def test_networks_of_all_kinds(
    architecture: str, numbers: dict[str, int], scale: int, tmp_path: Path, kodak: Path
) -> None:
    model = small(tmp_path, architecture, **numbers)
    amplitude = 0.5 if architecture == "g-mgbp" else 0.0
    made = export_onnx(model, tmp_path / "any.onnx", scale=scale, amplitude=amplitude)
    assert made.error < 1e-4
    rgb = photograph(kodak, 61, 83)
    if not amplitude:
        got = run(tmp_path / "any.onnx", rgb).clamp(0, 1)
        torch.testing.assert_close(got, by_enhancer(model, rgb, scale), atol=1e-4, rtol=0)


def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.onnx"
    with pytest.raises(OptionError, match="449x449"):
        export_onnx(load_model("rts-lite"), out, size=(1920, 400))
    monkeypatch.setitem(onnx_file._WORST, False, 0.0)
    with pytest.raises(ModelError, match="departs from torch"):
        export_onnx(small(tmp_path, "rts", n=1, channels=4), out, size=(32, 32))
    assert not out.exists() and {path.name for path in tmp_path.iterdir()} == {"small.safetensors"}
    for code, words, said in (
        (2, ["rts-lite", "out.bin"], "ends in .onnx"), (2, ["rts-lite", str(out), "--scale", "8"], "expected scale"),
        (2, ["rts-lite", str(out), "--size", "64x64,32x32"], "one size"), (1, ["nothing", str(out)], "nothing"),
        (2, ["rts-r1", str(out), "--noise-amplitude", "0.5"], "noise"),
        (2, ["rts-r1", str(tmp_path / "no" / "out.onnx")], "cannot be written"),
    ):  # fmt: skip
        assert command(["export", *words]) == code
        assert said in capfd.readouterr().err
    out.write_bytes(b"mine")
    assert command(["export", "rts-lite", str(out)]) == 2 and out.read_bytes() == b"mine"

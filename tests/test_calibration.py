"""What --detail means for a model: measured once, kept in its file, the same on every way to a picture."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import lively_gmgbp, tiny_network
from helpers.toy_networks import toy
from PIL import Image

from vidrts import calibration
from vidrts.cli import run
from vidrts.compare.preview import Variant, details, names
from vidrts.errors import ModelError, OptionError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model, save_model
from vidrts.networks.gmgbp import GMGBP
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")
AT_2 = EnhancerOptions(device="cpu", precision="fp32", scale=2, chroma="sharpen")


def saved(network: GMGBP, path: Path, **more: object) -> LoadedModel:
    numbers = {"features": 4, "growth": 2, "projections": 2}
    info = ModelInfo(
        name="m", architecture="g-mgbp", numbers=numbers, stage=1, degradation="cubic", data_hash="",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip
    save_model(path, network, info)
    return load_model(path)


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    return saved(lively_gmgbp(), tmp_path / "m.safetensors")


@pytest.fixture
def picture(kodak: Path, tmp_path: Path) -> Path:
    with Image.open(next(kodak.rglob("*.png"))) as image:
        image.crop((100, 100, 196, 164)).save(tmp_path / "crop.png")
    return tmp_path / "crop.png"


def frame() -> Frame:
    planes = tuple(torch.randint(40, 200, (20, 24), dtype=torch.uint8) for _ in range(3))
    fmt = pixel_format("gbrp")
    return Frame(planes=planes, format=fmt, color=ColorTags(matrix=0, range=2), pts=0, time_base=1)  # type: ignore[arg-type]


def test_the_table_inverts_the_change_and_rises() -> None:
    points, parts = [0, 0.01, 0.1, 0.3, 1], [0, 0.4, 0.35, 0.8, 1.0]
    table = calibration.inverse(points, parts)
    assert [detail for detail, _ in table] == pytest.approx([k / 20 for k in range(21)])
    assert all(a[1] <= b[1] for a, b in pairwise(table))
    for detail, w in table:
        if detail <= 0.4:
            assert w == pytest.approx(0.01 * detail / 0.4)
        elif detail <= 0.8:
            assert w == pytest.approx(0.1 + 0.2 * (detail - 0.4) / 0.4)
        else:
            assert w == pytest.approx(0.3 + 0.7 * (detail - 0.8) / 0.2)
    assert calibration.inverse([0, 0.1, 1], [0, 1.2, 1.0])[-1] == (1, pytest.approx(0.1 / 1.2)), "the least W"


def test_half_the_detail_is_half_the_change(model: LoadedModel, picture: Path) -> None:
    for name, weight in model.network.named_parameters():
        if name.startswith("up.block") and name.endswith(("conv1.weight", "conv.weight")):
            weight[:, 8] *= 0.1  # its change rises with W all the way then
    table = calibration.calibrate(model, [picture]).table
    calibrated = calibration.with_table(model, table)
    x = (torch.from_numpy(np.asarray(Image.open(picture)).copy()).permute(2, 0, 1)[None] / 255).float()

    def change(detail: float) -> float:
        w = calibrated.info.amplitude(detail)
        made, plain = (
            TiledUpscaler(model.network, CPU, torch.float32, scale=2, amplitude=each, noise="constant")(x)
            for each in (w, 0)
        )
        return float((made - plain).square().mean().sqrt())

    changes = [change(detail) for detail in (0, 0.25, 0.5, 0.75, 1)]
    assert changes[0] == 0 and all(a < b for a, b in pairwise(changes))
    assert [c / changes[-1] for c in changes] == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.12)


def test_a_limit_of_distortion_is_met(model: LoadedModel, picture: Path) -> None:
    free = calibration.calibrate(model, [picture])
    assert free.rmse is not None and free.rmse[0] < free.rmse[1]
    limit = (free.rmse[0] + free.rmse[1]) / 2
    met = calibration.calibrate(model, [picture], limit=limit)
    assert met.rmse is not None and limit - 0.5 < met.rmse[1] <= limit
    assert 0 < met.table[-1][1] < free.table[-1][1]
    with pytest.raises(OptionError, match=r"rmse 0.1: expected at least"):
        calibration.calibrate(model, [picture], limit=0.1)
    with pytest.raises(OptionError, match="pictures"):
        calibration.calibrate(model, limit=10)


def test_rmse_is_that_of_luma_without_the_border(model: LoadedModel, picture: Path) -> None:
    found = calibration.calibrate(model, [picture]).rmse
    truth = torch.from_numpy(np.asarray(Image.open(picture)).copy()).permute(2, 0, 1).double() / 255
    low = Image.open(picture).resize((48, 32), Image.Resampling.BICUBIC)
    x = (torch.from_numpy(np.asarray(low).copy()).permute(2, 0, 1)[None] / 255).float()
    made = TiledUpscaler(model.network, CPU, torch.float32, scale=2)(x)[0].double().clamp(0, 1)
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64).view(3, 1, 1)
    error = ((made - truth) * weights).sum(0)[4:-4, 4:-4]
    # Pillow rounds between its two passes.
    assert found is not None and found[0] == pytest.approx(255 * math.sqrt(float(error.square().mean())), abs=0.1)


def test_what_cannot_be_calibrated(tmp_path: Path, tiny_model: Path, model: LoadedModel, picture: Path) -> None:
    with pytest.raises(OptionError, match="no noise input"):
        calibration.calibrate(load_model(tiny_model))
    with pytest.raises(OptionError, match="expected scale 2 or 4 or 8, got 1"):
        calibration.calibrate(model, scale=1)
    with pytest.raises(OptionError, match=r"crop\.png: expected at least 128x128 pixels for scale 8"):
        calibration.calibrate(model, [picture], scale=8)
    deaf = lively_gmgbp()
    deaf.up.block.requires_grad_(False)
    for name, weight in deaf.up.block.named_parameters():
        if name.endswith(("conv1.weight", "conv.weight")):
            weight[:, 8] = 0
    with pytest.raises(ModelError, match=r"0\.000 code values RMS"):
        calibration.calibrate(saved(deaf, tmp_path / "deaf.safetensors"))


def test_the_command_keeps_it_in_the_file(model: LoadedModel, capsys: pytest.CaptureFixture[str]) -> None:
    before = model.path.read_bytes()
    assert run(["calibrate", str(model.path)]) == 0
    assert "detail 0.25 is W = " in capsys.readouterr().err
    again = load_model(model.path)
    assert len(again.info.detail) == calibration.STEPS + 1 and model.path.read_bytes() != before
    assert replace(again.info, detail=()) == model.info
    assert details(str(model.path), 2) == (0, 0.25, 0.5, 1) and details(str(model.path), 1) == (None,)
    variants = [Variant(model="m", picture=replace(AT_2, detail=detail)) for detail in (0, 0.5)]
    assert names(variants) == ["m, detail 0", "m, detail 0.5"]


def test_detail_of_a_frame(tmp_path: Path, model: LoadedModel) -> None:
    table = ((0, 0), (0.5, 0.125), (1, 0.5))
    calibrated = saved(lively_gmgbp(), tmp_path / "c.safetensors", detail=table)
    source = frame()

    def made(model: LoadedModel, **options: object) -> list[torch.Tensor]:
        return list(Enhancer(model, replace(AT_2, **options))([source])[0].planes)  # type: ignore[arg-type]

    def alike(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    assert alike(made(calibrated), made(calibrated, detail=0))
    assert alike(made(calibrated, detail=0.5), made(calibrated, noise_amplitude=0.125))
    assert alike(made(calibrated, detail=0.75), made(calibrated, noise_amplitude=0.3125))
    assert alike(made(calibrated, detail=1, tile=(16, 17)), made(model, noise_amplitude=0.5))
    assert not alike(made(calibrated, detail=1), made(calibrated, detail=0))
    noisy = made(calibrated, detail=1, noise="static")
    assert not alike(noisy, made(calibrated, detail=1))
    assert alike(noisy, made(calibrated, detail=1, noise="static", tile=(16, 17)))
    assert alike(made(calibrated, detail=0, noise="static"), made(calibrated))


@pytest.mark.parametrize("amount", [{"detail": 0.0}, {"detail": 1.0}, {"noise_amplitude": 0.1}])
def test_detail_where_there_is_none_is_refused_with_the_reason(
    amount: dict[str, float], model: LoadedModel, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="no noise input"):
        Enhancer(tiny_network(), replace(AT_2, **amount))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"at scale 1 .* halving takes it away; use --scale 2"):
        Enhancer(model, replace(AT_2, scale=1, **amount))  # type: ignore[arg-type]
    if amount.get("detail"):
        with pytest.raises(OptionError, match=r"m\.safetensors: not calibrated.*vidrts calibrate"):
            Enhancer(model, replace(AT_2, **amount))  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="Toy: not calibrated"):
            Enhancer(toy(2, takes_noise=True), replace(AT_2, **amount))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="noise_amplitude: expected None beside detail"):
        EnhancerOptions(detail=0.5, noise_amplitude=0.5)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    for table in (((0, 0), (0.5, 0.2), (0.4, 0.3)), ((0, 0), (1, 7)), ((0, "x"), (1, 1)), 3):
        with pytest.raises(ModelError, match="metadata is damaged"):
            saved(lively_gmgbp(), tmp_path / "bad.safetensors", detail=table)

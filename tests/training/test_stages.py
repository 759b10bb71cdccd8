"""What a stage is worth: three stages on real photographs, every measure by a second way, and which stage ships."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from PIL import Image
from scipy.ndimage import gaussian_filter

from vidrts.measure.registry import MOS
from vidrts.measure.viqet import measure_many
from vidrts.networks.checkpoint import load_model
from vidrts.ops.lanczos import enlarge, halve
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import PAPER_CHANGE, PAPER_DELTA, PAPER_VIQET
from vidrts.training.run_store import RunStore
from vidrts.training.selection import Selection, select
from vidrts.training.validation import Validation, alpha

CPU = torch.device("cpu")


def test_the_papers_own_figures_choose_stage_3_by_score_and_4_by_change() -> None:
    scores = {n: PAPER_VIQET[f"HR{n}"][0] for n in range(1, 9)}
    deltas = dict(enumerate(PAPER_DELTA, 1))
    assert select(scores, deltas) == Selection(by_score=3, by_delta=4, stop=5, shipped=3)
    # Section 6: the column of deltas is that of differences, taken apart.
    assert np.allclose(np.diff([0, *PAPER_CHANGE]), PAPER_DELTA, atol=1e-9)


def test_choices_at_the_edges() -> None:
    assert select({}, {1: 1.0}) == Selection(None, 1, None, 1)
    assert select({1: 3.0, 2: 3.0}, {1: 1.0, 2: 0.5}).shipped == 1  # no better: the earlier one
    # A score that rises after the change has grown again does not count.
    assert select({1: 3.0, 2: 3.1, 3: 3.2, 4: 3.9}, {1: 1, 2: 0.2, 3: 0.3, 4: 0.1}) == Selection(4, 2, 3, 3)
    assert select({2: 3.1}, {1: 1.0, 2: 0.5}) == Selection(2, 2, None, 2)  # stage 1 is of an older run
    assert select({}, {1: 1.0, 2: -0.1, 3: -0.4}) == Selection(None, 2, 3, 2)  # going back is change too
    told = select({1: 3.0}, {1: 1.0}).told({1: 3.0}, {1: 1.0})
    assert "stage 1 (3.000)" in told
    assert "stage 1 (+1.00 points)" in told


@pytest.fixture(scope="module")
def few_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for path in sorted(photos.glob("*.jpg"))[::15][:6]:
        with Image.open(path) as image:
            image.convert("RGB").crop((200, 200, 440, 380)).save(folder / f"{path.stem}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stages of sixteen channels on six pieces of photographs with fine detail."""
    folder = tmp_path_factory.mktemp("detail")
    for name in ("beacon-street", "164__", "Rob_Bye", "Lake_McDonald", "parky-tree", "Cheng_Feng"):
        with Image.open(next(photos.glob(f"*{name}*"))) as image:
            image.convert("RGB").crop((400, 400, 640, 580)).save(folder / f"{name}.png")
    out = tmp_path_factory.mktemp("runs") / "lite"
    said: list[str] = []
    train(TrainOptions(
        photos=folder, out=out, model="rts-lite", stages=3, steps=400, later_steps=150, batch=4, patch=32, crops=40,
        held_out=1, rate=4e-3, later_rate=1e-3, flats=0, degradation=Degradation("triangle"),
        device="cpu", target_memory=0,
    ), on_message=said.append)  # fmt: skip
    assert [line for line in said if line.startswith("stage 3: PSNR of SR(LR) ")]
    assert "is the one to ship" in said[-1]
    return out


def sharpness(picture: np.ndarray) -> float:
    """Energy of what a Gaussian blur takes away."""
    return float(np.square(picture - gaussian_filter(picture, (0, 1, 1))).mean())


def test_hr1_is_sharper_than_hr0(run: Path) -> None:
    measures = RunStore(run).measures()
    assert list(measures) == [0, 1, 2, 3]
    gains = [measures[n]["gain_at_0.35"] for n in (1, 2, 3)]
    assert gains[0] > 1.1
    assert gains[1] > gains[0]
    held = json.loads((run / "manifest.json").read_text())
    network = load_model(run / "stage-1.safetensors").network
    for picture in (p for p in held["pictures"] if p["use"] == "validation"):
        x = read_picture(Path(picture["path"])).float()[None] / 255
        enhanced = halve(network(x))[0].clamp(0, 1)
        inner = (slice(None), slice(16, -16), slice(16, -16))
        assert sharpness(enhanced[inner].numpy()) > 1.1 * sharpness(x[0][inner].numpy())


def test_a_run_has_all_measures_and_keeps_targets_in_no_file_at_the_end(run: Path) -> None:
    wanted = {
        "psnr_lr_to_hr0", "psnr_lr_to_target", "ssim_lr_to_hr0", "ssim_lr_to_target", "difference_ratio",
        "delta_scalar", "step_ratio", "alpha", "alpha_sd", "alpha_correlation", "gain_at_0.35", "ciede2000",
        "flat_noise", "overshoot", "usm_difference_ratio", "usm_step_ratio", "flat_shift", "edge_acutance",
        "noise_signature_index", "texture_acutance", "saturation", "color_warmth", "illumination", "dynamic_range",
        "over_exposed_pct", "under_exposed_pct", "resolution_mp", "blue_difference",
    }  # fmt: skip
    measures = RunStore(run).measures()
    for stage in (1, 2, 3):
        assert wanted <= set(measures[stage])
        assert all(math.isfinite(value) for value in measures[stage].values())
        assert "mos" not in measures[stage], "it says nothing of pictures of 240x180"
    assert {"null_ratio", "psnr_lanczos_to_hr0", "edge_acutance", "lr_texture_acutance"} <= set(measures[0])
    assert not {"mos", "lr_mos"} & set(measures[0])
    assert measures[0]["lr_texture_acutance"] < measures[0]["texture_acutance"] < measures[1]["texture_acutance"]
    assert not list(run.glob("targets-*"))
    chosen = json.loads((run / "selection.json").read_text())["shipped"]
    assert chosen in (1, 2, 3)
    figures = load_model(run / f"stage-{chosen}.safetensors").info.figures
    assert figures["gain_at_0.35"] == measures[chosen]["gain_at_0.35"] > 1


def test_the_score_is_that_of_large_photographs(photos: Path, few_photos: Path, tmp_path: Path) -> None:
    with Image.open(min(photos.glob("*.jpg"))) as image:
        large = image.convert("RGB").crop((0, 0, MOS.smallest, MOS.smallest))
    large.save(tmp_path / "large.png")
    paths = [min(few_photos.iterdir()), tmp_path / "large.png"]
    found = Validation(paths, Degradation("triangle"), CPU, tmp_path / "examples").start()
    (alone,) = measure_many([np.asarray(large)], workers=1)
    assert found["mos"] == alone.mos


def test_targets_in_a_file_give_the_same_numbers(few_photos: Path, tmp_path: Path) -> None:
    weights = []
    for limit in (0.0, 1.0):
        out = tmp_path / str(limit)
        train(TrainOptions(
            photos=few_photos, out=out, model="rts-lite", stages=2, steps=2, later_steps=2, batch=2, patch=16, crops=2,
            held_out=1, device="cpu", viqet=False, target_memory=limit,
        ))  # fmt: skip
        weights.append(load_model(out / "stage-2.safetensors").network.state_dict())
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])


def test_originals_as_targets_are_training_without_recurrence(few_photos: Path, tmp_path: Path) -> None:
    shared = {"photos": few_photos, "model": "rts-lite", "stages": 2, "steps": 3, "later_steps": 3, "batch": 2,
              "patch": 16, "crops": 4, "held_out": 1, "device": "cpu", "viqet": False}  # fmt: skip
    measures = {}
    for aim in ("recurrent", "originals"):
        train(TrainOptions(out=tmp_path / aim, aim=aim, **shared))  # type: ignore[arg-type]
        measures[aim] = RunStore(tmp_path / aim).measures()
    assert measures["recurrent"][1] == measures["originals"][1]
    assert measures["recurrent"][2] != measures["originals"][2]


def test_measures_of_a_stage_by_a_second_way(few_photos: Path, tmp_path: Path) -> None:
    path = sorted(few_photos.glob("*.png"))[2]
    network = tiny_network()
    validation = Validation([path], Degradation("triangle"), CPU, tmp_path / "examples", viqet=False)
    start = validation.start()
    first = validation.after(network, 1)
    second = validation.after(network, 2)

    with Image.open(path) as image:
        y = np.array(image).astype(np.float64).transpose(2, 0, 1) / 255
    pad = 20
    wide = np.pad(y, ((0, 0), (pad, pad), (pad, pad)), mode="edge")
    with torch.no_grad():
        raw = halve(network.double()(torch.from_numpy(wide)[None]))[0].numpy()[:, pad:-pad, pad:-pad]
    enhanced = raw.clip(0, 1)
    assert first["difference_ratio"] == pytest.approx(100 * np.abs(enhanced - y).sum() / y.sum(), rel=1e-4)
    assert first["delta_scalar"] == first["difference_ratio"] == first["step_ratio"]
    with torch.no_grad():
        blue = (torch.from_numpy(wide) + network.residual(torch.from_numpy(wide)[None])[0]).numpy()
    r = network.radius
    middle = (slice(None), slice(r, -r), slice(r, -r))
    away = np.abs(blue[:, pad:-pad, pad:-pad] - raw)[middle].sum()
    assert first["blue_difference"] == pytest.approx(100 * away / raw[middle].sum(), rel=1e-4)
    # The same network again: nothing has moved.
    assert second["step_ratio"] == 0
    assert second["delta_scalar"] == pytest.approx(0, abs=1e-9)
    assert second["difference_ratio"] == first["difference_ratio"]
    # LR by OpenCV: the triangle is its linear filter after a blur by [1 2 1]/4, at half size.
    taps = np.array([1, 3, 3, 1]) / 8
    stretched = cv2.copyMakeBorder((y * 255).transpose(1, 2, 0), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    low = cv2.sepFilter2D(stretched, -1, taps, taps, anchor=(1, 1))[1:-1:2, 1:-1:2].round().transpose(2, 0, 1) / 255
    with torch.no_grad():
        wide_low = np.pad(low, ((0, 0), (pad, pad), (pad, pad)), mode="edge")
        predicted = network(torch.from_numpy(wide_low)[None])[0].numpy()[:, 2 * pad : -2 * pad, 2 * pad : -2 * pad]
    mse = np.square(predicted.clip(0, 1) - y).mean()
    assert first["psnr_lr_to_hr0"] == pytest.approx(10 * np.log10(1 / mse), abs=0.02)
    assert first["psnr_lr_to_target"] == first["psnr_lr_to_hr0"]
    assert second["psnr_lr_to_target"] == pytest.approx(
        10 * np.log10(1 / np.square(predicted.clip(0, 1) - enhanced).mean()), abs=0.02
    )
    lanczos = halve(enlarge(torch.from_numpy(y)[None], 2))[0].numpy()
    doubled = enlarge(torch.from_numpy(low)[None], 2)[0].numpy().clip(0, 1)
    assert start["psnr_lanczos_to_hr0"] == pytest.approx(-10 * np.log10(np.square(doubled - y).mean()), abs=0.02)
    assert start["null_ratio"] == pytest.approx(100 * np.abs(lanczos - y).sum() / y.sum(), rel=1e-4)
    a = (raw - lanczos).ravel()
    b = (predicted - enlarge(torch.from_numpy(low)[None], 2)[0].numpy()).ravel()
    slope = np.linalg.lstsq(b[:, None], a, rcond=None)[0][0]
    assert first["alpha"] == pytest.approx(slope, rel=0.02)
    assert first["alpha_correlation"] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), rel=0.02)
    # The unsharp mask starts with the same change, and changes more each time.
    assert first["usm_difference_ratio"] == pytest.approx(first["difference_ratio"], rel=2e-3)
    assert second["usm_difference_ratio"] > 1.3 * first["usm_difference_ratio"]
    assert sorted(p.name for p in (tmp_path / "examples").iterdir()) == [
        "1-HR0.png", "1-HR1.png", "1-HR2.png", "1-LR.png",
    ]  # fmt: skip


def test_alpha_of_proportional_residuals() -> None:
    r = torch.randn(3, 8, 8)
    assert alpha(0.779 * r, r) == pytest.approx({"alpha": 0.779, "alpha_correlation": 1.0})
    assert alpha(torch.zeros(3, 8, 8), r)["alpha"] == 0
    assert alpha(r, torch.zeros(3, 8, 8)) == {"alpha": 0.0, "alpha_correlation": 0.0}

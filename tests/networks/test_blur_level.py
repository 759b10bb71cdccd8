"""Networks that are told how blurred the whole picture is: the levels, what estimates them, what a picture gains."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vidrts.colorplan import luma
from vidrts.errors import OptionError, TrainingError
from vidrts.networks.blur_level import BANDS, MOST, BlurLevel, conditioned, windows
from vidrts.networks.checkpoint import load_model
from vidrts.networks.names import DEFAULT_MODEL
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.training import blur_estimator
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.rendered import titled
from vidrts.training.run_store import RunStore

CPU = torch.device("cpu")
TOLD = (DEFAULT_MODEL, "rts-lite")


def same_size(text: str) -> Degradation:
    return Degradation(text, halves=False)


def crop_of(path: Path, side: int = 256) -> torch.Tensor:
    picture = read_picture(path)
    return picture[:, :side, :side].contiguous()


@given(sigma=st.floats(0.5, 1.6), seed=st.integers(0, 99))
def test_the_levels_of_a_gaussian_are_those_of_its_formula(sigma: float, seed: int) -> None:
    _, levels = same_size(f"blur:{sigma}-{sigma}").with_blur_levels(torch.zeros(3, 16, 16, dtype=torch.uint8), seed)
    for level, (low, high) in zip(levels, BANDS, strict=True):
        places = np.linspace(low, high, 101)
        # white noise holds as much at each frequency of the plane: more of them lie farther out
        wanted = 1 - np.average(np.exp(-2 * (math.pi * sigma * places) ** 2), weights=places)
        assert level == pytest.approx(wanted, abs=0.06)


def test_codecs_noise_and_scaling_by_the_sharpest_kernel_are_no_blur(kodak: Path) -> None:
    crop = crop_of(min(kodak.rglob("*.png")), 64)
    for text in ("none", "jpeg:10-20", "noise:3-6", "none > h264:30-36"):
        assert same_size(text).with_blur_levels(crop, 1)[1] == (0, 0)
    assert Degradation("lanczos").with_blur_levels(crop, 1)[1] == (0, 0)
    fine, coarse = (Degradation(f"gaussian:{s}").with_blur_levels(crop, 1)[1] for s in (0.6, 1.4))
    assert fine[0] < coarse[0] and fine[1] < coarse[1]
    low, high = same_size("enlarged:2-2").with_blur_levels(crop, 1)[1]
    gauss_low, gauss_high = same_size("blur:1-1").with_blur_levels(crop, 1)[1]
    assert low < gauss_low and high > 0.5 * gauss_high, "enlarging takes what is fine alone"


@pytest.mark.parametrize("name", ["film", "(none | blur:0.4-1.2) > noise:1-3 > jpeg:20-60"])
def test_the_picture_is_the_same_whether_levels_are_asked_for(name: str, kodak: Path) -> None:
    crop, degradation = crop_of(min(kodak.rglob("*.png")), 128), same_size(name)
    for seed in range(12):
        picture, levels = degradation.with_blur_levels(crop, seed)
        assert torch.equal(picture, degradation(crop, seed)) and all(0 <= level <= 1 for level in levels)


def test_what_a_network_is_given_has_the_pictures_luma_and_no_colour() -> None:
    pictures = torch.rand(3, 3, 20, 24)
    levels = torch.tensor([[0.0, 0.0], [0.2, 0.9], [1.0, 1.0]])
    given_ = conditioned(pictures, levels)
    torch.testing.assert_close(luma(given_), luma(pictures), atol=1e-6, rtol=0)
    torch.testing.assert_close(given_[0], luma(pictures[0]).expand(3, -1, -1), atol=1e-6, rtol=0)
    offsets = given_ - luma(pictures)[:, None]
    assert (offsets.amax((2, 3)) - offsets.amin((2, 3))).max() < 1e-6, "the same everywhere"
    torch.testing.assert_close(offsets[:, 1:, 0, 0], 0.5 * levels, atol=1e-6, rtol=0)


@given(height=st.integers(16, 3000), width=st.integers(16, 3000))
def test_windows_lie_within_the_picture_and_reach_its_ends(height: int, width: int) -> None:
    rows = torch.arange(height).view(1, -1, 1).expand(1, -1, width)
    columns = torch.arange(width).view(1, 1, -1).expand(1, height, -1)
    for places, side in ((windows(rows), height), (windows(columns), width)):
        assert places.min() == 0 and places.max() == side - 1
        assert places.numel() <= max(16 * 112 * 112, 448 * 4 * 112)


def test_the_change_is_that_of_the_whole_picture_whatever_tiles_and_neighbours(kodak: Path) -> None:
    network = tiny_network(n=2, blur_level=1)
    first, second = (crop_of(path, 200)[None].float() / 255 for path in sorted(kodak.rglob("*.png"))[:2])
    assert network.blur_level is not None
    assert network.blur_level.judge.bias is not None
    with torch.no_grad():  # of random weights: so that it lies within what is told
        network.blur_level.judge.bias[1] += 0.25 - network.blur_level(luma(first)[:, None])[0, 1]
    levels = network.blur_level.of_pictures(luma(torch.cat((first, second)))[:, None])
    assert 0 < levels[0, 1] < MOST[1] and levels[0, 1] != levels[1, 1]
    whole = TiledUpscaler(network, CPU, torch.float32, luma=True, tile="none", engine="torch")
    tiled = TiledUpscaler(network, CPU, torch.float32, luma=True, tile=(48, 64), batch=3, engine="torch")
    assert torch.equal(whole(first), tiled(first))
    together = whole(torch.cat((first, second)))
    assert torch.equal(together, torch.cat((whole(first), whole(second))))
    grey = luma(first)[:, None].expand(-1, 3, -1, -1)
    torch.testing.assert_close(whole(grey), whole(first), atol=1e-5, rtol=0, msg="colour plays no part")


def test_a_network_that_sees_luma_alone_does_not_sharpen_chroma() -> None:
    with pytest.raises(OptionError, match="RTS: trained on luma alone, cannot sharpen chroma"):
        Enhancer(tiny_network(blur_level=1), EnhancerOptions(device="cpu", chroma="sharpen"))


@pytest.mark.parametrize("name", TOLD)
def test_the_shipped_estimate_follows_the_blur_not_the_codec(name: str, kodak: Path) -> None:
    network = load_model(name).network
    assert network.blur_level is not None
    sigmas = (0.0, 0.5, 0.7, 1.0)
    missed, found = [], []
    for path in sorted(kodak.rglob("*.png"))[::3]:
        crop = read_picture(path)[:, :384, :512].contiguous()
        row = []
        for sigma in sigmas:
            soften = f"blur:{sigma}-{sigma}" if sigma else "none"
            for codec in ("none", "h264:26-26"):
                spoiled, wanted = same_size(f"{soften} > {codec}").with_blur_levels(crop, 1)
                got = network.blur_level.of_pictures(luma(spoiled[None].float() / 255)[:, None])[0]
                missed.append((got - torch.tensor(wanted).minimum(torch.tensor(MOST))).abs().mean())
                row.append(float(got[1]))
        found.append(row)
    assert torch.stack(missed).mean() < 0.12
    plain, coded = np.array(found)[:, 0::2], np.array(found)[:, 1::2]
    for rising in (np.diff(plain.mean(0)), np.diff(coded.mean(0))):
        assert rising[0] > 0 and (rising[1:] > 0.05).all(), "a blur of half a pixel is taken for nearly sharp"
    assert (plain[:, -1] > plain[:, 0] + 0.2).all(), "each picture is told from itself blurred"
    assert np.abs(plain - coded).mean() < 0.1


@pytest.mark.parametrize("name", TOLD)
def test_titles_are_not_taken_for_the_picture(name: str, kodak: Path) -> None:
    estimator = load_model(name).network.blur_level
    assert estimator is not None
    found = []
    for number, path in enumerate(sorted(kodak.rglob("*.png"))[1::4]):
        soft = same_size("blur:0.9-0.9")(read_picture(path)[:, :384, :512].contiguous(), 1)
        with_titles = titled(soft, np.random.default_rng(number))
        found.append(estimator.of_pictures(luma(torch.stack((soft, with_titles)).float() / 255)[:, None])[:, 1])
    without, under = torch.stack(found).mean(0)
    assert under > 0.7 * without > 0.15


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=20)
def test_an_estimate_is_had_of_any_size_and_of_flat_pictures(height: int, width: int) -> None:
    levels = BlurLevel().of_pictures(torch.full((2, 1, height, width), 0.3))
    assert levels.shape == (2, 2) and torch.isfinite(levels).all() and torch.equal(levels[0], levels[1])


def test_brightness_plays_no_part() -> None:
    picture, estimator = 0.5 * torch.rand(1, 1, 64, 64), BlurLevel()
    torch.testing.assert_close(estimator(picture), estimator(picture + 0.4), atol=1e-3, rtol=0)


def test_a_run_trains_the_estimate_once_and_keeps_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, path in enumerate(sorted(photos.glob("*.jpg"))[::30][:3]):
        with Image.open(path) as image:
            (tmp_path / "few").mkdir(exist_ok=True)
            image.convert("RGB").resize((400, 300), Image.Resampling.LANCZOS).save(tmp_path / f"few/{number}.png")
    monkeypatch.setattr(blur_estimator, "_PARTS", 24)
    monkeypatch.setattr(blur_estimator, "_WHOLE", 6)
    monkeypatch.setattr(blur_estimator, "_PHASES", (blur_estimator._Phase(5, 1e-3, 2),))
    options = TrainOptions(
        photos=tmp_path / "few", out=tmp_path / "run", model="rts-r3", init="rts-r1", stages=1, steps=6, batch=2,
        patch=32, crops=2, held_out=1, viqet=False, colour="luma", pair_weight=20, pair_batch=2,
        pairs=same_size("none | blur:1.2-1.2"), blur_level=True, checkpoint_every=3, device="cpu",
        cache=str(tmp_path / "shared"),
    )  # fmt: skip
    said: list[str] = []
    (file,) = train(options, on_message=said.append)
    assert sum("known blur levels" in line for line in said) == 1
    trained = load_model(file)
    assert trained.info.numbers["blur_level"] == 1 and trained.network.blur_level is not None
    kept = BlurLevel()
    RunStore(options.out).load_blur_level(kept)
    for name, weight in kept.state_dict().items():
        assert torch.equal(trained.network.blur_level.state_dict()[name], weight)
    said.clear()
    (beside,) = train(replace(options, out=tmp_path / "another", model="rts-r1", init=""), on_message=said.append)
    other = load_model(beside).network.blur_level
    assert other is not None and not any("known blur levels" in line for line in said)
    assert all(torch.equal(weight, other.state_dict()[name]) for name, weight in kept.state_dict().items())
    train(replace(options, out=tmp_path / "third", seed=2), on_message=said.append)  # other crops, another estimator
    assert any("known blur levels" in line for line in said)
    file.unlink()  # killed before its end
    said.clear()
    (again,) = train(options, resume=True, on_message=said.append)
    assert not any("known blur levels" in line for line in said)
    (options.out / "blur-level.safetensors").write_bytes(b"nothing")
    again.unlink()
    with pytest.raises(TrainingError, match=r"blur-level\.safetensors"):
        train(options, resume=True)


def test_the_blur_level_wants_pairs_and_luma(tmp_path: Path) -> None:
    for wrong in ({"colour": "rgb", "pairs": same_size("film")}, {"colour": "luma", "pairs": None}):
        with pytest.raises(OptionError, match="--colour luma and --pairs"):
            TrainOptions(photos=tmp_path, out=tmp_path, blur_level=True, **wrong)  # type: ignore[arg-type]

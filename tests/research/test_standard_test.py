"""The standard test of scale 2: LR as published, bicubic's row as published, models and bad folders."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import DATA, need
from PIL import Image

from vidrts.errors import InputError
from vidrts.research.__main__ import run_research
from vidrts.research.standard_test import film_flicker, lanczos, read_y, resized, run_standard_test, score


@pytest.fixture(scope="module")
def sets() -> Path:
    return need(DATA / "eval")


def pictures(folder: Path) -> list[Path]:
    return sorted((folder / "HR").glob("*.png"))


def test_lr_is_the_published_one_to_the_last_bit(sets: Path) -> None:
    for path in pictures(sets / "Set5"):
        with Image.open(path) as image, Image.open(sets / "Set5" / "LR_bicubic_X2" / f"{path.stem}x2.png") as small:
            original, truth = (np.asarray(each.convert("RGB"), np.float64) for each in (image, small))
        height, width = (side - side % 2 for side in original.shape[:2])
        for channel in range(3):
            got = resized(original[:height, :width, channel], 0.5, eight_bits=True)
            np.testing.assert_array_equal(got, truth[..., channel])


@pytest.mark.parametrize(("name", "psnr", "ssim"), [("Set5", 33.66, 0.9299), ("Set14", 30.24, 0.8688)])
def test_bicubic_reaches_what_is_published(sets: Path, name: str, psnr: float, ssim: float) -> None:
    got = score(pictures(sets / name), lambda plane: resized(plane, 2))
    assert got.psnr == pytest.approx(psnr, abs=0.03)
    assert got.ssim == pytest.approx(ssim, abs=0.001)


def test_a_grey_picture_keeps_its_values_and_odd_sizes_lose_a_row(tmp_path: Path) -> None:
    ramp = np.arange(35, dtype=np.uint8).reshape(5, 7) * 7
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_y(tmp_path / "grey.png"), ramp[:4, :6])
    Image.fromarray(np.full((2, 2, 3), 255, np.uint8)).save(tmp_path / "white.png")
    assert read_y(tmp_path / "white.png").tolist() == [[235, 235], [235, 235]]


def still_film(file: Path, deviation: float) -> Path:
    """Eight grey frames of noise, as y4m."""
    frames = np.random.default_rng(1).normal(128, deviation, (8, 48, 64)).round().clip(0, 255).astype(np.uint8)
    file.write_bytes(b"YUV4MPEG2 W64 H48 F25:1 Cmono\n" + b"".join(b"FRAME\n" + frame.tobytes() for frame in frames))
    return file


def test_films_flicker_as_their_enlarger_makes_them(tmp_path: Path) -> None:
    film = still_film(tmp_path / "film.y4m", 2)
    assert film_flicker(film, lanczos) == 1
    halved = film_flicker(film, lambda plane: 64 + lanczos(plane) / 2)
    assert halved == pytest.approx(0.5, abs=0.05)  # rounded to 8 bits
    with pytest.raises(InputError, match=r"film.y4m: .*stands still"):
        film_flicker(still_film(tmp_path / "film.y4m", 60), lanczos)


def test_the_command_measures_models_beside_bicubic(sets: Path, tmp_path: Path, tiny_model: Path) -> None:
    small = tmp_path / "Small" / "HR"
    small.mkdir(parents=True)
    for path in pictures(sets / "Set5")[:2]:
        with Image.open(path) as image:
            image.crop((40, 40, 121, 120)).save(small / path.name)
    command = ["experiment", "x2", "--photos", str(small), "--model", str(tiny_model), "--out", str(tmp_path / "out")]
    film = still_film(tmp_path / "film.y4m", 2)
    assert run_research([*command, "--crf", "18", "--crf", "35", "--clip", str(film)]) == 0
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert set(scores) == {"bicubic", "Lanczos-3", str(tiny_model)}
    assert all(0 < row["Small"]["ssim"] <= 1 and row["Small"]["psnr"] > 15 for row in scores.values())
    clean, good, bad = (scores["bicubic"][name]["psnr"] for name in ("Small", "Small, crf 18", "Small, crf 35"))
    assert clean > good > bad + 1
    flickers = json.loads((tmp_path / "out" / "flicker.json").read_text())
    assert flickers["Lanczos-3"] == {"film.y4m": 1.0} and 0.8 < flickers["bicubic"]["film.y4m"] < 1
    answer = (tmp_path / "out" / "answer.md").read_text()
    assert "coded by H.264 at crf 35" in answer and f"{bad:.2f}" in answer
    assert f"{scores['bicubic']['Small']['psnr']:.2f}" in answer and "36.66" not in answer


def test_a_folder_without_pictures_and_one_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        run_standard_test([tmp_path], tmp_path / "out", [])
    (tmp_path / "no.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no\.png"):
        run_standard_test([tmp_path], tmp_path / "out", [])

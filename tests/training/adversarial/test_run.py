"""Both phases on a few pictures: they learn, resume to the same numbers and say what goes wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.networks import lively_gmgbp
from PIL import Image

from vidrts.cli import run
from vidrts.errors import OptionError, TrainingError
from vidrts.messages import Code, Message
from vidrts.networks import names
from vidrts.networks.checkpoint import load_model
from vidrts.training.adversarial import measures, steps
from vidrts.training.adversarial.options import AdversarialOptions
from vidrts.training.adversarial.run import _Adversarial, train
from vidrts.training.adversarial.state import fresh_state
from vidrts.training.batches import Supply
from vidrts.training.corpus import Crop
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.distributed import Team
from vidrts.training.run_store import RunStore

TINY = ("g-mgbp", {"features": 4, "growth": 2, "projections": 2})


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(names.RECIPES, "g-mgbp-lite", TINY)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def few_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for path in sorted(photos.glob("*.jpg"))[:3]:
        with Image.open(path) as image:
            image.convert("RGB").crop((200, 200, 296, 280)).save(folder / f"{path.stem}.png")
    return folder


def options(few_photos: Path, out: Path, **more: Any) -> AdversarialOptions:
    settings: dict[str, Any] = {
        "steps": 4, "adversarial_steps": 4, "batch": 2, "patch": 16, "crops": 6, "held_out": 1, "checkpoint_every": 2,
        "device": "cpu", "judge_features": 4, "judge_growth": 2, "spectral": True, "snapshot_every": 2, "warm_up": 2,
        "style_weight": 0.1, "chroma_weight": 2.0, "degradation": Degradation("cubic"),
    }  # fmt: skip
    return AdversarialOptions(photos=few_photos, out=out, **{**settings, **more})


def rows(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("more", [{}, {"largest": 4, "patch": 32, "noise": "static", "spectral": False}])
def test_a_resumed_run_has_the_same_numbers(few_photos: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    said: list[str] = []
    files = train(options(few_photos, whole, **more), on_message=said.append)
    assert [file.name for file in files] == ["stage-1.safetensors", "stage-2.safetensors"]
    kills = [(1, 2), (1, 4), (2, 2)]
    for stage, step in kills:

        def kill(progress: Any, at: tuple[int, int] = (stage, step)) -> None:
            if (progress.stage, progress.step) == at:
                raise KilledError

        resume = (broken / "settings.json").is_file()
        with pytest.raises(KilledError):
            train(RunStore(broken).options() if resume else options(few_photos, broken, **more),  # type: ignore[arg-type]
                  resume=resume, on_progress=kill)  # fmt: skip
    again = train(RunStore(broken).options(), resume=True)  # type: ignore[arg-type]
    for a, b in zip(files, again, strict=True):
        one, two = load_model(a).network.state_dict(), load_model(b).network.state_dict()
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert rows(whole) == rows(broken)
    last = next(row for row in reversed(rows(whole)) if "gan" in row)
    for term in ("gan", "contextual", "reconstruction", "cycle", "noisy_cycle", "chroma", "style", "discriminator"):
        assert np.isfinite(last[term]), term
    assert {"norm", "discriminator_norm", "real_score", "fake_score", "grid", "psnr_w0", "high_w1"} <= set(last)
    assert last["loss"] == pytest.approx(
        0.001 * last["gan"] + 0.1 * last["contextual"] + 10 * last["reconstruction"] + 10 * last["cycle"]
        + 10 * last["noisy_cycle"] + 2 * last["chroma"] + 0.1 * last["style"], rel=1e-4,
    )  # fmt: skip
    last_words = {Code.NO_STAGE_IMPROVES, Code.STAGE_FAILED, Code.CALIBRATE_NEXT}
    (judged,) = [line for line in said if isinstance(line, Message) and line.code in last_words]
    assert judged.code is Code.NO_STAGE_IMPROVES, "four steps do not get as near as Lanczos"
    assert all(f"stage {n}: PSNR" in judged.values["reasons"] for n in (1, 2))
    compared = [line for line in said if isinstance(line, Message) and line.code is Code.FEATURES_COMPARED]
    assert [line.values for line in compared] == [{"features": "Gabor filters"}]
    info = load_model(files[1]).info
    assert info.scale == (1 if more else 2) and info.training["gan_weight"] == 0.001 and info.stage == 2
    assert sorted(file.name for file in (whole / "snapshots").iterdir()) == ["step-2.safetensors", "step-4.safetensors"]


def test_phase_1_learns(few_photos: Path, tmp_path: Path) -> None:
    train(options(few_photos, tmp_path / "run", steps=30, adversarial_steps=0, checkpoint_every=10, ema=0))
    found = [row["loss"] for row in rows(tmp_path / "run") if "loss" in row]
    assert found[-1] < 0.99 * found[0]
    assert not (tmp_path / "run" / "stage-2.safetensors").exists()


def test_larger_scales_begin_later(tmp_path: Path) -> None:
    chosen = options(tmp_path, tmp_path / "out", largest=8, patch=64, steps=60)
    assert [chosen.begun(1, step) for step in (0, 9, 10, 19, 20, 59)] == [
        (2,), (2,), (2, 4), (2, 4), (2, 4, 8), (2, 4, 8)
    ]  # fmt: skip
    assert chosen.begun(2, 0) == (2, 4, 8)


def test_rates_fall_with_the_square_root(tmp_path: Path) -> None:
    chosen = options(tmp_path, tmp_path / "out", rate_steps=100, warm_up=0)
    assert chosen.rate_at(1e-3, 0) == 1e-3 and chosen.rate_at(1e-3, 300) == pytest.approx(5e-4)
    assert options(tmp_path, tmp_path / "out", warm_up=9).rate_at(1.0, 0) == pytest.approx(0.1)


def supply() -> Supply:
    high = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    return Supply(high[..., ::2, ::2].contiguous(), [high[0]], [Crop(0, 0, 0, 0)])


def test_what_is_no_number_stops_before_it_spoils_weights(tmp_path: Path) -> None:
    chosen = options(tmp_path, tmp_path / "out", batch=1)
    network = lively_gmgbp().requires_grad_()
    state = fresh_state(network, chosen, 1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    bad = Supply(supply().low, [torch.full((3, 32, 32), torch.nan, dtype=torch.float16)], [Crop(0, 0, 0, 0)])
    with pytest.raises(TrainingError, match="step 0: the generator's loss is nan"):
        steps.pretrain(state, chosen, bad, Team(), 1)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_gradients_are_clipped(tmp_path: Path) -> None:
    chosen = options(tmp_path, tmp_path / "out", batch=1, clip=1e-3, ema=0)
    state = fresh_state(lively_gmgbp().requires_grad_(), chosen, 1)
    steps.pretrain(state, chosen, supply(), Team(), 1)
    norm = torch.nn.utils.get_total_norm([p.grad for p in state.network.parameters() if p.grad is not None])
    assert float(norm) == pytest.approx(1e-3, rel=1e-3) and state.means()["norm"] > 1e-3


def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    said: list[Message] = []
    run = _Adversarial(options(tmp_path, tmp_path / "out"), Team(), said.append, lambda progress: None)  # type: ignore[arg-type]
    run._warn(2, 7, {"norm": 500.0, "real_score": 0.97, "fake_score": 0.01, "grid": 0.4})
    assert [(line.code, line.values) for line in said] == [
        (Code.GRADIENTS_LARGE, {"phase": 2, "step": 7, "norm": 500.0}),
        (Code.DISCRIMINATOR_WINS, {"step": 7, "real": 0.97, "fake": 0.01}),
        (Code.GRID_FOUND, {"step": 7, "share": 0.4}),
    ]
    run._warn(2, 8, {"norm": 5.0, "real_score": 0.7, "fake_score": 0.3, "grid": 0.01})
    assert len(said) == 3


def test_high_frequencies_are_measured() -> None:
    x = torch.arange(64.0).expand(64, 64)
    low, high = (0.5 + 0.2 * torch.cos(2 * torch.pi * f * x) for f in (0.1, 0.35))
    assert measures.high_energy(high) > 1e4 * measures.high_energy(low)
    assert measures.high_energy(2 * high) == pytest.approx(4 * measures.high_energy(high), rel=1e-3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": "rts-r3"}, "takes no noise"), ({"patch": 16, "largest": 8}, "at least 64"),
        ({"gan_weight": -1}, "gan-weight"), ({"ema": 1}, "ema"), ({"colour": "luma"}, "R'G'B'"),
        ({"adversarial_steps": -1}, "adversarial-steps"), ({"rate": 0}, "rate"), ({"largest": 3}, "largest"),
    ],
)  # fmt: skip
def test_settings_are_checked(wrong: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=says):
        options(tmp_path, tmp_path / "out", **wrong)


def test_the_command_line_takes_each_methods_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    where = ["train", "--photos", str(tmp_path), "--out", str(tmp_path / "out")]
    assert run([*where, "--method", "adversarial", "--later-steps", "3"]) == 2
    assert "--method adversarial has no --later-steps" in capsys.readouterr().err
    assert run([*where, "--gan-weight", "1"]) == 2
    assert "--method recurrence has no --gan-weight" in capsys.readouterr().err
    assert run([*where, "--method", "adversarial", "--features", "nowhere"]) == 1
    assert "nowhere: no such file of features" in capsys.readouterr().err

"""Training a degrader: it learns, its codes are in use, and a run that was killed comes to the same numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vidrts.errors import ModelError, OptionError, TrainingError
from vidrts.networks import shipped
from vidrts.networks.checkpoint import load_model
from vidrts.networks.reconstruction.checkpoint import SnapshotInfo, load_degrader
from vidrts.networks.reconstruction.registry import build
from vidrts.networks.shipped import shipped_models
from vidrts.training.degrader.damage import degrader_file
from vidrts.training.degrader.options import EPOCH, DegraderOptions
from vidrts.training.degrader.reconstruct import reconstructed
from vidrts.training.degrader.run import Progress, chosen, train_degrader
from vidrts.training.degrader.store import DegraderStore
from vidrts.training.run_store import RunStore

from .conftest import SMALL, shrink_network, small_options


class KilledError(Exception):
    """The run ends here."""


def test_it_learns_and_keeps_what_it_was_measured_at(trained: Path) -> None:
    rows = DegraderStore(trained).rows()
    assert [row["step"] for row in rows] == [20, 40, 50]
    assert rows[-1]["views"] == 200 and rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    assert max(rows[-1]["codes"]) > 10, "many codes of the finer level are in use so soon"
    held = load_degrader(trained / "degrader.safetensors")
    assert held.info.snapshots == (SnapshotInfo(200, rows[-1]["psnr"]),)
    assert (held.info.architecture, held.info.numbers) == ("vqvae2", SMALL)
    assert held.info.training["fast_steps"] == 30 and "photos" not in held.info.training
    picture = torch.rand(3, 40, 48)
    assert reconstructed(held.networks[0], picture, np.random.default_rng(0)).shape == picture.shape
    assert rows[-1]["psnr"] > 14, "from below 11 dB"
    with pytest.raises(ModelError, match="not a vidrts model"):
        load_model(trained / "degrader.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "model_folders", lambda: [trained])
        assert shipped_models() == {}, "it enhances nothing"
        assert degrader_file() == trained / "degrader.safetensors"


@pytest.mark.parametrize("after", [6, 20, 45])
def test_a_killed_run_comes_to_the_same_numbers(
    trained: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, after: int
) -> None:
    """Killed between checkpoints, before and after the codes are drawn."""
    shrink_network(monkeypatch)
    out = tmp_path / "run"
    options = small_options(pictures, out, checkpoint_every=after)

    def kill(progress: Progress) -> None:
        if progress.step >= after:
            raise KilledError

    with pytest.raises(KilledError):
        train_degrader(options, on_progress=kill)
    with (out / "metrics.jsonl").open("a") as file:  # what was written after the checkpoint is forgotten
        file.write(json.dumps({"stage": 1, "step": after + 1, "views": 0, "psnr": 50.0}) + "\n")
    train_degrader(DegraderStore(out).degrader_options(), resume=True)
    assert (out / "degrader.safetensors").read_bytes() == (trained / "degrader.safetensors").read_bytes()
    assert DegraderStore(out).rows()[-1] == {
        **DegraderStore(trained).rows()[-1], "loss": pytest.approx(DegraderStore(trained).rows()[-1]["loss"], rel=0.5)
    }  # fmt: skip


def test_other_settings_and_folders_are_refused(trained: Path, pictures: Path) -> None:
    with pytest.raises(TrainingError, match="holds a run already"):
        train_degrader(small_options(pictures, trained))
    with pytest.raises(TrainingError, match="seed has changed"):
        train_degrader(small_options(pictures, trained, seed=2), resume=True)
    with pytest.raises(TrainingError, match="settings cannot be read"):
        RunStore(trained).options()
    for wrong in ({"network": "gan"}, {"views": 0}, {"side": 60}, {"shrink": 0.0}):
        with pytest.raises(OptionError):
            small_options(pictures, trained, **wrong)


def test_snapshots_are_by_views() -> None:
    options = DegraderOptions(photos=Path(), out=Path(), views=9 * EPOCH, batch=8)
    taken = options.snapshots
    assert {EPOCH * epochs // 8 for epochs in (1, 2, 4, 8)} <= set(taken) and taken[-1] == 9 * EPOCH // 8
    ratios = np.divide(taken[1:-1], taken[:-2])
    assert np.allclose(ratios, 2**0.5, rtol=0.02)


def test_users_take_the_good_snapshots() -> None:
    every = [SnapshotInfo(views, float(psnr)) for views, psnr in ((1, 22), (2, 26.9), (3, 27.2), (4, 27.9), (5, 28.4),
                                                                 (6, 29.9), (7, 31))]  # fmt: skip
    assert [s.views for s in chosen(every)] == [3, 5, 6]
    assert [s.views for s in chosen(every[:3])] == [3]
    assert [s.views for s in chosen(every[:2])] == [2], "the last one, where none is good yet"


def test_damaged_files_are_one_line(trained: Path, tmp_path: Path) -> None:
    whole = (trained / "degrader.safetensors").read_bytes()
    for content, says in (
        (whole[:-100], "not a complete safetensors file"), (b"", "not a complete"),
        (whole[:-3] + bytes(3), "wrong checksum"), (whole.replace(b'\\"format', b'\\"fromat'), "metadata is damaged"),
        (whole.replace(b"vqvae2", b"vqvae9"), "not known"),
    ):  # fmt: skip
        file = tmp_path / "bad.safetensors"
        file.write_bytes(content)
        with pytest.raises(ModelError, match=says) as error:
            load_degrader(file)
        assert "\n" not in str(error.value)
    with pytest.raises(ModelError, match="no such degrader file"):
        load_degrader(tmp_path / "none")
    enhances = next(iter(shipped_models().values()))
    with pytest.raises(ModelError, match="not a degrader"):
        load_degrader(enhances)
    with pytest.raises(ModelError, match="cannot have"):
        build("vqvae2", {"layers": 3})

"""The step `undertrained` in recipes: mixed, whatever the batch, with their weights' hash, the same when resumed."""

import json
from pathlib import Path

import pytest
import torch

from vidrts.errors import ModelError, OptionError
from vidrts.messages import Code, Message
from vidrts.networks import shipped
from vidrts.networks.reconstruction.checkpoint import DegraderInfo, SnapshotInfo, save_degrader
from vidrts.networks.reconstruction.registry import build
from vidrts.training.corpus import Corpus, Crop, read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.degrader import control
from vidrts.training.distributed import Team
from vidrts.training.lr_cache import make_inputs, manifest

SMALL = {"channels": 8, "inner": 4, "blocks": 1, "dim": 4, "codes": 16}


def write(file: Path, seed: int = 1) -> Path:
    """A degrader of three snapshots whose damage is slight: what is left of the picture passes by the correction."""
    torch.manual_seed(seed)
    states = [build("vqvae2", SMALL).state_dict() for _ in range(3)]
    snapshots = (SnapshotInfo(100, 26.0), SnapshotInfo(200, 27.5), SnapshotInfo(300, 29.0))
    save_degrader(file, states, DegraderInfo(
        architecture="vqvae2", numbers=SMALL, training={}, data_hash="", licence="", snapshots=snapshots,
    ))  # fmt: skip
    return file


@pytest.fixture
def degrader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped degrader."""
    monkeypatch.setattr(shipped, "model_folders", lambda: [tmp_path])
    return write(tmp_path / "degrader.safetensors")


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """These networks are not trained at all."""
    monkeypatch.setattr(control, "MOST_DIFFERENCE", 100.0)
    monkeypatch.setattr(control, "MOST_DISPLACED", 100.0)


@pytest.fixture(scope="module")
def crops(kodak: Path) -> list[torch.Tensor]:
    pictures = [read_picture(path) for path in sorted(kodak.rglob("*.png"))[:3]]
    return [pictures[k % 3][:, 30 * k : 30 * k + 64, 40 * k : 40 * k + 64] for k in range(9)]


SEEDS = list(range(100, 109))
MIX = "3*triangle > jpeg:30-95 | 0.9*triangle > undertrained"


def test_it_mixes_in_and_does_not_depend_on_batches(crops: list[torch.Tensor], degrader: Path, no_limits: None) -> None:
    mix = Degradation(MIX)
    assert str(mix) == MIX and [kind.name for kind in mix.kinds] == ["triangle", "jpeg", "undertrained"]
    alone = [mix(crop, seed) for crop, seed in zip(crops, SEEDS, strict=True)]
    together = mix.batch(crops, SEEDS)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
    dropped, seen = mix.dropped
    assert dropped == 0 and 2 <= seen <= 12 and seen % 2 == 0
    assert Degradation("triangle").dropped == (0, 0)
    plain = Degradation("triangle")(crops[0], 1)
    assert not torch.equal(Degradation("triangle > undertrained")(crops[0], 1), plain)


def test_snapshots_are_drawn_within_the_range(crops: list[torch.Tensor], degrader: Path, no_limits: None) -> None:
    crop = crops[0]
    one, two = ({Degradation(f"undertrained{psnr}", halves=False)(crop, seed).numpy().tobytes() for seed in range(8)}
                for psnr in (":29", ""))  # fmt: skip
    assert len(one) == 1 and len(two) == 2 and one < two
    assert str(Degradation("undertrained:27-30", halves=False)) == "undertrained"
    assert str(Degradation("undertrained:26-30", halves=False)) == "undertrained:26-30"
    named = f"undertrained:29:{degrader}"
    assert str(Degradation(named, halves=False)) == named
    assert Degradation(named, halves=False)(crop, 1).numpy().tobytes() in one
    with pytest.raises(OptionError, match=r"no snapshot of 31 to 33 dB; expected a range around 26\.0, 27\.5, 29\.0"):
        Degradation("undertrained:31-33", halves=False)
    with pytest.raises(OptionError, match=r"expected undertrained\[:LOW-HIGH\[:FILE\]\]"):
        Degradation("undertrained:good", halves=False)
    with pytest.raises(ModelError, match="no such degrader"):
        Degradation("undertrained:27-30:none.safetensors", halves=False)


def test_what_is_no_good_is_left_as_it_was_and_counted(
    crops: list[torch.Tensor], degrader: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control, "MOST_DIFFERENCE", 0.0)
    corpus = Corpus(training=(), validation=(), left_out=(), crop_size=64,
                    crops=tuple(Crop(k, 0, 0, 100 + k) for k in range(9)))  # fmt: skip
    told: list[str] = []
    made = make_inputs(crops, corpus, Degradation("triangle > undertrained"), None, Team(), tmp_path / "c", told.append)
    plain = make_inputs(crops, corpus, Degradation("triangle"), None, Team(), tmp_path / "c")
    assert torch.equal(made.low, plain.low)
    line = told[-1]
    assert isinstance(line, Message) and line.code == Code.CROPS_LEFT_UNDAMAGED
    assert (line.values["count"], line.values["total"]) == (9, 9)


def test_inputs_are_the_same_bytes_again_and_others_with_other_weights(
    crops: list[torch.Tensor], degrader: Path, no_limits: None, tmp_path: Path
) -> None:
    corpus = Corpus(training=(), validation=(), left_out=(), crop_size=64,
                    crops=tuple(Crop(k, 0, 0, 100 + k) for k in range(9)))  # fmt: skip
    hashes = []
    for number, seed in enumerate((1, 1, 2)):
        write(degrader, seed)
        degradation = Degradation("triangle > undertrained")
        made = make_inputs(crops, corpus, degradation, None, Team(), tmp_path / f"cache-{number}")
        told = manifest(corpus, degradation, None, made)
        hashes.append((told["low_sha256"], json.dumps(told["step_weights"])))
    assert hashes[0] == hashes[1]
    assert hashes[0][0] != hashes[2][0] and hashes[0][1] != hashes[2][1]
    assert list(told["step_weights"]) == ["undertrained"]

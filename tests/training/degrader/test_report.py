"""The report on a degrader: kinds of damage and their entropy, the lattice test, codes in use, files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidrts.errors import TrainingError
from vidrts.networks.reconstruction.checkpoint import load_degrader
from vidrts.training.degrader.classifier import entropy, train_classifier
from vidrts.training.degrader.corruptions import KINDS, corrupted
from vidrts.training.degrader.report import codes_in_use, lattice, save_report
from vidrts.training.degrader.store import DegraderStore


def test_fifteen_kinds_change_a_picture_each_in_its_way(picture: torch.Tensor) -> None:
    clean = picture[:, :64, :64].permute(1, 2, 0).numpy()
    made = {kind: corrupted(clean, kind, np.random.default_rng(1)) for kind in KINDS}
    assert len(made) == 15
    for kind, damaged in made.items():
        assert damaged.shape == clean.shape and damaged.dtype == np.float32, kind
        assert damaged.min() >= 0 and damaged.max() <= 1 and np.abs(damaged - clean).mean() > 0.005, kind
        assert np.array_equal(damaged, corrupted(clean, kind, np.random.default_rng(1))), kind
    between = [np.abs(made[a] - made[b]).mean() for a in KINDS for b in KINDS if a < b]
    assert min(between) > 0.003


def test_entropy() -> None:
    assert entropy([1 / 15] * 15) == pytest.approx(math.log(15))
    assert entropy([1.0, 0.0]) == 0
    assert entropy([0.5, 0.25, 0.25]) == pytest.approx(1.5 * math.log(2))


def test_a_classifier_learns_the_kinds(picture: torch.Tensor) -> None:
    pictures = [(255 * picture[:, :, :200]).to(torch.uint8)]
    unseen = [(255 * picture[:, :, 220:]).to(torch.uint8)]
    _, accuracy = train_classifier(pictures, unseen, steps=20, batches=3)
    assert accuracy > 0.2, "chance is 0.067"


def test_lattice(picture: torch.Tensor) -> None:
    noise = 0.02 * torch.randn(1, 96, 128).expand(3, -1, -1)
    soft = torch.nn.functional.avg_pool2d(noise[None], 3, 1, padding=1)[0]
    assert lattice(noise) < 0.08 and lattice(soft) < 0.05
    grid = torch.zeros(3, 96, 128)
    grid[:, :, ::4] = 0.02
    assert lattice(grid) > 0.9 and lattice(grid.transpose(1, 2)) > 0.9
    assert lattice(noise + grid) > lattice(noise) + 0.1
    detail = noise.clone()
    detail[:, :64] *= 10
    assert lattice(detail + grid) > 0.15, "it shows in the flat part"
    assert lattice(torch.zeros(3, 32, 32)) == 0


def test_codes_in_use(trained: Path, picture: torch.Tensor) -> None:
    (network,) = load_degrader(trained / "degrader.safetensors").networks
    crops = [picture[:, y : y + 64, x : x + 64] for y in (0, 64, 128) for x in range(0, 250, 50)]
    top, bottom = codes_in_use(network, crops)
    assert 1 <= top <= 64 and 1 < bottom <= 64
    assert codes_in_use(network, [torch.full((3, 64, 64), 0.5)] * 8)[1] < bottom


def test_the_files_of_a_report(trained: Path, tmp_path: Path) -> None:
    page = save_report(trained, tmp_path / "report", classifier_steps=2)
    found = json.loads((tmp_path / "report" / "report.json").read_text())
    (one,) = found["snapshots"]
    assert one["views"] == 200 and one["psnr"] == DegraderStore(trained).rows()[-1]["psnr"]
    assert 0 < one["difference"] < one["difference_raw"] and len(one["codes"]) == 2
    assert 0 <= one["dropped"] <= 1 and 0 <= one["displaced"] <= one["displaced_most"]
    assert sum(one["kinds"].values()) == pytest.approx(1) and one["entropy"] <= math.log(15)
    assert f"| 200 | {one['psnr']:.2f} | {one['difference_raw']:.2f} |" in page.read_text()
    with Image.open(tmp_path / "report" / "sheet.png") as sheet:
        assert sheet.width > 2 * 64 * 3
    (tmp_path / "none").mkdir()
    with pytest.raises(TrainingError, match="no settings"):
        save_report(tmp_path / "none", tmp_path / "report")

"""The degrader that ships: its file, its card, and what it makes of photographs that it has not seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vidrts.measure.fidelity import psnr
from vidrts.networks.reconstruction.checkpoint import load_degrader
from vidrts.ops.lanczos import halve
from vidrts.training.corpus import read_picture
from vidrts.training.degrader.damage import degrader_file, open_damager
from vidrts.training.degrader.report import lattice


def test_the_card_is_that_of_the_file() -> None:
    info = load_degrader(degrader_file()).info
    card = degrader_file().with_suffix(".md").read_text()
    assert info.data_hash in card and info.licence in card
    for snapshot in info.snapshots:
        assert f"{snapshot.views:,}" in card and f"{snapshot.psnr:.2f}" in card


@pytest.mark.parametrize("number", [0, 1])
def test_it_damages_photographs_within_the_limits_and_leaves_no_lattice(kodak: Path, number: int) -> None:
    damager = open_damager(low=27, high=30)
    found = []
    for name in ("04", "12", "20", "23"):  # 04, 20 and 23 are flat behind what they show
        clean = (
            halve(read_picture(kodak / "HR" / f"{name}.png")[None, :, :256, :256].float())[0].round().clamp(0, 255)
            / 255
        )
        damaged = damager(clean, np.random.default_rng(1), number)
        assert damaged.fit.keeps
        assert 22 < psnr(damaged.picture, clean) < 38
        assert psnr(damaged.picture, clean) > psnr(damaged.raw, clean)
        found.append(lattice((255 * damaged.picture).round() / 255 - clean))
    assert max(found) < 0.45 and torch.tensor(found).mean() < 0.3

"""Two processes that train together take the same steps as one, to rounding; one alone writes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from PIL import Image

from vidrts.cli import run as command
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.training import recurrence, train_stage
from vidrts.training.batches import Supply
from vidrts.training.corpus import Crop
from vidrts.training.distributed import Team
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore
from vidrts.training.schedule import Schedule


class Both(Team):
    """Stands for one of two processes: what the other one's tensors are is given beforehand."""

    def average(self, tensors: object) -> None:
        assert isinstance(tensors, list)
        self.seen.append([tensor.clone() for tensor in tensors])  # type: ignore[attr-defined]


def test_each_process_takes_its_part_of_the_batch() -> None:
    """The mean of the two processes' gradients is the gradient of the whole batch."""
    rng = np.random.default_rng(1)
    low = torch.from_numpy(rng.integers(0, 256, (6, 3, 16, 16), dtype=np.uint8))
    target = torch.from_numpy(rng.random((3, 64, 64), dtype=np.float32)).half()
    crops = [Crop(0, int(rng.integers(32)), int(rng.integers(32)), 0) for _ in range(6)]
    schedule = Schedule(steps=1, batch=4, bf16=False, flats=2)
    seen = []
    for rank, size in ((0, 1), (0, 2), (1, 2)):
        team = Both(rank=rank, size=size)
        object.__setattr__(team, "seen", [])
        state = train_stage.fresh_state(tiny_network().requires_grad_(), schedule)
        train_stage.run(state, schedule, supply=Supply(low, [target], crops), seed=3, until=1, team=team)
        seen.append(team.seen[0])  # type: ignore[attr-defined]
    for whole, one, two in zip(*seen, strict=True):
        assert torch.allclose((one + two) / 2, whole, rtol=1e-4, atol=1e-7)
    assert any(not torch.allclose(one, two) for one, two in zip(seen[1], seen[2], strict=True))


@pytest.fixture(scope="module")
def pieces(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    for path in sorted(photos.glob("*.jpg"))[::20][:5]:
        with Image.open(path) as image:
            image.convert("RGB").crop((300, 300, 420, 400)).save(folder / f"{path.stem}.png")
    return folder


def test_two_processes_equal_one(pieces: Path, tmp_path: Path) -> None:
    arguments = [
        "train", "--photos", str(pieces), "--model", "rts-lite", "--stages", "2", "--steps", "8", "--later-steps", "4",
        "--batch", "4", "--patch", "16", "--crops", "8", "--held-out", "1", "--device", "cpu", "--no-viqet", "--out",
    ]  # fmt: skip
    runs = {count: tmp_path / str(count) for count in (1, 2)}
    assert command([*arguments, str(runs[1])]) == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vidrts"]
    done = subprocess.run(
        [*torchrun, *arguments, str(runs[2])], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    assert sum("step 8/8" in line for line in told) == 1  # one alone speaks, and one alone writes
    assert sum(line.startswith("done in") for line in told) == 1
    rows = {count: RunStore(run).rows() for count, run in runs.items()}
    assert len(rows[1]) == len(rows[2]) == 5
    for one, two in zip(rows[1], rows[2], strict=True):
        assert one.keys() == two.keys()
        if "loss" in one:
            # The residual branch runs in bf16, whose sums are rounded at other places.
            assert two["loss"] == pytest.approx(one["loss"], rel=2e-3)
        elif one["stage"]:
            assert two["psnr_lr_to_hr0"] == pytest.approx(one["psnr_lr_to_hr0"], abs=0.05)
    weights = [load_model(run / "stage-2.safetensors").network.state_dict() for run in runs.values()]
    moved = max(float((weights[0][k] - weights[1][k]).abs().max()) for k in weights[0])
    assert moved < 5e-3
    manifests = [json.loads((run / "manifest.json").read_text()) for run in runs.values()]
    assert manifests[0] == manifests[1]


def test_a_batch_that_cannot_be_shared_is_refused(
    pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def three(device: str) -> Iterator[Team]:
        yield Team(rank=0, size=3)

    monkeypatch.setattr(recurrence, "joined", three)
    with pytest.raises(OptionError, match="multiple of the 3 processes"):
        recurrence.train(TrainOptions(photos=pieces, out=tmp_path / "run", batch=4, patch=16))

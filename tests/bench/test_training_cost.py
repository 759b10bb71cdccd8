"""The bench: what it counts, by hand."""

import json

import pytest
import torch

from vidrts.bench.options import TrainBench
from vidrts.bench.training import TrainSpeed, bench_train, matrix_peak
from vidrts.cli import run
from vidrts.errors import OptionError


def test_operations_are_those_of_forward_and_backward(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "train", "--model", "rts-lite", "--batch", "2", "--patch", "32", "--steps", "2",
                "--flat-patches", "0", "--device", "cpu", "--json"]) == 0  # fmt: skip
    found = json.loads(capfd.readouterr().out)
    forward = 2 * 8100 * 32 * 32 * 2  # multiply-adds are two operations
    first = 2 * 3 * 16 * 9 * 32 * 32 * 2  # no gradient is wanted for the input
    assert found["step_flop"] == 3 * forward - first
    assert found["share"] == pytest.approx(found["step_flop"] / found["step_seconds"] / found["peak"])
    assert found["loading"] > 0
    assert found["peak"] > 1e9


def test_what_is_said() -> None:
    speed = TrainSpeed(device="2 CPU threads", threads=2, step_seconds=0.5, spread=0.02, step_flop=90e9, peak=400e9,
                       precision="bf16", loading=0.011)  # fmt: skip
    assert str(speed) == (
        "2.00 steps/s ± 2 % on 2 CPU threads; 90.0 GFLOP a step, 180 GFLOP/s, 45 % of the 400 GFLOP/s of a bf16 matrix "
        "product; loading 1.1 % of a step"
    )
    for wrong in ({"model": "rts-r9"}, {"steps": 1}):
        with pytest.raises(OptionError):
            TrainBench(**wrong)  # type: ignore[arg-type]


@pytest.mark.cuda
def test_training_on_a_gpu() -> None:
    speed = bench_train(TrainBench(device="cuda", steps=5))
    assert speed.device == torch.cuda.get_device_name()
    assert speed.peak == pytest.approx(matrix_peak(torch.device("cuda")), rel=0.5)
    assert 0.05 < speed.share < 1

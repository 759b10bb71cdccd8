"""The benchmark's arithmetic, by hand: medians and spread, shares, overlap, tables, and the JSON that is kept."""

import json

import pytest
from helpers.paths import ROOT
from hypothesis import given
from hypothesis import strategies as st

from vidrts.bench import table
from vidrts.bench.machine import Machine
from vidrts.bench.options import Pace
from vidrts.bench.result import Result, Row
from vidrts.bench.timing import Lap, Task, measure
from vidrts.errors import InputError, OptionError
from vidrts.research.scale import Block, ScaleBench, Scaling, Step
from vidrts.research.tables import scale_lines

MACHINE = Machine(cpu="A CPU", cores=2, threads=2, memory=8 * 2**30, gpus=(), system="Linux x86_64",
                  versions={"torch": "2.11.0"})  # fmt: skip
WAY = {"size": "960x540", "model": "m", "engine": "torch bf16"}


def row(kind: str, name: str, seconds: float, cpu: float = 0.0, **more: object) -> Row:
    return Row(kind=kind, name=name, seconds=seconds, spread=0.1, cpu_seconds=cpu, **more)  # type: ignore[arg-type]


RESULT = Result(
    machine=MACHINE, device="cpu", clip="a clip",
    rows=(
        row("ceiling", "matrix bf16", 0.5, amounts={"matrix bf16": 100e9}, unit="FLOP"),  # 200 GFLOP/s
        row("ceiling", "copy", 0.01, amounts={"copy": 1e8}, unit="B"),  # 10 GB/s
        row("part", "decode", 0.02, size="960x540"),
        row("part", "decode", 0.5, size="1920x1080"),  # of another size: must not be taken
        row("part", "encode", 0.05, size="960x540", preset="veryfast"),
        row("part", "encode", 0.9, size="960x540", preset="medium"),
        row("part", "network", 0.08, cpu=0.15, amounts={"matrix bf16": 8e9, "copy": 2e8}, **WAY),
        row("part", "enhance", 0.1, cpu=0.18, **WAY),
        row("whole", "whole", 0.125, cpu=0.24, preset="veryfast", **WAY),
    ),
)  # fmt: skip


def test_ratios_by_hand() -> None:
    (whole,) = RESULT.wholes
    network = RESULT.part(whole, "network")
    assert network is not None
    assert RESULT.ceilings == pytest.approx({"matrix bf16": 200e9, "copy": 10e9})
    # 8 GFLOP at 200 GFLOP/s are 40 ms, 200 MB at 10 GB/s 20 ms: the larger one is the floor of the 80 ms.
    assert RESULT.share(network) == pytest.approx(0.5)
    slowest = RESULT.slowest(whole)
    assert slowest is not None and slowest.name == "enhance"
    assert RESULT.overlap(whole) == pytest.approx(0.1 / 0.125)
    assert RESULT.busy(whole) == pytest.approx(0.24 / 0.125 / 2)
    assert RESULT.besides(whole) == pytest.approx(0.03 / 0.15)
    assert RESULT.share(whole) is None
    assert RESULT.share(RESULT.rows[0]) is None


def test_json_there_and_back() -> None:
    text = RESULT.to_json()
    assert Result.from_json(text) == RESULT
    told = json.loads(text)["rows"][-1]
    assert told["rate"] == pytest.approx(8.0)
    assert told["overlap"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not a result"),
        ("[]", "not a result"),
        ('{"format": 2}', "expected format 1, got 2"),
        ('{"format": 1}', "machine"),
    ],
)
def test_other_json_is_refused(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Result.from_json(text, "a.json")


def test_the_table_says_it() -> None:
    lines = table.result_lines(RESULT)
    assert lines[0] == "A CPU, 2 cores, 2 torch threads, 8 GiB; Linux x86_64; torch 2.11.0"
    assert lines[1:3] == ["matrix bf16: 200 GFLOP/s ± 10 %", "copy: 10 GB/s ± 10 %"]
    (network,) = (line for line in lines if line.startswith("network"))
    assert network.split() == "network m torch bf16 960x540 12.5 80 10 % 150 50 %".split()
    assert lines[-1] == (
        "m, 960x540, torch bf16, x264 veryfast: 8.00 frames/s file to file; overlap 0.80 (enhance alone 10.00); 0.64 "
        "of the network alone (12.50); network at 50 % of its roofline; colour, tail and write-back 20 % of the "
        "network's CPU time; cores busy 96 %"
    )


def test_scaling_by_hand() -> None:
    blocks = [Block(frames=10 * (k + 1), seconds=s, memory=m) for k, (s, m) in enumerate(
        [(9.0, 5), (1.0, 100), (1.2, 110), (1.1, 105), (1.3, 104)])]  # fmt: skip
    steps = (
        Step(name="a", seconds=0.2, spread=0.0, amount=100.0),
        Step(name="b", seconds=0.3, spread=0.0, amount=200.0),
    )
    scaling = Scaling(machine=MACHINE, options=ScaleBench(), blocks=tuple(blocks), sizes=steps, networks=steps)
    assert scaling.drift == pytest.approx(1.2 / 1.1)  # medians of (1.1, 1.3) and (1.0, 1.2)
    assert scaling.growth == 4
    assert steps[1].cost / steps[0].cost == pytest.approx(0.75)
    assert any(line.split() == ["b", "300", "0", "%", "1,500,000", "0.75"] for line in scale_lines(scaling))
    assert json.loads(scaling.to_json())["sizes"][1]["amount"] == 200.0
    for wrong in ({"frames": 100}, {"networks": ("rts-r9",)}):
        with pytest.raises(OptionError):
            ScaleBench(**wrong)  # type: ignore[arg-type]


def test_turns_are_interleaved_and_medians_taken() -> None:
    took = {"a": iter([9.0, 1.0, 4.0, 2.0]), "b": iter([9.0, 0.2, 0.4, 0.8, 0.6])}
    order = []

    def task(name: str) -> Task:
        def run() -> Lap:
            order.append(name)
            seconds = next(took[name])
            return Lap(2, seconds, 2 * seconds)

        return Task(name, run)

    told: list[tuple[int, int]] = []
    a, b = measure(
        [task("a"), task("b")], Pace(rounds=3, slice=0.5), lambda what, done, total: told.append((done, total))
    )
    # Warm-up; forwards, where b needs two laps to fill its turn; backwards; forwards.
    assert "".join(order) == "ab" + "abb" + "ba" + "ab"
    assert a.seconds == 1.0 and a.cpu_seconds == 2.0  # laps of two units each: 0.5, 2, 1
    assert b.seconds == pytest.approx(0.3)  # (0.2 + 0.4) / 4, 0.8 / 2, 0.6 / 2
    assert told == [(k, 8) for k in range(8)]


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=5))
def test_numbers_are_never_powers_of_ten(values: list[float]) -> None:
    assert all("e+" not in table.number(v) for v in values)


def test_kept_results_of_machines_are_readable() -> None:
    kept = sorted((ROOT / "models" / "bench").glob("*.json"))
    for file in kept:
        result = Result.from_json(file.read_text(), file.name)
        assert result.wholes and all(result.overlap(whole) for whole in result.wholes)

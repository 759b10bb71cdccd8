"""`vidrts bench`, `vidrts devices` and what they are made of, on real frames; speeds themselves are not judged."""

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.paths import ROOT

from vidrts.bench import clip as clips_of_bench
from vidrts.bench.clip import clip_of, own_size, sample, scaled, to_and_fro
from vidrts.bench.end_to_end import LEAST
from vidrts.bench.enhancement import whole_frames
from vidrts.bench.machine import describe, devices
from vidrts.bench.memory import PeakMemory, resident
from vidrts.bench.parts import Probe, branch_flop
from vidrts.bench.result import Result
from vidrts.bench.targets import targets
from vidrts.bench.timing import Lap, Task
from vidrts.cli import run
from vidrts.cli.bench import bench
from vidrts.cores import usable_cores
from vidrts.errors import OptionError
from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build
from vidrts.research.__main__ import run_research
from vidrts.research.speed import command as draw_speed

KEPT = sorted((ROOT / "models" / "bench").glob("*.json"))


def test_a_quick_run_measures_everything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "here.json"
    assert run(["bench", "--quick", "--models", "rts-lite", "--engines", "torch", "--device", "cpu",
                "--json", str(kept)]) == 0  # fmt: skip
    said = capfd.readouterr().out
    result = Result.from_json(kept.read_text())
    assert {row.name for row in result.rows} >= {
        "matrix fp32", "copy", "decode", "colour in", "blur level", "network", "tail", "write-back", "enhance",
        "encode", "whole",
    }  # fmt: skip
    assert all(row.seconds > 0 for row in result.rows)
    (whole,) = result.wholes
    assert (whole.model, whole.size, whole.preset) == ("rts-lite", "64x48", "veryfast")
    assert result.overlap(whole) is not None and result.part(whole, "network") is not None
    assert "frames/s file to file; overlap" in said and result.machine.cpu in said
    figure = tmp_path / "speed.png"
    draw_speed([str(kept), str(figure)], standalone_mode=False)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_clip_of_ones_own_is_taken_at_its_size(tmp_path: Path) -> None:
    kept = tmp_path / "own.json"
    assert run(["bench", "--quick", "--sizes", "64x48", "--models", "rts-lite", "--precisions", "fp32", "--engines",
                "torch", "--device", "cpu", "--clip", str(sample()), "-q", "--json", str(kept)]) == 0  # fmt: skip
    assert Result.from_json(kept.read_text()).clip == "ducks.mp4 to and fro, scaled, H.264"
    assert own_size(sample()) == (1280, 720)
    assert clip_of(sample(), (1280, 720), 20, tmp_path).path == sample()


def test_scale_and_its_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "scale.json"
    assert run_research(["scale", "--quick", "--device", "cpu", "--networks", "rts-r1", "--json", str(kept)]) == 0
    found = json.loads(kept.read_text())
    assert [block["frames"] for block in found["blocks"]] == [4, 8, 12]
    assert found["blocks"][-1]["memory"] > 50e6 or not Path("/proc/self/status").exists()
    assert [step["name"] for step in found["sizes"]] == ["64x48", "128x96"]
    (network,) = found["networks"]
    assert network["amount"] == 64 * 48 * (2 * 27 * 64 + 64 * 64 * 9)
    assert "of one of the first; memory grew by" in capfd.readouterr().out


def test_devices(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["devices"]) == 0
    said = capfd.readouterr().out
    assert said.splitlines()[1].startswith("cpu ") and f"torch {torch.__version__.split('+')[0]}" in said
    assert run(["devices", "--json", "-"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert len(told["devices"]) == 1 + torch.cuda.device_count()
    assert told["devices"][0]["cores"] == usable_cores() == describe().cores
    assert devices()[0].precisions[-2:] == ("fp32", "int8")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--sizes", "1920"], "expected WxH in pixels"),
        (["--sizes", "8x8"], "expected even numbers from 16 up, got 8x8"),
        (["--models", "rts-x", "--quick"], "neither a shipped model"),
        (["--engines", "abacus"], "expected some of torch, openvino"),
        (["trian"], "No such command"),
    ],
)
def test_wrong_words(arguments: list[str], word: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", *arguments]) in (1, 2)
    assert word in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"), [(["peers", "--frames", "2"], "2"), (["scale", "--networks", "rts-r9"], "rts-r9")]
)
def test_wrong_words_of_research(arguments: list[str], word: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_research(arguments) in (1, 2)
    assert word in capfd.readouterr().err


def test_option_lists_of_bench_are_decisions() -> None:
    found = {name: sorted(o for p in sub.params for o in p.opts) for name, sub in bench.commands.items()}
    common = "--rounds --quick --json --debug -q --quiet"
    assert {k: v for k, v in found.items() if k != "train"} == {
        "enhance": sorted(
            f"--models --sizes --engines --precisions --presets --clip --device --seconds {common}".split()
        ),
        "quick": sorted("--device --seconds --debug -q --quiet".split()),
    }


def test_a_whole_run_fills_its_time() -> None:
    """By what a frame takes, not what a lap of several does; the first lap, which compiles graphs, is no guide."""
    laps = iter([Lap(4, 9.0, 9.0), Lap(4, 0.4, 0.8)] * 3)
    alone = Probe(Task("enhance", lambda: next(laps)), "part", "enhance")
    assert whole_frames(alone, 5, most=120) == 50
    assert whole_frames(alone, 50, most=120) == 120
    assert whole_frames(alone, 0.1, most=120) == LEAST


def test_the_clip_moves_and_has_no_cut(tmp_path: Path) -> None:
    clip = clip_of(sample(), (160, 96), 12, tmp_path)
    with Source(clip.path, clip.decode(7)) as source:
        frames = [event for event in source.events() if isinstance(event, Frame)]
    assert len(frames) == 7 and (frames[0].width, frames[0].height) == (160, 96)
    assert not (tmp_path / "160x96.y4m").exists()
    pictures = scaled(sample(), (160, 96), 4)
    order = to_and_fro(pictures)
    assert [pictures.index(next(order)) for _ in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert any(not torch.equal(a.planes[0], b.planes[0]) for a, b in pairwise(pictures))
    whole = scaled(sample(), (1280, 720), 1)[0]  # its own size: nothing is changed
    with Source(sample()) as source:
        first = next(event for event in source.events() if isinstance(event, Frame))
        assert all(torch.equal(a, b) for a, b in zip(whole.planes, first.planes, strict=True))
    with pytest.raises(OptionError, match="8x8"):
        scaled(sample(), (8, 8), 1)
    assert clips_of_bench.RATE == 30


@pytest.mark.parametrize("recipe", ["rts-r1", "rts-r3", "rts-lite"])
def test_operations_are_counted(recipe: str) -> None:
    architecture, numbers = RECIPES[recipe]
    c = numbers["channels"]
    assert branch_flop(build(architecture, numbers)) == 2 * (2 * 27 * c + numbers["n"] * 9 * c * c)


def test_memory_of_this_process() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    import os

    before = resident(os.getpid())
    with PeakMemory(os.getpid()) as memory:
        block = np.ones(64 * 2**20, np.uint8)
        while memory.peak < before + 48 * 2**20:  # seen at the next look
            block += 1
    assert memory.peak >= before + 48 * 2**20


def test_targets_by_hand() -> None:
    if not KEPT:
        pytest.skip("no machine's result is kept")
    result = Result.from_json(KEPT[0].read_text())
    names = [target.name for target in targets(replace(result, machine=replace(result.machine, gpus=("NVIDIA H200",))))]
    assert len(names) == 3 and "frames/s" in names[0]
    empty = targets(replace(result, rows=()))
    assert not any(target.met for target in empty) and all("not measured" in str(target) for target in empty)


@pytest.mark.cuda
def test_a_quick_run_on_a_gpu(tmp_path: Path) -> None:
    kept = tmp_path / "gpu.json"
    assert run(["bench", "--quick", "--sizes", "640x360", "--device", "cuda", "-q", "--json", str(kept)]) == 0
    result = Result.from_json(kept.read_text())
    assert {"upload", "download", "matrix bf16"} <= {row.name for row in result.rows} or result.ceilings
    assert result.machine.gpus


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is needed")
def test_what_segments_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str], clips: Path) -> None:
    """The film whole and in segments, and the tiny film's joining."""
    kept, film = tmp_path / "costs.json", tmp_path / "film.mp4"
    small = ["-t", "1.2", "-an", "-vf", "scale=160:120", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", clips / "vmaf__Seeking_30_480_1050.mp4", *small, film], check=True)
    assert run_research(["segments", "--quick", "-q", "--clip", str(film), "--json", str(kept)]) == 0
    costs = json.loads(kept.read_text())
    assert [run["name"] for run in costs["runs"]] == ["whole", "segments"]
    assert all(run["seconds"] > run["cpu_seconds"] / 64 > 0 and run["size"] > 1000 for run in costs["runs"])
    assert costs["join"]["frames"] == 200 and costs["join"]["segments"] == 3
    assert "segments of 1 s take" in capsys.readouterr().out

"""Damaged copies of clips of all containers: no hang, no traceback, no final name on a file that is not complete."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import soak

TESTS = Path(__file__).parent


def run(folder: Path, count: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Faults, and how the runs of `count` copies ended, on all cores."""
    soak.make_clips(folder)
    cores = len(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "helpers.soak", str(folder)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([*command, str(core), str(count), str(cores)], stdout=subprocess.PIPE, text=True, env=paths)
        for core in range(cores)
    ]
    lines = [json.loads(line) for process in started for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in started] == [0] * cores
    ends: dict[str, int] = {}
    for line in lines:
        for kind, number in line.get("ends", {}).items():
            ends[kind] = ends.get(kind, 0) + number
    return [line for line in lines if "fault" in line], ends


def test_a_damaged_copy_of_each_clip(tmp_path: Path) -> None:
    faults, ends = run(tmp_path, len(soak.CLIPS))
    assert not faults, "\n".join(map(str, faults))
    assert ends["done"] + ends["error"] == len(soak.CLIPS)
    assert min(ends["done"], ends["error"]) > len(soak.CLIPS) / 10  # both happen


@pytest.mark.slow
def test_ten_thousand_damaged_copies(tmp_path: Path) -> None:
    faults, ends = run(tmp_path, 10_000)
    assert not faults, "\n".join(map(str, faults))
    assert ends["done"] + ends["error"] == 10_000
    assert min(ends["done"], ends["error"]) > 1000


@pytest.mark.slow
def test_three_hundred_damaged_copies_through_the_command(tmp_path: Path) -> None:
    clips = soak.make_clips(tmp_path)
    faults = []
    for number in range(20_000, 20_300):  # other copies than the library's
        folder = tmp_path / str(number)
        folder.mkdir()
        source, target = soak.copy_of(clips, number, folder)
        done = subprocess.run(
            [sys.executable, "-m", "vidrts", "enhance", "--model", "rts-lite", "--strength", "0", source, target],
            capture_output=True, text=True, errors="replace", timeout=2 * soak.PATIENCE, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        fault = soak.left_behind(folder, source, target, done=done.returncode == 0)
        last = (done.stderr.strip().splitlines() or [""])[-1]
        if done.returncode not in (0, 1) or "Traceback" in done.stderr or not last.startswith("vidrts: "):
            fault = f"exit code {done.returncode}, {done.stderr[-1000:]}"
        if fault is not None:
            faults.append(f"{number}: {fault}")
    assert not faults, "\n".join(faults)


def test_the_checker_sees_a_file_that_is_cut(tmp_path: Path) -> None:
    clips = {clip.name: clip for clip in soak.make_clips(tmp_path)}
    for clip in clips.values():
        assert soak.unfit(clip) is None
    for name in ("h264.mp4", "prores.mov"):
        cut = tmp_path / f"cut-{name}"
        cut.write_bytes(clips[name].read_bytes()[:-2000])
        assert soak.unfit(cut) is not None

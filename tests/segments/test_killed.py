"""Killed by SIGKILL at any moment and resumed, the file is that of an unbroken run, byte for byte."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import killed

SHORT = "androidx_media__sample_fragmented.mp4"
"""30 frames in three segments, with sound."""
ENCODERS = {"mkv": "libx264", "mp4": "libx264", "mov": "libx264", "webm": "libvpx-vp9", "ts": "libx264"}
PLACES = {"mkv": "frame:13", "mp4": "name:10", "mov": "name:26", "webm": "frame:1", "ts": "name:19"}
"""In a segment's middle; before a file is renamed; before the output is; before the first packet; in the journal."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork, by which runs are killed")


def ended(source: Path, films: list[tuple[Path, list[str]]]) -> list[tuple[str, int, bool]]:
    """(place, exit code, whether the target is there) of runs for each target that end at these places."""
    told = subprocess.run(
        [sys.executable, killed.__file__, source,
         json.dumps([[str(target), ENCODERS[target.suffix[1:]], places] for target, places in films])],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    return [(place, int(code), there == "True") for place, code, there in lines]


def test_once_in_every_container(clips: Path, tmp_path: Path) -> None:
    names = [(tmp_path / f"unbroken.{each}", tmp_path / f"out.{each}") for each in ENCODERS]
    films = [(path, places) for (unbroken, out), place in zip(names, PLACES.values(), strict=True)
             for path, places in ((unbroken, ["end"]), (out, [place, "end"]))]  # fmt: skip
    done = ("end", 0, True)
    assert ended(clips / SHORT, films) == [
        each for place in PLACES.values() for each in (done, (place, -signal.SIGKILL, False), done)
    ]
    for unbroken, out in names:
        assert out.read_bytes() == unbroken.read_bytes(), out.name
    assert len(list(tmp_path.iterdir())) == 2 * len(names)


@pytest.mark.slow
@pytest.mark.parametrize("extension", sorted(ENCODERS))
def test_twenty_times(extension: str, clips: Path, tmp_path: Path) -> None:
    """Places at random, some after the last segment; a film that is complete is begun anew."""
    chosen = random.Random(extension)
    unbroken = tmp_path / f"unbroken.{extension}"
    assert ended(clips / SHORT, [(unbroken, ["end"])]) == [("end", 0, True)]
    kills = film = 0
    while kills < 20:
        film += 1
        target = tmp_path / f"{film}" / f"out.{extension}"
        target.parent.mkdir()
        places = [f"frame:{chosen.randint(1, 12)}" if chosen.random() < 0.5 else f"name:{chosen.randint(1, 40)}"
                  for _ in range(8)]  # fmt: skip
        told = ended(clips / SHORT, [(target, [*places, "end"])])
        kills += sum(code == -signal.SIGKILL for _, code, _ in told)
        assert all(there or code == -signal.SIGKILL for _, code, there in told)
        assert target.read_bytes() == unbroken.read_bytes()
        assert [path.name for path in target.parent.iterdir()] == [target.name]

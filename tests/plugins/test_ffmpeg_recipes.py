"""Every command of plugins/ffmpeg/README.md, run as it stands; those of VapourSynth's are run by their own test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.media_truth import describe
from helpers.paths import ROOT, need
from helpers.pipe_ends import ffmpeg
from helpers.readme_commands import commands

COMMANDS = commands("plugins/ffmpeg/README.md")
FRAMES = 3


@pytest.fixture(scope="module")
def folder(clips: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's files, short and small; `vidrts` is this environment's with the tiny model on the CPU."""
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        pytest.skip("ffmpeg and ffprobe are needed")
    made = tmp_path_factory.mktemp("recipes")
    small = ["-t", "0.12", "-r", "25", "-vf", "scale=320:180", "-c:a", "aac"]
    for name in ("in.mp4", "in.mkv", "in.ts"):
        ffmpeg("-i", ROOT / "samples/ducks.mp4", *small, "-c:v", "libx264", "-preset", "ultrafast", made / name)
    ten = ["-frames:v", FRAMES, "-an", "-vf", "scale=320:180", "-c:v", "libx265", "-x265-params", "log-level=none"]
    ffmpeg("-i", need(clips / "torchcodec__bt2020_10bit.mp4"), *ten, made / "hdr.mp4")
    program = made / "bin" / "vidrts"
    program.parent.mkdir()
    run = f"shift; exec {sys.executable} -m vidrts enhance --device cpu --model {tiny_model}"
    # A recipe's own --model comes later and would win: every word of it is kept but that.
    program.write_text(f'#!/bin/bash\nset -- "${{@/rts-lite/{tiny_model}}}"\n{run} "$@"\n')
    program.chmod(0o755)
    return made


def test_the_readme_has_recipes() -> None:
    assert len(COMMANDS) == 9
    assert all("vidrts enhance" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_each_command_of_the_readme(command: str, folder: Path) -> None:
    target = command.split()[-1]
    if target != "-":
        (folder / target).unlink(missing_ok=True)  # of another recipe, which -y may not overwrite
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("ffmpeg ", "ffmpeg -nostdin ")], cwd=folder, env=environment,
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if target == "-":
        assert len([line for line in done.stdout.splitlines() if not line.startswith("#")]) == FRAMES
        return
    made = describe(folder / target)
    describe.cache_clear()
    assert len(made.frames) == FRAMES
    assert made.video is not None
    if "map 0" in command:
        assert [s.kind for s in made.streams] == [s.kind for s in describe(folder / "in.mkv").streams]
    if "hdr.mp4" in command:
        tags = [made.frame.get(key) for key in ("pix_fmt", "color_space", "color_transfer", "color_primaries")]
        assert tags == ["yuv420p10le", "bt2020nc", "smpte2084", "bt2020"]
    if "--colorspace bt709" in command:
        assert made.frame["color_space"] == "bt709"

"""plugins/mpv: its shaders are what `vidrts export` makes, and FFmpeg's command in its README runs one."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.media_truth import describe
from helpers.paths import ROOT
from helpers.pipe_ends import ffmpeg
from helpers.players import vulkan_device
from helpers.readme_commands import commands

from vidrts.cli import run
from vidrts.export.glsl.shader import shader
from vidrts.export.options import ShaderOptions
from vidrts.networks.checkpoint import load_model

COMMANDS = commands("plugins/mpv/README.md")


@pytest.mark.parametrize(("name", "model", "scale"), [
    ("live", "live", 1), ("rts-lite", "rts-lite", 1), ("rts-lite-2x", "rts-lite", 2),
])  # fmt: skip
def test_the_shaders_are_those_of_the_shipped_models(name: str, model: str, scale: int) -> None:
    made = shader(load_model(model, scale), ShaderOptions(scale=scale))
    assert (ROOT / "plugins/mpv" / f"{name}.glsl").read_text() == made, f"vidrts export -y --scale {scale} {model}"


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("vidrts export")])
def test_each_export_of_the_readme(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(shlex.split(command)[1:]) == 0
    (made,) = tmp_path.iterdir()
    assert made.read_text().startswith("// rts-")


def test_the_command_of_ffmpeg(tmp_path: Path) -> None:
    (command,) = [c for c in COMMANDS if c.startswith("ffmpeg")]
    vulkan_device()
    small = ["-t", "0.2", "-vf", "scale=160:90", "-c:v", "libx264"]
    ffmpeg("-i", ROOT / "samples/ducks.mp4", *small, tmp_path / "film.mkv")
    (tmp_path / "plugins").symlink_to(ROOT / "plugins")
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    source, made = (describe(tmp_path / name) for name in ("film.mkv", "enhanced.mkv"))
    assert len(made.frames) == len(source.frames) > 3


def test_the_pipe_into_a_player(tmp_path: Path) -> None:
    """Every frame arrives, shown nowhere."""
    if not shutil.which("mpv"):
        pytest.skip("mpv is needed")
    (command,) = [c for c in COMMANDS if c.startswith("vidrts enhance")]
    small = ["-frames:v", "5", "-an", "-vf", "scale=96:64", "-c:v", "libx264"]
    ffmpeg("-i", ROOT / "samples/ducks.mp4", *small, tmp_path / "film.mkv")
    command = command.replace("vidrts", f"{sys.executable} -m vidrts", 1).replace("| mpv -", "")
    player = "| mpv --no-config --vo=image --ao=null --really-quiet -"
    subprocess.run(["bash", "-o", "pipefail", "-c", command + player], cwd=tmp_path, check=True, capture_output=True)
    assert len(list(tmp_path.glob("*.jpg"))) == 5


def test_the_readme_has_recipes() -> None:
    assert sum(command.startswith("vidrts export") for command in COMMANDS) == 4
    assert sum(command.startswith("mpv") for command in COMMANDS) == 3

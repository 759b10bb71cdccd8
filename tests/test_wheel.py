"""The wheel: what people install. It holds what they run, and it runs where no source lies about."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from helpers.paths import ROOT

from vidrts.networks.checkpoint import shipped_models

NEEDS = ("vidrts/pages/templates/", "vidrts/samples/ducks.mp4", "vidrts/py.typed", "vsrts/")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the wheel holds."""
    made, unpacked = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", made]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_it_holds_what_people_run_and_no_research(installed: Path) -> None:
    held = [path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()]
    assert all(any(name.startswith(need) for name in held) for need in NEEDS)
    assert not [name for name in held if "research" in name or name.startswith("tests")]
    models = [f"{path.stem}.{kind}" for path in shipped_models().values() for kind in ("md", "safetensors")]
    assert sorted(name.removeprefix("vidrts/models/") for name in held if "/models/" in name) == sorted(models)


def test_it_runs_by_itself(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}

    def run(*words: object) -> str:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout  # fmt: skip

    home = run("-c", "import vidrts; print(vidrts.__file__)").strip()
    assert Path(home).is_relative_to(installed), "an installed one comes first"
    assert "enhance" in run("-m", "vidrts", "--help")
    assert "rts-lite" in run("-m", "vidrts", "models")
    sample = installed / "vidrts" / "samples" / "ducks.mp4"
    run("-m", "vidrts", "enhance", "-q", "--model", "rts-lite", "-t", "0.2", sample, tmp_path / "out.mkv")
    assert (tmp_path / "out.mkv").stat().st_size > 1000

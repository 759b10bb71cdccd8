"""The wheel: what people install. It holds what they run, and it runs where no source lies about."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from helpers.paths import ROOT

from vidrts.networks.names import DEGRADER
from vidrts.networks.shipped import shipped_models

NEEDS = ("vidrts/samples/ducks.mp4", "vidrts/py.typed", "vsrts/")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this source."""
    made = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", made]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(made.glob("*.whl"))


def test_it_holds_what_people_run_and_no_research(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
    assert all(any(name.startswith(need) for name in held) for need in NEEDS)
    pages = {f"vidrts/pages/templates/{path.name}" for path in (ROOT / "vidrts" / "pages" / "templates").iterdir()}
    assert len(pages) > 4 and pages <= set(held)
    assert not [name for name in held if "research" in name or name.startswith("tests")]
    names = [*(path.stem for path in shipped_models().values()), DEGRADER]
    models = [f"{name}.{kind}" for name in names for kind in ("md", "safetensors")]
    assert sorted(name.removeprefix("vidrts/models/") for name in held if "/models/" in name) == sorted(models)


def test_it_runs_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed by `uv pip install` with what it depends on, in this environment's versions, and nothing else."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    fresh = tmp_path / "venv"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}

    def run(*words: object, cwd: Path = tmp_path) -> str:
        done = subprocess.run([str(w) for w in words], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    here = [f"{found.name}=={found.version}" for found in distributions() if found.name != "vidrts"]
    (tmp_path / "constraints.txt").write_text("\n".join(here))
    python = fresh / "bin" / "python"
    run(uv, "venv", "-q", "--python", f"{sys.version_info.major}.{sys.version_info.minor}", fresh, cwd=ROOT)
    run(uv, "pip", "install", "-q", "--python", python, "-c", tmp_path / "constraints.txt", wheel, cwd=ROOT)

    home = Path(run(python, "-c", "import vidrts; print(vidrts.__file__)").strip()).parent
    assert home.is_relative_to(fresh)
    vidrts = fresh / "bin" / "vidrts"
    assert "enhance" in run(vidrts, "--help")
    assert "rts-lite" in run(vidrts, "models")
    sample, target = home / "samples" / "ducks.mp4", tmp_path / "out.mkv"
    run(vidrts, "enhance", "-q", "--model", "rts-lite", "-t", "0.2", sample, target)
    assert target.stat().st_size > 1000
    shutil.rmtree(fresh)  # some gigabytes, where it could not be linked

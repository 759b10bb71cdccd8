"""`vidrts bench quick` measures, and what it measured is remembered for this machine alone; speeds are not judged."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vidrts.bench import quick, remembered
from vidrts.bench.machine import describe
from vidrts.bench.table import hd_rate, quick_rows
from vidrts.cli import run

NAMES = ["rts-lite", "rts-r3", "rts-lite-2x", "rts-r3-2x"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in the user's cache folder, which is a fresh one."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vidrts" / "speed.json"


def test_measured_once_and_shown_by_models(
    cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["models"]) == 0
    assert "vidrts bench quick" in capfd.readouterr().out
    monkeypatch.setattr(quick.measure, "__kwdefaults__", {**quick.measure.__kwdefaults__, "size": (64, 48)})
    assert run(["bench", "quick", "--device", "cpu", "--seconds", "0.01", "-q"]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()][:5] == ["model", *NAMES]
    speeds = remembered.recall("cpu")
    assert list(speeds) == NAMES and all(rate > 0 for rate in speeds.values())
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run(["models"]) == 0
    shown = capfd.readouterr().out
    assert hd_rate(speeds["rts-lite"]) in next(line for line in shown.splitlines() if line.startswith("rts-lite, auto"))
    assert "vidrts bench quick" not in shown
    assert [path.name for path in cache.parent.iterdir()] == ["speed.json"]


def test_other_machines_and_versions_have_their_own(cache: Path) -> None:
    remembered.remember("cpu", {"rts-lite": 5.0})
    remembered.remember("cpu", {"rts-r3": 1.0})
    remembered.remember("cuda", {"rts-r3": 9.0})
    assert remembered.recall("cpu") == {"rts-lite": 5.0, "rts-r3": 1.0}
    assert remembered.recall("cuda") == {"rts-r3": 9.0}
    here = describe()
    others = [
        replace(here, cpu="another"), replace(here, cores=here.cores + 1), replace(here, gpus=(*here.gpus, "a GPU")),
        *(replace(here, versions={**here.versions, name: "99"}) for name in ("vidrts", "torch", "openvino")),
    ]  # fmt: skip
    assert remembered.key(here, "cpu") not in [remembered.key(other, "cpu") for other in others]
    held = json.loads(cache.read_text())
    cache.write_text(json.dumps({name.replace(here.cpu, "another"): speeds for name, speeds in held.items()}))
    assert remembered.recall("cpu") == {}


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": 1}'])
def test_a_damaged_cache_is_no_cache(content: str, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    assert remembered.recall("cpu") == {}
    remembered.remember("cpu", {"rts-lite": 5.0})
    assert remembered.recall("cpu") == {"rts-lite": 5.0}


def test_a_cache_that_cannot_be_written_is_told(
    cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    monkeypatch.setattr(quick, "measure", lambda *_, **__: {"rts-lite": 5.0})
    assert run(["bench", "quick", "--device", "cpu"]) == 0
    told = capfd.readouterr()
    assert "rts-lite" in told.out and "speeds are not remembered" in told.err and str(cache.parent) in told.err


def test_hours_of_a_film() -> None:
    """8 frames/s: 172,800 frames take 6 hours."""
    assert quick_rows({"m": 8 * 1920 * 1080}) == [("m", "8.0", "6.0")]
    assert hd_rate(1920 * 1080 / 25) == "0.04"

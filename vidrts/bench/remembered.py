"""Speeds that `vidrts bench quick` measured, kept in the user's cache folder for this machine and these versions."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from vidrts.bench.machine import Machine, describe
from vidrts.files import atomic_write

_VERSIONS = ("vidrts", "torch", "openvino")
"""Of packages that decide how fast a model is."""


def file() -> Path:
    """Where they are kept: vidrts/speed.json in the user's cache folder, which XDG_CACHE_HOME may name.

    Raises OSError where the user has no home.
    """
    try:
        home = Path.home()
    except RuntimeError:
        raise FileNotFoundError("no home directory") from None
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        folder = home / "Library" / "Caches"
    else:
        folder = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(folder) / "vidrts" / "speed.json"


def key(machine: Machine, device: str) -> str:
    """What a speed is true of: processor, cores, GPUs, the device's kind (cpu, cuda) and the versions."""
    versions = " ".join(f"{name} {machine.versions.get(name, '-')}" for name in _VERSIONS)
    return "; ".join((machine.cpu, f"{machine.cores} cores", *machine.gpus, device, versions))


def recall(device: str) -> dict[str, float]:
    """Model -> pixels per second on a device of this kind here, as last measured; empty where nothing was."""
    found = _kept().get(key(describe(), device), {})
    return {name: float(rate) for name, rate in found.items()} if isinstance(found, dict) else {}


def remember(device: str, speeds: Mapping[str, float]) -> None:
    """Keep these beside those of other machines and versions; raises OSError where the folder cannot be written."""
    place = file()
    place.parent.mkdir(parents=True, exist_ok=True)
    name = key(describe(), device)
    text = json.dumps({**_kept(), name: {**recall(device), **speeds}}, indent=1)
    with atomic_write(place) as part:
        part.write_text(text)


def _kept() -> dict[str, object]:
    """All of the file; empty where it is missing or damaged: it is a cache."""
    try:
        held = json.loads(file().read_text())
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}

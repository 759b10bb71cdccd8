"""Where the project and the real data lie."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DUCKS = ROOT / "samples" / "ducks.mp4"
REQUIRED = set(os.environ.get("VIDRTS_REQUIRE", "").split(","))


def need(path: Path) -> Path:
    """`path` of the real data, or a skip that says so; VIDRTS_REQUIRE=data makes that a failure."""
    if not path.exists():
        message = f"real data is not at hand: {path.name}"
        if "data" in REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    return path

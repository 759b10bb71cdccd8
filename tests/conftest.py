"""Shared fixtures: the real clips and pictures, tiny models, guards that hold for every test."""

from helpers import few_threads  # noqa: F401 - before torch

# isort: split
import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers.networks import tiny_network
from helpers.paths import DATA, REQUIRED, need
from hypothesis import settings

from vidrts.networks.checkpoint import ModelInfo, save_model

settings.register_profile("no deadline", deadline=None)  # a busy machine is no fault
settings.load_profile("no deadline")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what runs in its background with Ctrl-C ignored, and the processes of tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left with them; CUDA tests skip without a GPU, saying so.

    VIDRTS_REQUIRE=cuda makes that skip a failure.
    """
    items.sort(key=lambda item: item.path.stem not in ("test_conformance", "test_release_model"))
    if torch.cuda.is_available() or "cuda" in REQUIRED:
        return
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device (VIDRTS_REQUIRE=cuda makes this a failure)"))


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of real clips."""
    return need(DATA / "video")


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of photographs for training."""
    return need(DATA / "train" / "photos2k")


@pytest.fixture(scope="session")
def kodak() -> Path:
    """The folder of Kodak's 24 pictures, never trained on."""
    return need(DATA / "eval" / "Kodak24")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the tiny network."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    info = ModelInfo(
        name="tiny", architecture="rts", numbers={"n": 1, "channels": 4}, stage=1, degradation="triangle", data_hash="",
    )  # fmt: skip
    save_model(path, tiny_network(), info)
    return path


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_thread_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A thread of ours that outlives its test is a leak."""
    yield
    left = [t.name for t in threading.enumerate() if t.name.startswith("vidrts-")]
    assert not left, f"threads still running: {left}"


@pytest.fixture(autouse=True)
def _no_error_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing may log an error behind a test's back."""
    yield
    errors = [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not errors, errors

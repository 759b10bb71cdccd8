"""Shared fixtures: the real clips and pictures, tiny models, guards that hold for every test."""

import few_threads  # noqa: F401 - before torch

# isort: split
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vidrts.networks.checkpoint import ModelInfo, save_model
from vidrts.networks.registry import build
from vidrts.networks.rts import RTS

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
REQUIRED = set(os.environ.get("VIDRTS_REQUIRE", "").split(","))


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what runs in its background with Ctrl-C ignored, and the processes of tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left with them; CUDA tests skip without a GPU, saying so.

    VIDRTS_REQUIRE=cuda makes that skip a failure.
    """
    items.sort(key=lambda item: item.path.stem != "test_conformance")
    if torch.cuda.is_available() or "cuda" in REQUIRED:
        return
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device (VIDRTS_REQUIRE=cuda makes this a failure)"))


def need(path: Path) -> Path:
    """`path` of the real data, or a skip that says so; VIDRTS_REQUIRE=data makes that a failure."""
    if not path.exists():
        message = f"real data is not at hand: {path.name}"
        if "data" in REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    return path


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


def tiny_network(seed: int = 0, n: int = 1, channels: int = 4, blur_level: int = 0) -> RTS:
    """A very small RTS whose residual and tail really change a picture."""
    torch.manual_seed(seed)
    network = build("rts", {"n": n, "channels": channels, "blur_level": blur_level})
    with torch.no_grad():
        network.conv_out.weight.normal_(std=0.05)
        network.conv_ext.weight.add_(torch.randn_like(network.conv_ext.weight) * 0.02)
        network.conv_ext.bias.normal_(std=0.005)  # type: ignore[union-attr]
    return network.eval().requires_grad_(False)


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

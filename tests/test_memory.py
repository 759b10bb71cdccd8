"""A lack of memory is recognised in what libraries really raise, and told in one line."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from vidrts import EnhanceOptions, enhance, memory
from vidrts.errors import InputError, OutOfMemoryError
from vidrts.picture.options import EnhancerOptions

HUGE = 2**56
"""Bytes; no address space has as many."""


def raised(by: Callable[[], object]) -> Exception:
    """What `by` raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the question
        by()
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        raised(lambda: np.empty(HUGE, np.uint8)),
        raised(lambda: torch.empty(HUGE, dtype=torch.uint8)),
        raised(lambda: bytearray(HUGE)),
        raised(lambda: av.error.err_check(-errno.ENOMEM)),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=lambda error: f"{type(error).__name__}: {error}"[:60],
)
def test_what_libraries_raise_without_memory(error: Exception) -> None:
    assert memory.lacking(error)
    outer = KeyError("within")
    outer.__cause__ = error
    assert memory.lacking(outer)
    with pytest.raises(OutOfMemoryError) as caught, memory.named():
        raise error
    assert str(caught.value).startswith("out of memory: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("shapes do not fit"), FileNotFoundError(errno.ENOENT, "none"), ValueError("allocate"), KeyError(1)],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert not memory.lacking(error)
    with pytest.raises(type(error)) as caught, memory.named():
        raise error
    assert caught.value is error


def test_a_limit_that_is_near_is_said() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), hard))
        near = memory.near_limit()
        resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), hard))
        far = memory.near_limit()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert near is not None
    assert "ulimit -v" in near
    assert far is None


def test_the_library_raises_one_error_for_it(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    def fail(progress: object) -> None:
        np.empty(HUGE, np.uint8)

    with pytest.raises(OutOfMemoryError, match="out of memory: Unable to allocate"):
        enhance(
            clips / "androidx_media__bt601.mov", tmp_path / "out.mkv",
            EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu", strength=0)), on_progress=fail,
        )  # fmt: skip
    with pytest.raises(InputError):
        enhance(tmp_path / "none.mkv", tmp_path / "out.mkv", EnhanceOptions(model=str(tiny_model)))


LIMITS = (400, 1200, 2400, 2800, 3000, 3200, 3300, 3350, 3400, 3450, 3500, 3600, 3800, 4200)
"""MiB of address space. torch, OpenVINO and FFmpeg map about 3 GiB; 2 workers and an encoder come on top."""


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
@pytest.mark.parametrize("limit", LIMITS)
def test_little_memory_is_never_a_hang(limit: int, codec: str, clips: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit << 20, limit << 20))

    done = subprocess.run(
        [sys.executable, "-m", "vidrts", "enhance", "--no-progress", "--device", "cpu", "--model", "rts-lite",
         "-c:v", codec, "-t", "0.2", clips / "androidx_media__bt601.mov", target],
        capture_output=True, text=True, preexec_fn=limited, timeout=60,
    )  # fmt: skip
    last = done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        with av.open(target) as complete:
            assert sum(1 for _ in complete.decode(video=0)) > 0
    else:
        assert last.startswith("vidrts: ")
        assert "memory" in last
        assert not target.exists()

"""Many pictures through a pool of processes: in order, bounded, and nothing left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vidrts.errors import UnsupportedFormatError
from vidrts.measure.viqet import MODELS, measure, measure_many

Picture = NDArray[np.uint8]
ENDLESS = """
import itertools, numpy as np
from vidrts.measure.viqet import measure_many
picture = np.random.default_rng(0).integers(0, 255, (900, 90, 3), dtype=np.uint8)
for _ in measure_many(itertools.repeat(picture), workers=2):
    print("measured", flush=True)
"""


def pictures(count: int) -> list[Picture]:
    """Tall and narrow, so that they are quick to measure; all different."""
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 256, (900, 85, 3)) // (k + 1)).astype(np.uint8) for k in range(count)]


def test_a_pool_gives_what_one_process_gives_in_order() -> None:
    several = pictures(6)
    pulled = 0

    def source() -> Iterator[Picture]:
        nonlocal pulled
        for picture in several:
            pulled += 1
            yield picture

    model = MODELS["preview1-night"]
    with closing(measure_many(source(), mos_model=model, workers=2)) as measured:
        got = [next(measured)]
        assert pulled <= 2 * 2 + 1
        got += measured
    assert [s.columns() for s in got] == [measure(p).columns() for p in several]
    assert {s.mos_model for s in got} == {model.title}
    assert not multiprocessing.active_children()


def test_an_error_comes_at_its_turn_and_ends_the_pool() -> None:
    good, other = pictures(2)
    with closing(measure_many([good, other, good[:50], good, good], workers=2)) as measured:
        assert len([next(measured), next(measured)]) == 2
        with pytest.raises(UnsupportedFormatError, match="85x50"):
            next(measured)
    assert not multiprocessing.active_children()


def test_one_worker_and_one_picture_take_no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidrts.measure.viqet.pool.ProcessPoolExecutor", None)
    assert len(list(measure_many(pictures(2), workers=1))) == 2
    assert len(list(measure_many(pictures(1), workers=4))) == 1
    assert list(measure_many([])) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_all_processes(number: signal.Signals) -> None:
    """Ctrl-C goes to the group, as from a terminal, and gives one traceback, the parent's; a kill to the parent."""
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "measured\n"
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.kill()
        # Every child holds the pipes, so this returns when the last one has ended.
        _, said = process.communicate(timeout=120)
    assert process.returncode == -number
    assert said.count("Traceback") == (1 if number == signal.SIGINT else 0)

"""The scheduling of threads, which SVT-AV1 changes in processes that may do so, such as root's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


@contextmanager
def kept() -> Iterator[None]:
    """Threads that an encoder makes real-time ones inside are given back the caller's scheduling; on Linux alone.

    When SVT-AV1 opens, it makes its own threads and the caller SCHED_FIFO at the highest priority, where that is
    allowed. Decoder and enhancer then wait for it, and so does everything else on the machine.
    """
    if not _THREADS.is_dir():
        yield
        return
    own, before = (os.sched_getscheduler(0), os.sched_getparam(0)), _real_time()
    try:
        yield
    finally:
        for thread in _real_time() - before:
            with suppress(OSError):  # it has ended meanwhile
                os.sched_setscheduler(thread, *own)


def _real_time() -> set[int]:
    """Threads of this process that are SCHED_FIFO."""
    found = set()
    for entry in _THREADS.iterdir():
        with suppress(OSError):
            if os.sched_getscheduler(int(entry.name)) == os.SCHED_FIFO:
                found.add(int(entry.name))
    return found

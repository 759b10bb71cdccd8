"""How much memory a process and its descendants hold, as Linux's /proc tells; 0 elsewhere."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_PERIOD = 0.05
"""Seconds between looks."""


def resident(pid: int) -> int:
    """Bytes of main memory that the process `pid` and all its descendants hold now; shared pages count in each."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total = 1024 * int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(resident(int(child)) for child in (task / "children").read_text().split())
    except (OSError, ValueError):
        return total  # it has ended meanwhile, or this is no Linux
    return total


class PeakMemory:
    """Watches a process while the `with` lasts; `peak` is the most that was seen."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vidrts-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:  # fmt: skip
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            self.peak = max(self.peak, resident(self._pid))
            self._done.wait(_PERIOD)

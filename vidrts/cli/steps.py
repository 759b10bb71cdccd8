"""Progress of work that is counted in steps (moments, frames), and lines for people between."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from vidrts.cli.progress import INTERVAL, say


class Steps:
    """Shows steps as a bar on a terminal, else as a plain line every few seconds."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._next = time.monotonic() + INTERVAL

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar = Bar(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def message(self, line: str) -> None:
        """A line for people."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(f"vidrts: {line}", markup=False, highlight=False, soft_wrap=True)
        else:
            say(f"vidrts: {line}")

    def step(self, what: str, done: int, total: int | None) -> None:
        """`done` of `total` (None: not known) of what is being done."""
        if self._quiet:
            return
        line = f"{done}{f'/{total}' if total else ''} {what}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=line)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + INTERVAL
            say(f"vidrts: {line}")

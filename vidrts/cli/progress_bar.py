"""Progress on stderr: a bar on a terminal, else a line every few seconds; and messages."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

INTERVAL = 5.0
"""Seconds between plain lines."""


def say(line: str) -> None:
    """Print a line on stderr; ignores errors, such as a closed stderr."""
    with suppress(OSError):
        click.echo(line, err=True)


class Steps:
    """Shows progress and messages without mixing them up.

    `show` False: messages only; `quiet`: nothing.
    """

    def __init__(self, *, show: bool = True, quiet: bool = False) -> None:
        self._show = show and not quiet
        self._quiet = quiet
        self._bar: Bar | None = None
        self._next = time.monotonic() + INTERVAL

    def __enter__(self) -> Self:
        if self._show and sys.stderr is not None and sys.stderr.isatty():  # None: it was closed from the start
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def message(self, line: str) -> None:
        """Show a message."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(f"vidrts: {line}", markup=False, highlight=False, soft_wrap=True)
        else:
            say(f"vidrts: {line}")

    def note(self, line: str) -> None:
        """Show a message that is part of the progress: not where that is not shown."""
        if self._show:
            self.message(line)

    def error(self, line: str) -> None:
        """Show an error, always."""
        if self._quiet:
            say(f"vidrts: {line}")
        else:
            self.message(line)

    def show(self, line: str, done: int, total: int | None) -> None:
        """Show progress: `done` of `total` (None: unknown), described by `line`."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=line)
        elif self._show and time.monotonic() >= self._next:
            self._next = time.monotonic() + INTERVAL
            say(f"vidrts: {line}")

    def step(self, what: str, done: int, total: int | None) -> None:
        """Show progress: `done` of `total` (None: unknown) of `what`."""
        self.show(f"{done}{f'/{total}' if total else ''} {what}", done, total)

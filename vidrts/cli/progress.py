"""The progress of a run on stderr: a bar on a terminal, else a plain line every few seconds."""

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from vidrts.pipeline import Progress

INTERVAL = 5.0
"""Seconds between plain lines."""


def human_size(count: int) -> str:
    """Bytes in the largest fitting decimal unit: 12.3 MB."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def human_time(seconds: float) -> str:
    """h:mm:ss, or m:ss under an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe(progress: Progress, model: str) -> str:
    """Frames done and total, frames/s, time left, size; what the light model would give where that helps."""
    rate = progress.frames / progress.seconds if progress.seconds > 0 else 0.0
    of = f"/{progress.total}" if progress.total else ""
    line = f"{progress.frames}{of} frames, {rate:.2f} frames/s"
    if progress.total and rate:
        line += f", {human_time(max(0, progress.total - progress.frames) / rate)} left"
    line += f", {human_size(progress.bytes_written)}"
    if progress.light_rate and progress.light_rate > 1.5 * rate:
        line += f" ({model} on a CPU; --model rts-lite enhances about {progress.light_rate:.1f} frames/s)"
    return line


def say(line: str) -> None:
    """A line on stderr; when nobody reads that any more, the work goes on all the same."""
    with suppress(OSError):
        click.echo(line, err=True)


class ProgressReport:
    """Shows `Progress` values and lines for people, so that they do not disturb each other."""

    def __init__(self, model: str, *, show: bool, quiet: bool) -> None:
        self._model = model
        self._show = show and not quiet
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next = INTERVAL
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._show and sys.stderr.isatty():
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
        """A line for people: a warning, or what was assumed."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(f"vidrts: {line}", markup=False, highlight=False, soft_wrap=True)
        else:
            say(f"vidrts: {line}")

    def frame(self, progress: Progress) -> None:
        """One more frame is written."""
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, completed=progress.frames, total=progress.total, description=describe(progress, self._model)
            )
        elif self._show and progress.seconds >= self._next:
            self._next = progress.seconds + INTERVAL
            say(f"vidrts: {describe(progress, self._model)}")

"""Ctrl-C, SIGTERM and SIGHUP: exit immediately while there is nothing to keep, later keep the finished part.

Signals that are ignored at start (nohup, background jobs of scripts) stay ignored. Imports nothing slow:
`exit_immediately` covers the seconds in which torch is loaded.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from vidrts.errors import Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def exit_immediately(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Inside, a signal calls `first` and exits silently with code 128 + its number."""

    def leave(number: int, _: FrameType | None) -> None:
        first()
        os._exit(128 + number)

    with _handled(leave):
        yield


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Inside, the yielded function returns the first signal, so that the finished part can be kept.

    The second one raises `Interrupted` immediately; a third kills.
    """
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) == 2:
            raise Interrupted("stopped; nothing more was written", number)
        if len(caught) > 2:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    with _handled(remember):
        yield lambda: caught[0] if caught else None


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Install `handler` for all `SIGNALS` that are not ignored; in the main thread only."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: signal.signal(n, handler) for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

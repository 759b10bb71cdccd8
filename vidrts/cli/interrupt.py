"""Ctrl-C, SIGTERM and SIGHUP: at once while there is nothing to keep, else what is done is kept.

A signal that is ignored when the program starts (nohup, a job that a script put into the background) stays ignored.
Imports nothing that takes time: `at_once` is for the seconds in which torch is loaded.
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
def at_once() -> Iterator[None]:
    """While inside, a signal ends the process without a word; exit code 128 + its number."""
    with _handled(lambda number, _: os._exit(128 + number)):
        yield


@contextmanager
def kept() -> Iterator[Callable[[], int | None]]:
    """While inside, the first signal is kept for the yielded function to tell, so that the work so far can be saved.

    The second one raises `Interrupted` wherever the program is: nothing more is kept. A third kills.
    """
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) == 2:
            raise Interrupted("stopped at once; nothing more was written", number)
        if len(caught) > 2:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    with _handled(remember):
        yield lambda: caught[0] if caught else None


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """`handler` for all `SIGNALS` that are not ignored; only the main thread may have one."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: signal.signal(n, handler) for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

"""Calls into native libraries that might never return, announced to whoever watches over the process.

A library that hangs, as encoders may after a failed allocation, cannot be stopped from within: it may hold Python's
lock, and then no signal handler and no thread runs. `cli.guardian` is the one that watches.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

_watchers: list[Callable[[str], None]] = []


@contextmanager
def native_call(what: str) -> Iterator[None]:
    """Inside, a library is computing and waits for nothing but its own threads: no file, no pipe, no GPU.

    `what`, for people: "libx264 (opening)". One thread at a time.
    """
    _tell(what)
    try:
        yield
    finally:
        _tell("")


def each_native[T](what: str, items: Iterable[T]) -> Iterator[T]:
    """The items of `items`; making each is a `native_call`."""
    iterator = iter(items)
    while True:
        with native_call(what):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


@contextmanager
def watched(watcher: Callable[[str], None]) -> Iterator[None]:
    """Inside, `watcher` gets what each call is as it begins, and "" as it ends."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def _tell(what: str) -> None:
    for watcher in _watchers:
        watcher(what)

"""Calls into native libraries that might never return, announced to whoever watches over the process.

A library that hangs, as encoders may after a failed allocation, cannot be stopped from within: it may hold Python's
lock, and then no signal handler and no thread runs. `cli.guardian` is the one that watches.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Watcher(Protocol):
    """What is told of the calls."""

    def call(self, what: str) -> None:
        """A call begins; "": it ended."""

    def file(self, name: str) -> None:
        """What follows is written to the file of this name, until the next."""


_watchers: list[Watcher] = []


@contextmanager
def native_call(what: str) -> Iterator[None]:
    """Inside, a library is computing and waits for nothing but its own threads: no file, no pipe, no GPU.

    `what`, for people: "libx264 (opening)". One thread at a time.
    """
    for watcher in _watchers:
        watcher.call(what)
    try:
        yield
    finally:
        for watcher in _watchers:
            watcher.call("")


def each_within[T](call: Callable[[], AbstractContextManager[None]], items: Iterable[T]) -> Iterator[T]:
    """The items of `items`, each made within a context of `call`, such as a `native_call`."""
    iterator = iter(items)
    while True:
        with call():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def unfinished(name: str) -> None:
    """What follows is written to the file of this name, which is left if a call never returns."""
    for watcher in _watchers:
        watcher.file(name)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Inside, `watcher` is told of all calls."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)

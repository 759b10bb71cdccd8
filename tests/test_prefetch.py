"""Order, bound, errors and endings of the threads between stages."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidrts.prefetch import Cancelled, prefetch


@given(items=st.lists(st.integers()), depth=st.integers(1, 8))
def test_the_same_items_in_order(items: list[int], depth: int) -> None:
    with closing(prefetch(iter(items), depth, "test")) as ahead:
        assert list(ahead) == items


def test_never_further_ahead_than_the_depth() -> None:
    made = []
    reached = threading.Semaphore(0)

    def upstream() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            reached.release()
            yield i

    with closing(prefetch(upstream(), 3, "test")) as ahead:
        assert next(ahead) == 0
        for _ in range(5):  # one given, three waiting, one being handed over
            reached.acquire()
        assert not reached.acquire(timeout=0.3)
        assert len(made) == 5


def test_an_error_comes_after_the_items_before_it() -> None:
    def upstream() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("disk gone")

    got = []
    with closing(prefetch(upstream(), 2, "test")) as ahead, pytest.raises(OSError, match="disk gone"):  # noqa: PT012
        for item in ahead:
            got.append(item)
    assert got == [1, 2]


def test_closing_early_closes_upstream_in_its_thread() -> None:
    closed_in = []

    def upstream() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed_in.append(threading.current_thread().name)

    with closing(prefetch(upstream(), 2, "early")) as ahead:
        next(ahead)
    assert closed_in == ["vidrts-early"]


def test_a_consumer_that_fails_leaves_no_thread() -> None:
    with pytest.raises(RuntimeError), closing(prefetch(iter(range(1000)), 2, "test")) as ahead:  # noqa: PT012
        next(ahead)
        raise RuntimeError("consumer")
    assert not [t for t in threading.enumerate() if t.name == "vidrts-test"]


def test_a_waiting_consumer_can_be_woken() -> None:
    gate = threading.Event()

    def upstream() -> Iterator[int]:
        gate.wait()
        yield 1

    def wake() -> bool:
        gate.set()  # let the thread end, so that closing does not wait for it
        return True

    with closing(prefetch(upstream(), 1, "test", wake)) as ahead, pytest.raises(Cancelled):
        next(ahead)

"""All threads and queues: running an iterator ahead in its own thread, with a bound.

Use it under `contextlib.closing`, so that the thread ends even when the consumer raises:

    with closing(prefetch(frames, depth=4, name="decode")) as ahead:
        for frame in ahead: ...
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import Any

_POLL = 0.1
"""Seconds between checks of `wake` and of the stop flag while blocked."""


class Cancelled(Exception):  # noqa: N818 - not an error: the consumer asked for it
    """`wake` returned True while the consumer waited for an item."""


def prefetch[T](upstream: Iterator[T], depth: int, name: str, wake: Callable[[], bool] = lambda: False) -> Generator[T]:
    """The items of `upstream`, produced in a thread at most `depth` (plus one in progress) ahead of their use.

    Raises an error of `upstream` after the items before it. Polls `wake` while waiting, and raises `Cancelled` when it
    returns True. Closing stops the thread, closes `upstream` in it, and waits for both.
    """
    items: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: tuple[T | None, BaseException | None, bool]) -> None:
        while not stop.is_set():
            try:
                items.put(item, timeout=_POLL)
                return
            except queue.Full:
                continue

    def work() -> None:
        failure: BaseException | None = None
        try:
            for item in upstream:
                put((item, None, False))
                if stop.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, whatever it is
            failure = error
        finally:
            try:
                close: Any = getattr(upstream, "close", None)
                if close is not None:
                    close()
            except BaseException as error:  # noqa: BLE001
                failure = failure or error
        put((None, failure, True))

    thread = threading.Thread(target=work, name=f"vidrts-{name}", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, failure, last = items.get(timeout=_POLL)
            except queue.Empty:
                if wake():
                    raise Cancelled from None
                continue
            if failure is not None:
                raise failure
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


def ordered_map[T, R](
    upstream: Iterator[T],
    workers: Sequence[Callable[[T], R]],
    depth: int,
    name: str,
    wake: Callable[[], bool] = lambda: False,
    begin: Callable[[], None] = lambda: None,
) -> Generator[R]:
    """Maps the items of `upstream` in parallel, each by the next free one of `workers`, and keeps their order.

    One thread per worker, which calls `begin` first; otherwise as `prefetch`, with at most `depth` items ahead, or as
    many as there are workers.
    """
    free: queue.SimpleQueue[Callable[[T], R]] = queue.SimpleQueue()
    for worker in workers:
        free.put(worker)

    def work(item: T) -> R:
        worker = free.get()
        try:
            return worker(item)
        finally:
            free.put(worker)

    with ThreadPoolExecutor(len(workers), f"vidrts-{name}", begin) as pool:
        futures = (pool.submit(work, item) for item in upstream)
        with closing(prefetch(futures, max(depth, len(workers)), f"{name}-submit", wake)) as ahead:
            try:
                for future in ahead:
                    yield _result(future, wake)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _result[R](future: Future[R], wake: Callable[[], bool]) -> R:
    """The result of `future`, polling `wake` meanwhile."""
    while not wait([future], timeout=_POLL).done:
        if wake():
            raise Cancelled from None
    return future.result()

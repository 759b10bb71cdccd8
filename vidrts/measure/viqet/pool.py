"""Many pictures, measured by a pool of single-threaded processes."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import cv2
from numpy.typing import NDArray

from vidrts.cores import usable_cores
from vidrts.errors import VidrtsError
from vidrts.measure.viqet.flat import FlatRegionModel
from vidrts.measure.viqet.models import MosModel
from vidrts.measure.viqet.scores import Scores, measure

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measure_many(
    pictures: Iterable[NDArray[Any]],
    *,
    mos_model: MosModel | None = None,
    flat_region_model: FlatRegionModel | None = None,
    workers: int | None = None,
) -> Generator[Scores]:
    """`measure` of each picture, in order; `pictures` is read as it is used, at most two a worker ahead.

    `workers` processes (None: one for each core), but this process itself for one worker or one picture. The error of
    a picture is raised at its turn. Closing the iterator, an error, or Ctrl-C ends the processes at once.
    """
    upstream = iter(pictures)
    first = list(islice(upstream, 2))
    pictures = chain(first, upstream)
    count = workers or usable_cores()
    if count == 1 or len(first) < 2:
        for picture in pictures:
            yield measure(picture, mos_model=mos_model, flat_region_model=flat_region_model)
        return

    # Spawned, not forked: a fork of a process with threads (torch's, a decoder's) may hang.
    context = multiprocessing.get_context("spawn")
    worker_end, our_end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker, initargs=(worker_end,))
    pending: deque[Future[Scores]] = deque()
    try:
        for picture in pictures:
            with _lean_children():
                pending.append(pool.submit(measure, picture, mos_model=mos_model, flat_region_model=flat_region_model))
            if len(pending) > 2 * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        pool.shutdown()
    except BrokenProcessPool:
        raise VidrtsError(
            f"VIQET: one of {count} measuring processes died, likely for want of memory; take fewer workers"
        ) from None
    finally:
        our_end.close()
        pool.shutdown(cancel_futures=True)
        worker_end.close()


@contextmanager
def _lean_children() -> Iterator[None]:
    """Processes that start within have one thread, take no SIGINT, and do not import the program that started them.

    Ctrl-C is the parent's, which then ends them. Threads and signals are inherited, so both hold before the first
    import. A spawned process would run the parent's main module again, which may import torch or lack a guard.
    """
    kept = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker(parent: Connection) -> None:
    """One OpenCV thread, and an end as soon as the parent's end of the pipe is closed, by it or by its death."""
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    parent.poll(None)  # nothing is ever sent: it returns when the pipe is closed
    os._exit(1)

"""torch's threads, shared among several threads of Python that compute at the same time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def shared_threads(workers: int) -> Iterator[Callable[[], None]]:
    """What the thread of each of some workers calls first, to take its share of torch's threads.

    Afterwards torch is as before: its number of threads is that of the process for threads that begin later.
    """
    threads = torch.get_num_threads()
    try:
        yield lambda: torch.set_num_threads(max(1, threads // workers))
    finally:
        torch.set_num_threads(threads)

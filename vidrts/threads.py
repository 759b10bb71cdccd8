"""Sharing torch's threads among Python threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def shared_threads(workers: int) -> Iterator[Callable[[], None]]:
    """A function that each worker's thread calls first to take its share of torch's threads; restored afterwards."""
    threads = torch.get_num_threads()
    try:
        yield lambda: torch.set_num_threads(max(1, threads // workers))
    finally:
        torch.set_num_threads(threads)

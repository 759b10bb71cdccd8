"""Sharing torch's threads among Python threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def worker_threads(workers: int) -> int:
    """Each one's share of torch's threads."""
    return max(1, torch.get_num_threads() // workers)


@contextmanager
def shared_threads(workers: int) -> Iterator[Callable[[], None]]:
    """A function that each worker's thread calls first to take its share of torch's threads; restored afterwards."""
    threads, share = torch.get_num_threads(), worker_threads(workers)
    try:
        yield lambda: torch.set_num_threads(share)
    finally:
        torch.set_num_threads(threads)

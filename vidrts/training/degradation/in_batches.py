"""Many crops degraded in batches, by as many threads as torch has: codecs work outside Python's lock."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from vidrts.threads import shared_threads

MOST = 32
"""Crops in a batch at most; results do not depend on it."""


def in_batches[T](work: Callable[[range], list[T]], numbers: range) -> list[T]:
    """What `work` gives for each batch of `numbers`, joined in order."""
    workers = torch.get_num_threads()
    size = max(1, min(MOST, math.ceil(len(numbers) / workers)))
    batches = [numbers[first : first + size] for first in range(0, len(numbers), size)]
    with shared_threads(workers) as begin, ThreadPoolExecutor(workers, "vidrts-crops", begin) as pool:
        return [made for found in pool.map(work, batches) for made in found]

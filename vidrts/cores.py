"""Number of usable CPU cores."""

import os


def usable_cores() -> int:
    """Number of cores that this process may use, by its CPU affinity."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

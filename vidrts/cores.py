"""The processor's cores."""

import os


def usable_cores() -> int:
    """How many cores this process may use; the affinity of a container or a batch system counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

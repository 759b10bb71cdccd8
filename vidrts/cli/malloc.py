"""glibc's malloc settings for commands that process many pictures.

By default glibc returns large freed blocks to the system, and the kernel must clear new pages for the next picture's
tensors, which takes a good part of the CPU time of a small network. Keeping them does not raise peak memory.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Keep freed memory in the process; does nothing with another C library.

    Call before starting threads: large blocks then share one arena.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for parameter, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1)):
        mallopt(parameter, value)

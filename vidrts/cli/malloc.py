"""How the process's memory is handed out, for commands that compute picture after picture.

glibc gives every large block that is freed back to the system, and the next picture's tensors come as fresh pages that
the kernel must clear, which with a small network is a good part of the CPU time. Kept blocks cost nothing; the most
that is held stays the same.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Freed memory stays with the process, for the next picture; where the C library is another, nothing happens.

    Call it before threads are started: blocks as large as these are kept in the one heap that all threads share.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for parameter, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1)):
        mallopt(parameter, value)

"""Running out of memory: recognised whatever raises it, and told in one line."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidrts.errors import OutOfMemoryError, VidrtsError

_WORDS = re.compile(
    r"allocat|bad_alloc|malloc|out of memory|not enough memory|start new thread|failed to map segment"
    r"|temporarily unavailable",
    re.IGNORECASE,
)
"""What native libraries and Python say when there is no memory, or no room for the stack of a thread."""
_NEAR = 2**29
"""Bytes below which a limit counts as reached: libraries ask for hundreds of megabytes at once."""


def lacking(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that there is no memory or no room for a thread."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        if isinstance(error, RuntimeError | ImportError | OSError) and _WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def near_limit() -> str | None:
    """In words, how little the process's own limit (`ulimit -v`) leaves; None where it leaves enough or there is none.

    Errors of a process near its limit may come of it, whatever they say.
    """
    try:
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):
        return None
    left = limit - used
    if limit == resource.RLIM_INFINITY or left > _NEAR:
        return None
    return f"{max(0, left) >> 20} MiB are left of the {limit >> 20} MiB of memory allowed by ulimit -v"


def line(error: BaseException) -> str:
    """One line about an error that is `lacking` memory."""
    reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    advice = near_limit() or "close other programs, or use a smaller --tile or fewer --threads"
    return "; ".join([f"out of memory: {reason}", advice, *getattr(error, "__notes__", ())])


@contextmanager
def named() -> Iterator[None]:
    """Inside, errors that say that memory is lacking become `OutOfMemoryError`; also a decorator."""
    try:
        yield
    except VidrtsError:
        raise
    except Exception as error:
        if not lacking(error):
            raise
        raise OutOfMemoryError(line(error)) from error

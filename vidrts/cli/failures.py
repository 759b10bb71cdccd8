"""Errors as lines on stderr."""

from vidrts import memory
from vidrts.errors import OptionError, OutOfMemoryError, VidrtsError


def line(error: Exception) -> str:
    """One line about any error; near the limit of memory it says so, since that may be the cause."""
    if isinstance(error, VidrtsError):
        near = None if isinstance(error, OptionError | OutOfMemoryError) else memory.near_limit()
        return f"{error}; {near}" if near else str(error)
    if memory.lacking(error):
        return memory.line(error)
    reason = str(error).splitlines()[0] if str(error) else "no message"
    notes = [*getattr(error, "__notes__", ()), *filter(None, [memory.near_limit()])]
    words = "; ".join([reason, *notes, "please report it with the output of --debug"])
    return f"unexpected {type(error).__name__}: {words}"

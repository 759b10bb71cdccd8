"""Atomic writing of files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(final: Path) -> Iterator[Path]:
    """A hidden path to write to in the directory of `final`: renamed to it when the block ends, removed if it fails.

    Replaces an existing file. Raises what the block raises, and OSError if renaming fails.
    """
    hidden = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        yield hidden
        hidden.replace(final)
    finally:
        hidden.unlink(missing_ok=True)

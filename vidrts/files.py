"""Files that are whole under their name, or not there at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(final: Path) -> Iterator[Path]:
    """A hidden path beside `final` to write to: it gets that name when the block ends, and goes where it fails.

    What has the name is replaced. Raises whatever the block raises, and OSError where the name cannot be given.
    """
    hidden = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        yield hidden
        hidden.replace(final)
    finally:
        hidden.unlink(missing_ok=True)

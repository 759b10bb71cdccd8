"""Atomic writing of files; what a name stands for."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def atomic_write(final: Path) -> Iterator[Path]:
    """A hidden path to write to in the directory of `final`: renamed to it when the block ends, removed if it fails.

    Replaces an existing file, of a symbolic link its target. A FIFO or device gets the content when the block ends.
    Raises what the block raises, and OSError if renaming fails.
    """
    if special(final) is not None:
        with TemporaryDirectory() as folder:
            part = Path(folder) / "part"
            yield part
            with part.open("rb") as content, final.open("wb") as reader:
                shutil.copyfileobj(content, reader)
        return
    final = followed(final)
    hidden = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        yield hidden
        hidden.replace(final)
    finally:
        hidden.unlink(missing_ok=True)


def followed(path: Path) -> Path:
    """The path that a symbolic link stands for, existing or not; any other path as it is.

    Raises OSError (ELOOP) for links that lead in a circle and so stand for nothing.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, "a symbolic link that leads back to itself", str(path))
    return target


def special(path: Path) -> str | None:
    """What `path` is if it is neither a regular file nor a directory nor missing: "FIFO", "socket", "device"."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return "FIFO" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        if path.is_dir():  # Windows opens no folders
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

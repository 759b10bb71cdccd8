"""Names of an output file: final, hidden while it is written, partial; and renaming between them."""

import errno
import os
import re
from pathlib import Path

from vidrts.errors import OptionError, OutputError
from vidrts.files import followed, special
from vidrts.media.containers import Place, is_url
from vidrts.media.write.mark import is_marked

LONGEST_NAME = 240
"""Bytes of a file name; most systems take 255, and a partial name is up to 13 longer."""
UNFINISHED = re.compile(r"\.partial(-\d+)?$")
"""What the stem of a partial name ends with."""


def final(name: str | os.PathLike[str], requested: str | None) -> Path:
    """The path of the output file; raises for a URL, a FIFO or device, and for a `requested` format (-f)."""
    if is_url(name):
        raise OutputError(f"{os.fspath(name)}: writing to a URL is not supported; expected a file name")
    if requested is not None:
        raise OptionError(
            f"-f {requested} is for OUT -, a pipe; the container of {os.fspath(name)} follows from its extension"
        )
    path = Path(name)
    if (kind := special(path)) is not None:
        raise OutputError(f"{path}: is a {kind}, expected a file name; write it as a pipe: -f FORMAT IN - > {path}")
    return path


def check(path: Path, source: Place, *, overwrite: bool, own_only: bool = False) -> None:
    """Raise `OutputError` if `path` must not or cannot be written; see `EncodeOptions`."""
    try:
        taken = os.path.lexists(followed(path))
        if isinstance(source, Path) and path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path}: input and output are the same file; choose another output")
        if path.is_dir():
            raise OutputError(f"{path}: is a directory, expected a file name")
        if (kind := special(path)) is not None:
            raise OutputError(f"{path}: is a {kind}, expected a file name")
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutputError(f"{path}: is a symbolic link that leads back to itself, expected a file name") from error
        raise OutputError(f"{path}: invalid file name: {error.strerror}") from error
    if (length := len(os.fsencode(followed(path).name))) > LONGEST_NAME:
        raise OutputError(f"{path}: expected a file name of at most {LONGEST_NAME} bytes, got {length}")
    if taken and not overwrite:
        raise OutputError(f"{path}: already exists; -y overwrites it")
    if own_only and is_foreign(path):
        raise OutputError(
            f"{path}: already exists and was not made by vidrts, so -y does not overwrite it; --force does"
        )
    check_writable(followed(path))


def is_foreign(path: Path) -> bool:
    """Whether there is a file that vidrts did not make; an empty one belongs to nobody."""
    try:
        return path.stat().st_size > 0 and not is_marked(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def check_writable(path: Path) -> None:
    """Raise `OutputError` if the directory of `path` is not writable."""
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: no such directory: {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: directory not writable: {folder}")


def temporary(path: Path, mark: str) -> Path:
    """The hidden name of a file being written, in the same directory, so that renaming is atomic."""
    stem = os.fsencode(path.stem)[:60].decode(errors="ignore")
    return path.with_name(f".{stem}.{os.getpid()}-{mark}.vidrts{path.suffix}")


def rename(written: Path, final: Path, *, overwrite: bool, own_only: bool = False) -> None:
    """Rename a written file; raises OSError, and FileExistsError for a file that must stay; see `EncodeOptions`."""
    if own_only and is_foreign(final):
        raise FileExistsError(errno.EEXIST, "File exists")
    if overwrite:
        written.replace(final)
        return
    try:
        os.link(written, final)  # fails where the name exists, unlike a rename
        written.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, "File exists") from None
        written.rename(final)


def rename_partial(written: Path, final: Path) -> Path:
    """Give `written` the first free partial name of `final`, <name>.partial.<ext> or <name>.partial-2.<ext> and so on.

    It stays in its directory. Returns `written` itself if renaming fails.
    """
    for number in range(1, 1000):
        mark = ".partial" if number == 1 else f".partial-{number}"
        kept = written.with_name(f"{final.stem}{mark}{final.suffix}")
        try:
            rename(written, kept, overwrite=False)
        except FileExistsError:
            continue
        except OSError:
            break
        return kept
    return written

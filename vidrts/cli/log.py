"""`--log FILE`: what -v says, and errors, each line with its time, appended to a file.

Lines are written one by one, without a buffer: what was said before a crash is in the file. Lines of runs that share a
file do not cut into each other.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

import click

from vidrts.media.output_formats import OUTPUT_FORMATS

_MODE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LOOK = 4096
"""Bytes of an existing file that must be text."""


class _Log:
    """The log of this process, if there is one."""

    descriptor: int | None = None
    command = ""


_log = _Log()


def prepare(command: str) -> None:
    """Say which command the next log is of."""
    _log.command = command


def opened(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """Callback of --log: opens it; a usage error if it cannot be written, or is a file of another kind."""
    if file is None:
        return None
    try:
        if file.suffix.lower() in OUTPUT_FORMATS:
            raise click.BadParameter(f"{file}: expected the name of a text file, got that of a video.")
        if file.is_file() and not _is_text(file):
            raise click.BadParameter(f"{file}: expected a text file to append to, got another file.")
        descriptor = os.open(file, _MODE, 0o666)
    except OSError as error:
        raise click.BadParameter(f"{file}: cannot be written: {error.strerror}.") from None
    close()
    _log.descriptor = descriptor
    from vidrts import __version__

    note(f"vidrts {__version__}: {_log.command}")
    return file


def note(line: str) -> None:
    """Append a line, or several, with the time; nothing without a log."""
    if _log.descriptor is None:
        return
    data = "".join(f"{_now()} {each}\n" for each in line.splitlines()).encode(errors="surrogateescape")
    try:
        os.write(_log.descriptor, data)
    except OSError as error:
        close()
        with suppress(OSError):
            click.echo(f"vidrts: the log cannot be written any more: {error.strerror}", err=True)


def descriptor() -> int | None:
    """Of the open file, for a child process."""
    return _log.descriptor


def close() -> None:
    """Close the file, if one is open."""
    if _log.descriptor is not None:
        os.close(_log.descriptor)
        _log.descriptor = None


def _now() -> str:
    """Local time with its distance from UTC."""
    seconds = time.time()
    moment = time.localtime(seconds)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', moment)}.{int(seconds % 1 * 1000):03}{time.strftime('%z', moment)}"


def _is_text(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(_LOOK)
    if not head.isascii():
        try:
            head.decode()
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:  # else the last letter is cut
                return False
    return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)


LOG = click.option(
    "--log", "log_file", type=click.Path(path_type=Path), callback=opened, expose_value=False, is_eager=True,
    metavar="FILE", help="Append to FILE what -v says, and errors, with times; whatever -q and --progress are.",
)  # fmt: skip

"""Results in a JSON file: checked before measuring, written atomically."""

from pathlib import Path

import click

from vidrts.errors import OutputError
from vidrts.files import atomic_write


def checked(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """Callback of a --json option: a usage error if the directory does not exist."""
    if file is not None and not file.parent.is_dir():
        raise click.BadParameter(f"{file}: no such directory: {file.parent}.")
    return file


def keep(file: Path | None, text: str) -> None:
    """Write `text` to `file`, if given, atomically; raises `OutputError`."""
    if file is None:
        return
    try:
        with atomic_write(file) as part:
            part.write_text(text)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {error.strerror}") from None

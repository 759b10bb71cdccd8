"""Numbers kept in a JSON file that the command line names: refused before anything is measured, written whole."""

from pathlib import Path

import click

from vidrts.errors import OutputError
from vidrts.files import whole


def checked(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """The callback of a --json option: a usage error where the file's folder is not there."""
    if file is not None and not file.parent.is_dir():
        raise click.BadParameter(f"{file}: no such directory: {file.parent}.")
    return file


def keep(file: Path | None, text: str) -> None:
    """Write `text` where a file was named; raises `OutputError`, and leaves what was there as it was."""
    if file is None:
        return
    try:
        with whole(file) as part:
            part.write_text(text)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {error.strerror}") from None

"""Reports as files: a page or a contact sheet by the name's extension, written atomically."""

import os
from pathlib import Path

from vidrts.compare import contact_sheet, page
from vidrts.compare.comparison import Comparison
from vidrts.errors import OutputError
from vidrts.files import followed
from vidrts.media.write.output_path import check, rename, temporary

LARGE = 20_000_000
"""Bytes beyond which a page is slow to send and to open."""

_PAGES, _SHEETS = (".html", ".htm"), (".png",)


def is_sheet(path: str | os.PathLike[str]) -> bool:
    """Whether the name of a report asks for a contact sheet."""
    return Path(path).suffix.lower() in _SHEETS


def check_target(path: str | os.PathLike[str], *sources: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise `OutputError` where a report cannot or must not be written to `path`, before any work is done for it."""
    target = Path(path)
    if target.suffix.lower() not in (*_PAGES, *_SHEETS):
        raise OutputError(f"{target}: unknown kind of report; expected .html (a page) or .png (a contact sheet)")
    for source in sources:
        check(target, Path(source), overwrite=overwrite)


def save(comparison: Comparison, path: str | os.PathLike[str], *, overwrite: bool) -> int:
    """Write the report that the name of `path` asks for; its size in bytes. Raises `OutputError`."""
    target = followed(Path(path))
    written = temporary(target, "report")
    try:
        if target.suffix.lower() in _PAGES:
            written.write_text(page.render(comparison), "utf-8")
        else:
            contact_sheet.draw(comparison).save(written, "png")
        size = written.stat().st_size
        rename(written, target, overwrite=overwrite)
    except FileExistsError:
        raise OutputError(f"{target}: exists already (-y overwrites)") from None
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        written.unlink(missing_ok=True)
    return size

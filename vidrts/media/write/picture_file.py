"""A picture file: under a hidden name until it is complete."""

import secrets
from collections.abc import Callable
from pathlib import Path

from vidrts.errors import OutputError
from vidrts.files import followed
from vidrts.media.pictures import write
from vidrts.media.pictures.read import Picture
from vidrts.media.write import output_path
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Tell
from vidrts.native_calls import unfinished


def save(
    picture: Picture, target: Path, options: EncodeOptions, tell: Tell, check: Callable[[], None] = lambda: None
) -> int:  # fmt: skip
    """Write a picture under a hidden name, then rename it to `target`; returns its size in bytes.

    `check`: called before that, and may raise. Raises `OutputError`; whatever it raises, nothing is left.
    """
    final = followed(target)
    hidden = output_path.temporary(final, secrets.token_hex(4))
    unfinished(str(hidden.absolute()))
    try:
        write.write(hidden, picture, target, quality=options.quality, on_message=tell)
        check()
        size = hidden.stat().st_size
        try:
            output_path.rename(hidden, final, overwrite=options.overwrite, own_only=options.own_only)
        except OSError as error:
            raise OutputError(
                f"{target}: cannot rename the complete file to this name ({error.strerror}); nothing was written"
            ) from error
        return size
    finally:
        hidden.unlink(missing_ok=True)

"""`--progress`: where progress goes and in which form, known to be good before anything is loaded."""

import os
from dataclasses import dataclass
from typing import Literal

import click

from vidrts.cli.parsing import Parsed
from vidrts.media.pipes.stdio import STANDARD

Kind = Literal["auto", "none", "json", "ffmpeg"]
_STDERR = 2


@dataclass(frozen=True)
class ProgressFormat:
    """`descriptor`: of an open file or pipe, for json and ffmpeg."""

    kind: Kind
    descriptor: int = _STDERR


def parse_progress(text: str) -> ProgressFormat:
    """`auto`, `none`, `json[:FD]` or `ffmpeg[:FD]`, FD open for writing; raises ValueError."""
    kind, colon, number = text.partition(":")
    if kind in ("json", "ffmpeg") and (not colon or (number.isascii() and number.isdigit())):
        descriptor = int(number) if colon else _STDERR
        if not _writable(descriptor):
            raise ValueError(f"expected a file descriptor that is open for writing, got {descriptor} in {text!r}")
        return ProgressFormat("json" if kind == "json" else "ffmpeg", descriptor)
    if text in ("auto", "none"):
        return ProgressFormat("auto" if text == "auto" else "none")
    raise ValueError(f"expected auto, none, json, json:FD, ffmpeg or ffmpeg:FD, got {text!r}")


def check_apart(progress: ProgressFormat, target: str) -> None:
    """Raise a usage error if progress would go where the video goes."""
    if target != STANDARD or progress.kind not in ("json", "ffmpeg"):
        return
    try:
        same = os.path.samestat(os.fstat(1), os.fstat(progress.descriptor)) and not _is_device(1)
    except OSError:  # a closed stdout is refused later
        return
    if progress.descriptor == 1 or same:
        raise click.UsageError(
            f"--progress {progress.kind}:{progress.descriptor}: this is stdout, where the video goes (OUT is -); "
            f"expected another file descriptor, for example --progress {progress.kind}:3 3>FILE."
        )


def _writable(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
        import fcntl
    except (OSError, OverflowError):
        return False
    except ImportError:  # Windows
        return True
    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def _is_device(descriptor: int) -> bool:
    import stat

    return stat.S_ISCHR(os.fstat(descriptor).st_mode)


PROGRESS = Parsed(parse_progress, "auto|none|json[:FD]|ffmpeg[:FD]")

"""The exceptions of vidrts.

`vidrts.cli` prints them and sets the exit code. Every message is one line that names the file or option, the value got,
the value expected and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class VidrtsError(Exception):
    """Base class of all errors. The command line exits with code 1."""


def add(error: BaseException, words: str) -> None:
    """Append `words` to the line of a `VidrtsError`; any other error gets them as a note."""
    if isinstance(error, VidrtsError):
        error.args = (f"{error}; {words}", *error.args[1:])
    else:
        error.add_note(words)


class InputError(VidrtsError):
    """The source cannot be read: missing, empty, no video, an unknown codec, damaged beyond use."""


class SourceBrokenError(InputError):
    """The source broke off: a pipe within a frame, a connection, with `strict` a file. Earlier frames are complete."""


class OutputError(VidrtsError):
    """The target cannot be written: exists already, no folder, no encoder for the picture, disk full."""


class ConsumerGoneError(OutputError):
    """Broken pipe: the reader of stdout is gone. The command line exits silently with the code of SIGPIPE."""


class UnsupportedFormatError(VidrtsError):
    """An unsupported pixel format, size or colour matrix; the message names what to convert to."""


class ModelError(VidrtsError):
    """A model file that is missing, damaged, foreign, or describes a network that is not in the registry."""


@contextmanager
def naming(place: object) -> Iterator[None]:
    """Prefix `UnsupportedFormatError`s with the name of the file: "in.mkv: picture size ..."."""
    try:
        yield
    except UnsupportedFormatError as error:
        raise UnsupportedFormatError(f"{place}: {error}") from None


class OptionError(VidrtsError):
    """An invalid or contradictory option, an unknown codec or extension. Exit code 2, as for click's own errors."""


class DeviceError(VidrtsError):
    """The requested device is missing or does not support what was requested."""


class OutOfMemoryError(VidrtsError):
    """The machine, or a limit of the process, has no more memory; the message names what asked for it."""


class MissingPackageError(VidrtsError):
    """A required package is not installed; the message names the extra to install."""


class TrainingError(VidrtsError):
    """Training cannot start or go on: no pictures, changed data under a resumed run, a loss that is not finite."""


class Interrupted(VidrtsError):  # noqa: N818 - the run was stopped, nothing went wrong
    """Ctrl-C or SIGTERM ended the run early; the finished part is kept in a playable partial file.

    `signal_number` is the signal (2 or 15); the command line exits with 128 + that number.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number

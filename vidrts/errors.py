"""The errors that vidrts raises on purpose.

The library raises these; only `vidrts.cli` turns them into a line for people and an exit code. Every message is one
line that names the file or option, the value got, the value wanted and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class VidrtsError(Exception):
    """Root of every error that vidrts raises on purpose. The command line exits with code 1."""


class InputError(VidrtsError):
    """The source cannot be read: missing, empty, no video, an unknown codec, damaged beyond use."""


class SourceBrokenError(InputError):
    """What comes through a pipe broke off in the middle of a frame, or went astray; the frames before are whole."""


class OutputError(VidrtsError):
    """The target cannot be written: exists already, no such container, no encoder for it, disk full."""


class ConsumerGoneError(OutputError):
    """The program that read stdout is gone. The command line ends without a word, with the exit code of SIGPIPE."""


class UnsupportedFormatError(VidrtsError):
    """A pixel format, size or colour description that vidrts does not process; says what to convert to."""


class ModelError(VidrtsError):
    """A model file that is missing, damaged, foreign, or describes a network that is not in the registry."""


@contextmanager
def naming(place: object) -> Iterator[None]:
    """What cannot be processed within is told with the name of the file: "in.mkv: picture size ..."."""
    try:
        yield
    except UnsupportedFormatError as error:
        raise UnsupportedFormatError(f"{place}: {error}") from None


class OptionError(VidrtsError):
    """An option whose value is outside its range or contradicts another option. Exit code 2, as for click's own."""


class DeviceError(VidrtsError):
    """The device asked for is not there or cannot do what was asked."""


class MissingPackageError(VidrtsError):
    """A package that this needs is not installed; says which extra brings it."""


class TrainingError(VidrtsError):
    """Training cannot start or go on: no pictures, changed data under a resumed run, a loss that is not finite."""


class Interrupted(VidrtsError):  # noqa: N818 - the run was stopped, nothing went wrong
    """Ctrl-C or SIGTERM ended the run early; what was done is kept in a playable partial file.

    `signal_number` is the signal (2 or 15); the command line exits with 128 + that number.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number

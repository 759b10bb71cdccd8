"""Where an output goes: a file under a hidden temporary name until it is complete, or stdout.

destination.begin()      -> what FFmpeg opens; again after a failed attempt
destination.started()    the container's header is written
destination.completed()  the container is closed
destination.commit()     or keep_partial(), or discard()
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from vidrts.errors import Interrupted, OutputError, add
from vidrts.files import followed
from vidrts.media import mov_flags
from vidrts.media.containers import Place
from vidrts.media.output_formats import OutputFormat
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.write import faststart, mark, matroska_length, matroska_sar, output_path
from vidrts.media.write.open_file import OpenFile
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.reopened import Written, has_pictures
from vidrts.media.write.room import Room
from vidrts.messages import Code, Message
from vidrts.native_calls import unfinished

type Display = tuple[int, int, Fraction] | None
"""Coded width and height and sample aspect ratio, where the Matroska muxer could not be given it; else None."""


class Writable(Protocol):
    """What PyAV writes to."""

    def write(self, data: bytes) -> int:
        """All of `data`."""


class Destination(ABC):
    """See the module; what is not abstract may do nothing. `display`: what `matroska_sar` writes into the file."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes written so far."""

    @property
    def unfinished(self) -> bool:
        """Whether there is a file that has no other name than the temporary one."""
        return False

    full = False
    """`take` raised."""

    def take(self, size: int) -> None:  # noqa: B027
        """Before a packet of `size` bytes is written: raise OSError if nothing could be played after it."""

    @abstractmethod
    def begin(self) -> str | Writable:
        """What FFmpeg opens."""

    def started(self, display: Display) -> None:  # noqa: B027
        """The container's header is written."""

    def completed(self, display: Display) -> None:  # noqa: B027
        """The container is closed."""

    def arrange(self) -> Message | None:
        """Put the parts of the complete file in order; returns what could not be done."""
        return None

    def verify(self, written: Written, enhanced: int) -> None:  # noqa: B027
        """Raise `OutputError` if the complete file does not hold what was written; see `Written.fault`."""

    def commit(self) -> None:  # noqa: B027
        """Finish; a file gets its final name."""

    @abstractmethod
    def keep_partial(self) -> Place:
        """Keep a complete file that holds part of the video; returns its path."""

    def rescue(self) -> Path | None:
        """After an error: keep what can be played of a file under a partial name; None if nothing can, or for a pipe.

        Never raises.
        """
        return None

    @abstractmethod
    def discard(self, close: Callable[[], None]) -> None:
        """Keep nothing; `close` closes FFmpeg's container. Safe at any time and twice."""

    def reader_closed(self) -> bool:
        """Whether the reader closed the pipe; a file has none."""
        return False

    def check(self) -> None:  # noqa: B027
        """Raise `OutputError` if the destination is no longer writable."""


class FileDestination(Destination):
    """A file. Only a complete file gets its final name, `path`; of a symbolic link the target is replaced.

    `workshop`: see `Target`.
    """

    def __init__(
        self, path: Path, source: Place, kind: OutputFormat, options: EncodeOptions, *, workshop: Path | None = None
    ):
        self._replace = {"overwrite": options.overwrite, "own_only": options.own_only}
        output_path.check(path, source, **self._replace)
        self._path = followed(path)
        self._workshop = workshop
        self._kind = kind
        self._index_first = kind.muxer in ("mp4", "mov") and mov_flags.index_first(options.muxer_flags)
        self._temporary: Path | None = None
        self._open: OpenFile | None = None
        self._vanished = False
        self._room: Room | None = None
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes written so far."""
        if self._temporary is not None:
            try:
                self._size = self._temporary.stat().st_size
            except OSError:
                return self._size
        return self._size

    @property
    def unfinished(self) -> bool:
        """Whether there is a file that has no other name than the temporary one."""
        return self._temporary is not None

    def take(self, size: int) -> None:
        """See `Room.take`."""
        if self._room is not None:
            try:
                self._room.take(size)
            except OSError:
                self.full = True
                raise

    def begin(self) -> str:
        """A new hidden name for FFmpeg to open."""
        self._temporary = self._hidden()
        unfinished(str(self._temporary.absolute()))
        return f"file:{self._temporary}"

    def _hidden(self) -> Path:
        """A new temporary name."""
        made = output_path.temporary(self._path, secrets.token_hex(4))
        return made if self._workshop is None else self._workshop / made.name

    def started(self, display: Display) -> None:
        """Hold the file."""
        assert self._temporary is not None
        self._open = OpenFile(self._temporary)
        self._room = Room(self._temporary) if self._kind.muxer in ("mp4", "mov") else None

    def completed(self, display: Display) -> None:
        """Write what the muxer could not."""
        self._find()
        if display is not None and self._temporary is not None:
            matroska_sar.write(self._temporary, *display)
        if self._kind.muxer == "mpegts" and self._temporary is not None:
            with suppress(OSError):  # a full disk has no room for it
                mark.append_null_packet(self._temporary, timed=("mpegts_m2ts_mode", "1") in self._kind.options)

    def _find(self) -> None:
        """Where the file is, if its directory was renamed or deleted. Raises OSError."""
        if self._open is None or self._temporary is None:
            return
        self._vanished = self._vanished or not self._temporary.exists()
        self._temporary = self._open.find()
        self._open.close()
        self._open = None

    def arrange(self) -> Message | None:
        """The index of mp4 and mov comes first (faststart)."""
        if not self._index_first:
            return None
        assert self._temporary is not None
        beside = self._hidden()
        try:
            if self._vanished or faststart.move_index(self._temporary, beside):
                return None
        except OSError:  # the file is complete without
            pass
        return Message(Code.NO_ROOM_FOR_FASTSTART, path=self._path)

    def verify(self, written: Written, enhanced: int) -> None:
        """Open the complete file again; one that does not hold what was written is kept under a partial name.

        So is one that is complete, if a signal ends the reading.
        """
        assert self._temporary is not None
        try:
            fault = written.fault(self._temporary, enhanced)
        except (KeyboardInterrupt, Interrupted) as error:
            add(error, f"the complete file is {self.keep_partial()}")
            raise
        if fault is not None:
            raise OutputError(
                f"{self._path}: the file does not hold what was written to it: {fault}; it is kept as "
                f"{self.keep_partial()}; try another container, and report it"
            )

    def commit(self) -> None:
        """Give the complete file its final name.

        If that name was taken meanwhile or the directory is gone, the file is kept under a partial name, and
        `OutputError` names its path.
        """
        assert self._temporary is not None
        if self._vanished:
            raise OutputError(
                f"{self._path}: the directory was renamed or deleted; the complete file is {self.keep_partial()}"
            )
        try:
            output_path.rename(self._temporary, self._path, **self._replace)
        except OSError as error:
            kept = self.keep_partial()
            raise OutputError(
                f"{self._path}: cannot rename the complete file to this name ({error.strerror}); it is {kept}"
            ) from error
        self._size = self._path.stat().st_size
        self._temporary = None

    def keep_partial(self) -> Path:
        """Give the complete file a partial name."""
        assert self._temporary is not None
        self._find()
        written, self._temporary = self._temporary, None
        kept = output_path.rename_partial(written, self._path)
        self._size = kept.stat().st_size
        return kept

    def rescue(self) -> Path | None:
        """Give a file that has pictures a partial name."""
        try:
            self._find()
            if self._temporary is not None and has_pictures(self._temporary):
                if self._kind.muxer in ("matroska", "webm"):
                    with suppress(Exception):  # a wrong length is better than no file
                        matroska_length.correct(self._temporary)
                return self.keep_partial()
        except OSError:
            pass
        return None

    def discard(self, close: Callable[[], None]) -> None:
        """Remove the temporary file."""
        close()
        temporary, self._temporary = self._temporary, None
        if self._open is not None:
            with suppress(OSError):  # its directory may have been renamed
                temporary = self._open.name()
            self._open.close()
            self._open = None
        if temporary is not None:
            temporary.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise `OutputError` if the directory is not writable."""
        output_path.check_writable(self._path)


class PipeDestination(Destination):
    """Stdout. Buffers what is written before `started`, so that a failed attempt leaves nothing in the pipe.

    It must not have an attribute `closed`: PyAV would not write the container's trailer then.
    """

    def __init__(self, stdout: StandardOutput):
        self._stdout = stdout
        self._held: bytearray | None = bytearray()
        self._discarded = False

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._stdout.count

    def begin(self) -> Writable:
        """Itself, with the buffer of a failed attempt cleared."""
        self._held = bytearray()
        self._discarded = False
        return self

    def write(self, data: bytes) -> int:
        """Write all of `data`; nothing once discarded."""
        if self._discarded:
            return len(data)
        if self._held is not None:
            self._held += data
            return len(data)
        return self._stdout.write(data)

    def started(self, display: Display) -> None:
        """Write the buffered header, with the aspect ratio that the muxer could not write."""
        held, self._held = self._held or bytearray(), None
        if display is not None and (patch := matroska_sar.patch(bytes(held), *display)) is not None:
            begin, tracks = patch
            held[begin : begin + len(tracks)] = tracks
        self._stdout.write(held)

    def keep_partial(self) -> Place:
        """Stdout; what is written stays."""
        return str(self._stdout)

    def discard(self, close: Callable[[], None]) -> None:
        """Write no trailer: the reader must not take a truncated stream for a complete one."""
        self._discarded = True
        close()

    def reader_closed(self) -> bool:
        """Whether the reader closed the pipe."""
        return self._stdout.reader_closed()

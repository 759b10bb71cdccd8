"""The standard streams as pipes: stdin with cancellable reads, and stdout for frames only.

`STANDARD` names both on the command line; messages call them stdin and stdout.
"""

import io
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from vidrts.errors import OptionError
from vidrts.media.pipes.truncation import TruncationDetector

STANDARD = "-"
"""The name of stdin as a source and of stdout as a target."""

_CAPACITY = 1 << 20
"""Pipe capacity in bytes; Linux's default is 64 KiB, a fiftieth of a 1080p frame."""
_POLL = 100
"""Milliseconds between checks for cancellation."""


class StandardInput(io.RawIOBase):
    """Bytes from stdin. After `cancel`, or when `stop` returns True, reads return nothing, as at the end.

    One reader; `cancel` is thread-safe. Raises `OptionError` if stdin is a terminal or closed.
    """

    def __init__(self, stop: Callable[[], bool] = lambda: False, descriptor: int = 0):
        if descriptor == 0 and sys.__stdin__ is None:  # the descriptor may belong to another file by now
            raise OptionError("IN is -, but stdin is closed; expected ffmpeg -i IN ... - | vidrts enhance - OUT")
        try:
            if os.isatty(descriptor):
                raise OptionError(
                    "IN is -, but stdin is a terminal; expected ffmpeg -i IN ... - | vidrts enhance - OUT"
                )
            self._file = io.FileIO(descriptor, closefd=False)
        except OSError as error:
            raise OptionError(f"IN is -, but stdin cannot be read: {error.strerror}") from error
        self._stop = stop
        self._cancelled = threading.Event()
        self._head = b""
        self._watch: TruncationDetector | None = None
        self._ended = False
        self._poll = select.poll() if hasattr(select, "poll") else None  # Windows blocks in the read
        if self._poll is not None:
            self._poll.register(descriptor, select.POLLIN)
        _widen(descriptor)

    def __str__(self) -> str:
        return "stdin"

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of `buffer`; 0 at the end."""
        if self._head:
            count = min(len(self._head), len(buffer))
            buffer[:count], self._head = self._head[:count], self._head[count:]
            return count
        while self._waited():
            count = self._file.readinto(buffer)
            if count is not None:  # None: non-blocking
                self._ended = count == 0
                if self._watch is not None:
                    self._watch.feed(memoryview(buffer)[:count])
                return count
        return 0

    def watch(self) -> None:
        """Start following the container, for `truncated`."""
        head = self.sniff(12)
        self._watch = TruncationDetector(head)
        self._watch.feed(head)

    @property
    def truncated(self) -> bool:
        """Whether the stream ended within a packet or element of its container."""
        return self._ended and self._watch is not None and self._watch.truncated

    def sniff(self, count: int) -> bytes:
        """Peek at the first `count` bytes, fewer if the stream is shorter."""
        while len(self._head) < count and self._waited():
            piece = self._file.read(count - len(self._head))
            if piece == b"":
                break
            self._head += piece or b""
        return self._head

    def cancel(self) -> None:
        """End all reads, including one that waits."""
        self._cancelled.set()

    def _waited(self) -> bool:
        """Wait for bytes or the end; False after cancellation."""
        while not (self._cancelled.is_set() or self._stop()):
            if self._poll is None or self._poll.poll(_POLL):
                return True
        return False


class StandardOutput(io.RawIOBase):
    """Unbuffered bytes to stdout. While it is open, everything else printed to stdout goes to stderr.

    One at a time. Raises `OptionError` if stdout is a terminal or closed. `discard`: bytes are counted, not written.
    """

    def __init__(self, descriptor: int = 1, *, discard: bool = False):
        self._discard = discard
        self.gone = False
        """Whether a write failed with a broken pipe."""
        self.count = 0
        """Bytes written."""
        self._public = descriptor
        if descriptor == 1 and sys.__stdout__ is None:  # the descriptor may belong to another file by now
            raise OptionError("OUT is -, but stdout is closed; expected vidrts enhance IN - | ffmpeg -i - OUT")
        try:
            if os.isatty(descriptor):
                raise OptionError("OUT is -, but stdout is a terminal; expected vidrts enhance IN - | ffmpeg -i - OUT")
            self._private = _copied(descriptor)
        except OSError as error:
            raise OptionError(f"OUT is -, but stdout cannot be written: {error.strerror}") from error
        with suppress(AttributeError, OSError, ValueError):
            sys.stdout.flush()
        if sys.__stderr__ is not None:
            os.dup2(2, descriptor)
        else:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        _widen(self._private)

    def __str__(self) -> str:
        return "stdout"

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`. Raises OSError; once `gone`, further bytes are dropped."""
        view = memoryview(data).cast("B")
        done = len(view) if self._discard else 0
        while done < len(view) and not self.gone:
            try:
                done += os.write(self._private, view[done:])
            except BlockingIOError:  # non-blocking, set by a program that shares it
                select.select([], [self._private], [])
            except BrokenPipeError:
                self.gone = True
                raise
        self.count += done
        return len(view)

    def reader_closed(self) -> bool:
        """Whether the reader closed the pipe, without writing; False if the system cannot tell."""
        if self.gone or self.closed or not hasattr(select, "poll"):
            return self.gone
        poll = select.poll()
        poll.register(self._private, 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))

    def close(self) -> None:
        """Restore stdout; safe to call twice."""
        if not self.closed:
            with suppress(AttributeError, OSError, ValueError):
                sys.stdout.flush()  # text printed meanwhile goes to stderr
            os.dup2(self._private, self._public)
            os.close(self._private)
        super().close()


@contextmanager
def stdout_or[T: str | os.PathLike[str]](name: T, *, discard: bool = False) -> Iterator[StandardOutput | T]:
    """`StandardOutput` for "-", any other name unchanged."""
    if name != STANDARD:
        yield name
        return
    with StandardOutput(discard=discard) as stdout:
        yield stdout


def _copied(descriptor: int) -> int:
    """A duplicate descriptor above 2: libraries write to closed standard streams."""
    try:
        import fcntl
    except ImportError:
        return os.dup(descriptor)
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _widen(descriptor: int) -> None:
    """Enlarge a pipe's buffer to about a frame, for fewer context switches; if the system can."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CAPACITY)

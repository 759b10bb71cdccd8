"""A child process that ends this one with a line where a native library hangs, and tells where one killed it.

After a failed allocation some encoders wait for ever for a thread that was never made, most of them with Python's lock
held, so that neither Ctrl-C nor SIGTERM is noticed. A run that is slow is left alone: what ends one is that, within one
call that waits for nothing else, no thread takes CPU time or wants to for `PATIENCE` seconds. Linux only; elsewhere,
and where there is no memory for the child, there is none.
"""

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from vidrts.cli import guardian_child, log
from vidrts.native_calls import watched

PATIENCE = 15
"""Seconds."""
_children: list[subprocess.Popen[bytes]] = []


class Shared:
    """Memory shared with the child: a count of calls, what the present one is, and the unfinished file."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("vidrts")
        os.ftruncate(self.descriptor, guardian_child.SIZE)
        try:
            self._memory = mmap.mmap(self.descriptor, guardian_child.SIZE)
        except OSError:
            os.close(self.descriptor)
            raise
        self._count = 0

    def call(self, what: str) -> None:
        """A call begins; "": it ended."""
        self._count += 1
        self._put(guardian_child.COUNT, self._count.to_bytes(8))
        self._put(guardian_child.CALL, what.encode())

    def file(self, name: str) -> None:
        """The file that is written."""
        self._put(guardian_child.FILE, os.fsencode(name))

    def _put(self, place: slice, value: bytes) -> None:
        size = place.stop - place.start
        self._memory[place] = value[:size].ljust(size, b"\0")

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        os.close(self.descriptor)


@contextmanager
def guarded(patience: int = PATIENCE) -> Iterator[None]:
    """Inside, the child watches over this process."""
    # Python lacks the one function where it was built for old C libraries.
    if not (sys.platform == "linux" and sys.executable and hasattr(os, "memfd_create")):
        yield
        return
    with ExitStack() as ending:
        with suppress(OSError, subprocess.SubprocessError):
            shared = Shared()
            ending.callback(shared.close)
            ending.callback(dismiss)
            _start(shared.descriptor, patience)
            ending.enter_context(watched(shared))
        yield


def dismiss() -> None:
    """Tell the child, if there is one, that this process ends by itself."""
    while _children:
        child = _children.pop()
        assert child.stdin is not None
        with suppress(OSError):
            child.stdin.write(b"done")
            child.stdin.close()
        child.wait()


def _start(descriptor: int, patience: int) -> None:
    shared = [place for place in (descriptor, log.descriptor()) if place is not None]
    numbers = map(str, (os.getpid(), patience, *shared))
    command = [sys.executable, "-I", "-S", guardian_child.__file__, *numbers]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0, pass_fds=shared,
        start_new_session=True,  # Ctrl-C is for this process alone
    )  # fmt: skip
    _children.append(child)

"""Room on the disk for the index that mp4 and mov write at the end: without it nothing of the file can be played."""

import errno
import os
from pathlib import Path

_INDEX, _PACKET = 64 << 10, 48
"""Bytes of the index: at most so many for the tracks' descriptions and for each packet."""
_AMPLE, _UNCHECKED = 64 << 20, 1 << 20
"""With more bytes than this left the disk is asked only once for so many written: on a network that is a round trip."""


class Room:
    """Counts what is written to `path`, and ends it while the index still fits on the disk. Stateful, for one file."""

    def __init__(self, path: Path):
        self._path = path
        self._bytes = self._packets = self._checked_again = 0

    def take(self, size: int) -> None:
        """Before a packet of `size` bytes is written: raise OSError (ENOSPC, EFBIG) if no index would fit after it."""
        self._bytes += size
        self._packets += 1
        if self._bytes < self._checked_again:
            return
        try:
            written = self._path.stat().st_size
            disk = os.statvfs(self._path)
        except (OSError, AttributeError):  # a folder that vanished; Windows
            return
        index = _INDEX + _PACKET * self._packets
        free = (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail) * disk.f_frsize
        left = free - max(0, self._bytes - written) - index if disk.f_blocks else float("inf")
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        allowed = _size_limit() - self._bytes - index
        if allowed < 0:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        if min(left, allowed) > _AMPLE:
            self._checked_again = self._bytes + _UNCHECKED


def _size_limit() -> float:
    """Bytes that a file may have in this process (ulimit -f)."""
    import resource  # not on Windows, where `take` ends before

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit

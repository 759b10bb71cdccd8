"""Room on the disk for the index that mp4 and mov write at the end: without it nothing of the file can be played."""

import errno
import os
from pathlib import Path

_INDEX, _PACKET = 64 << 10, 48
"""Bytes of the index: at most so many for the tracks' descriptions and for each packet."""


class Room:
    """Counts what is written to `path`, and ends it while the index still fits on the disk. Stateful, for one file."""

    def __init__(self, path: Path):
        self._path = path
        self._bytes = self._packets = 0

    def take(self, size: int) -> None:
        """Before a packet of `size` bytes is written: raise OSError (ENOSPC, EFBIG) if no index would fit after it."""
        self._bytes += size
        self._packets += 1
        try:
            written = self._path.stat().st_size
            disk = os.statvfs(self._path)
        except (OSError, AttributeError):  # a folder that vanished; Windows
            return
        index = _INDEX + _PACKET * self._packets
        free = (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail) * disk.f_frsize
        if disk.f_blocks and free < max(0, self._bytes - written) + index:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._bytes + index > _size_limit():
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def _size_limit() -> float:
    """Bytes that a file may have in this process (ulimit -f)."""
    import resource  # not on Windows, where `take` ends before

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit

"""The file that is being written, found again where its folder is renamed or deleted meanwhile."""

import os
import shutil
from pathlib import Path


class OpenFile:
    """Holds a file open, so that it outlives its name."""

    def __init__(self, path: Path):
        self._path = path
        # Windows renames and deletes no open files, and no folder around one.
        self._descriptor = None if os.name == "nt" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def name(self) -> Path | None:
        """Where the file is now; None if it was deleted. Raises OSError."""
        if self._descriptor is None:
            return self._path
        held = os.fstat(self._descriptor)
        try:
            if os.path.samestat(held, self._path.stat()):
                return self._path
        except OSError:
            pass
        return Path(f"/proc/self/fd/{self._descriptor}").readlink() if held.st_nlink else None

    def find(self) -> Path:
        """Where the file is now; one that was deleted is copied back to where it was. Raises OSError."""
        if (path := self.name()) is not None:
            return path
        assert self._descriptor is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._descriptor, "rb", closefd=False) as file, self._path.open("xb") as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy, 1 << 20)
        return self._path

    def close(self) -> None:
        """Let it go; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

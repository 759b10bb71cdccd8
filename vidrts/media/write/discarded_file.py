"""The destination of a dry run: a file's name is checked, and nothing is written."""

import os
from collections.abc import Callable
from pathlib import Path

from vidrts.media.containers import Place
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import output_path
from vidrts.media.write.destination import Destination, Writable
from vidrts.media.write.options import EncodeOptions


class Nowhere:
    """Takes bytes and forgets them. Seekable, since muxers of files go back."""

    def __init__(self) -> None:
        self.size = self._place = 0

    def write(self, data: bytes) -> int:
        """Count all of `data`."""
        self._place += len(data)
        self.size = max(self.size, self._place)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new position."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        return self._place

    def tell(self) -> int:
        """The position."""
        return self._place


class DiscardedFile(Destination):
    """Raises as `FileDestination` does for a name that must not or cannot be written; makes no file."""

    def __init__(self, path: Path, source: Place, kind: OutputFormat, options: EncodeOptions):
        output_path.check(path, source, overwrite=options.overwrite, own_only=options.own_only)
        self._path = path
        self._nowhere = Nowhere()

    @property
    def size(self) -> int:
        """Bytes that a file would have so far."""
        return self._nowhere.size

    def begin(self) -> Writable:
        """What FFmpeg opens."""
        self._nowhere = Nowhere()
        return self._nowhere

    def keep_partial(self) -> Place:
        """Where nothing is kept."""
        return self._path

    def discard(self, close: Callable[[], None]) -> None:
        """Close FFmpeg's container."""
        close()

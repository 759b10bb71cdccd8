"""Detects a truncated stream or file: FFmpeg's demuxers accept any end.

    watch = TruncationDetector(first_bytes)
    watch.feed(data); ...
    watch.truncated    # True: the stream ends within an element or packet

Only containers that `structure` follows are ever reported as truncated.
"""

from pathlib import Path

from vidrts.media.pipes.parser_steps import End, Skip
from vidrts.media.pipes.structure import structure

_MOST = 1 << 16
"""Maximum bytes of a header that are buffered; a longer one ends the check."""
_TS_TAIL = 64
"""Packets of MPEG-TS at a file's end that are looked at: packets say nothing about those before."""
_MARKS = b"OggS", b"\0\0\1\xba"
"""How each of Ogg's pages and MPEG-PS's packs begins: many, and none says anything about those before."""
_TAIL = 1 << 18
"""Bytes at the end of a file in which one of these begins."""


class TruncationDetector:
    """Follows the bytes of a stream; `head`: its first bytes, at least 12."""

    def __init__(self, head: bytes) -> None:
        self._steps = structure(head)
        self._step: int | Skip | None = None
        self._held = bytearray()
        self._may_end = True
        self._go(None)

    @property
    def truncated(self) -> bool:
        """Whether the bytes so far end within an element or packet."""
        return self._step is not None and not (self._may_end and not self._held)

    @property
    def wanted(self) -> int | None:
        """How many bytes are wanted next; 0: some may be passed to `skip` unseen; None: the check is over."""
        if self._step is None or isinstance(self._step, Skip):
            return None if self._step is None else 0
        return self._step - len(self._held)

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes of the stream."""
        at = 0
        while at < len(data) and self._step is not None:
            if isinstance(self._step, Skip):
                at += self.skip(len(data) - at)
            else:
                count = min(self._step - len(self._held), len(data) - at)
                self._held += data[at : at + count]
                at += count
                if len(self._held) == self._step:
                    taken, self._held = bytes(self._held), bytearray()
                    self._may_end = False
                    self._go(taken)

    def skip(self, most: int) -> int:
        """Pass up to `most` bytes that need not be seen; returns how many."""
        assert isinstance(self._step, Skip)
        count = min(self._step.count, most)
        self._step = Skip(self._step.count - count, self._step.part)
        self._may_end = self._step.part > 0 and self._step.count % self._step.part == 0
        if not self._step.count:
            self._go(b"")
        return count

    def _go(self, given: bytes | None) -> None:
        """Advance to the next step that needs bytes."""
        self._step = None
        try:
            step = self._steps.send(given)  # type: ignore[arg-type] # None starts it
            while step is End or step == Skip(0) or step == 0:
                self._may_end = self._may_end or step is End
                step = self._steps.send(b"")
        except StopIteration:
            return
        if isinstance(step, Skip) or (isinstance(step, int) and step <= _MOST):
            self._step = step


def truncated_file(path: Path) -> bool:
    """Whether a file ends within an element or packet; reads headers only. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        detector = TruncationDetector(head)
        at = 0
        if b"G" in (head[:1], head[4:5]):
            packet = 188 if head.startswith(b"G") else 192
            at = max(0, size // packet - _TS_TAIL) * packet
        elif head.startswith(_MARKS):
            tail = max(0, size - _TAIL)
            file.seek(tail)
            found = file.read().find(head[:4])
            at = tail + found if found >= 0 else 0
        while at < size and (wanted := detector.wanted) is not None:
            if wanted:
                file.seek(at)
                data = file.read(wanted)
                detector.feed(data)
                at += len(data)
            else:
                at += detector.skip(size - at)
    return detector.truncated

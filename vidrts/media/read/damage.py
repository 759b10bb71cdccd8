"""What could not be read of a damaged source."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from vidrts.messages import Code, Message

_LISTED = 8


@dataclass
class LossReport:
    """Counts of damage, and where. Produced by `Source`, told by the command at the end."""

    packets: int = 0
    """Video packets that the decoder refused; mostly a frame each."""
    marked: int = 0
    """Video packets that the container says arrived damaged; what the decoder made of them may look fine."""
    missing: int = 0
    """Frames whose packets were taken without complaint but gave no picture: their references are not there."""
    corrupt: int = 0
    """Frames that the decoder gave although it found them damaged; they are enhanced like the others."""
    ended: str | None = None
    """Why reading stopped before the end of the file."""
    times: list[Fraction] = field(default_factory=list)
    """Seconds at which damage was met, the first few."""

    def note(self, time: Fraction | None) -> None:
        """Remember a place of damage, in seconds of the file."""
        if time is not None and len(self.times) < _LISTED:
            self.times.append(time)

    def summary(self) -> Message | None:
        """One line for people, None where nothing was lost; its `damage` is this report as it is now."""
        return Message(Code.INPUT_DAMAGED, damage=replace(self, times=sorted(self.times))) if str(self) else None

    def __str__(self) -> str:
        parts = []
        if self.packets:
            parts.append(f"{self.packets} damaged video packet(s) skipped (about as many frames lost)")
        if self.missing:
            parts.append(f"{self.missing} frame(s) lost: their packets gave no picture")
        if self.marked and not self.corrupt:
            parts.append(f"{self.marked} video packet(s) marked as corrupt")
        if self.corrupt:
            parts.append(f"{self.corrupt} frame(s) decoded with errors")
        if self.ended:
            parts.append(f"reading stopped early: {self.ended}")
        where = ""
        if self.times:
            shown = ", ".join(f"{float(time):.3f}" for time in sorted(self.times))
            more = ", ..." if len(self.times) == _LISTED else ""
            where = f", at {shown}{more} s"
        return "; ".join(parts) + where if parts else ""


_ONE_TO_ONE = ("h264", "hevc", "av1", "mpeg2video", "mpeg1video", "mjpeg", "ffv1", "prores", "dnxhd")
"""Codecs whose every packet is a picture that is shown; others have hidden ones (VP8, VP9) or packed ones (MPEG-4)."""

_DELAY = 160
"""Packets that a decoder may hold: reordering and a frame for each of its threads."""


class PictureLedger:
    """Finds packets that gave no picture, by their times. Passive, one for each stream.

    Field-coded streams give a picture for two packets: they are not counted once an interlaced frame was seen.
    """

    def __init__(self, codec: str):
        self._counted = codec in _ONE_TO_ONE
        self._open: dict[int, None] = {}

    def sent(self, pts: int | None) -> None:
        """A packet went into the decoder."""
        if self._counted and pts is not None:
            self._open[pts] = None

    def settled(self, pts: int | None, *, interlaced: bool = False) -> None:
        """A frame came out, or its packet was refused and counted elsewhere."""
        if interlaced:
            self._counted = False
            self._open.clear()
        elif pts is not None:
            self._open.pop(pts, None)

    def overdue(self, *, drained: bool) -> Iterator[int]:
        """Times whose picture will not come any more; each is given once."""
        while self._open and (drained or len(self._open) > _DELAY):
            pts = next(iter(self._open))
            del self._open[pts]
            yield pts

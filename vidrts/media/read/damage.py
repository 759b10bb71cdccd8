"""Counting what could not be read of a damaged source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from vidrts.media.damaged_places import DamagedPlaces
from vidrts.messages import Code, Message


@dataclass(kw_only=True)
class LossReport(DamagedPlaces):
    """Counts and times of damage. Produced by `Source`, reported at the end of a run."""

    packets: int = 0
    """Video packets that the decoder rejected; mostly a frame each."""
    marked: int = 0
    """Video packets that the demuxer marked as corrupt; their frames may look fine."""
    missing: int = 0
    """Frames whose packets the decoder accepted but gave no picture for: references are missing."""
    corrupt: int = 0
    """Frames that the decoder marked as corrupt; they are enhanced like the others."""
    above: int = 0
    """Samples above the highest code value of the pixel format, which were clamped to it."""
    leading: int = 0
    """Frames before the first one that could be decoded: mostly for want of a key frame."""
    first: Fraction | None = None
    """Seconds of the first decoded frame where there are `leading` ones."""
    ended: str | None = None
    """Why reading stopped before the end of the source; a `Message` where vidrts judged it."""

    def summary(self) -> Message | None:
        """A message, None without damage; its `damage` is a copy of this report."""
        return Message(Code.INPUT_DAMAGED, damage=self.in_order()) if str(self) else None

    def __str__(self) -> str:
        parts = []
        if self.leading:
            begins = f", at {float(self.first):.3f} s" if self.first is not None else ""
            parts.append(f"{self.leading} frame(s) lost before the first key frame that can be decoded{begins}")
        if self.packets:
            parts.append(f"{self.packets} damaged video packet(s) skipped (about as many frames lost)")
        if self.missing:
            parts.append(f"{self.missing} frame(s) lost: their packets gave no picture")
        if self.marked and not self.corrupt:
            parts.append(f"{self.marked} video packet(s) marked as corrupt")
        if self.corrupt:
            parts.append(f"{self.corrupt} frame(s) decoded with errors")
        if self.above:
            parts.append(f"{self.above} sample(s) above the highest value of the pixel format, clamped to it")
        if parts:
            parts[-1] += self.where
        if self.ended:  # it has its own time
            parts.append(f"reading stopped early: {self.ended}")
        return "; ".join(parts)


_ONE_TO_ONE = ("h264", "hevc", "av1", "mpeg2video", "mpeg1video", "mjpeg", "ffv1", "prores", "dnxhd")
"""Codecs with one shown picture per packet; others have hidden (VP8, VP9) or packed frames (MPEG-4)."""

_DELAY = 160
"""Packets that a decoder may delay: reordering, and a frame per thread."""


class PictureLedger:
    """Finds packets without a picture by their pts. Passive, one per stream.

    Field-coded streams have two packets per picture: counting stops at the first interlaced frame.
    """

    def __init__(self, codec: str):
        self._counted = codec in _ONE_TO_ONE
        self._open: dict[int, None] = {}

    @property
    def counts(self) -> bool:
        """Whether every packet is to give a picture."""
        return self._counted

    def sent(self, pts: int | None) -> None:
        """A packet was sent to the decoder."""
        if self._counted and pts is not None:
            self._open[pts] = None

    def settled(self, pts: int | None, *, interlaced: bool = False) -> None:
        """A frame came out, or its packet was rejected and counted elsewhere."""
        if interlaced:
            self._counted = False
            self._open.clear()
        elif pts is not None:
            self._open.pop(pts, None)

    def waits_for_more_than(self, frames: Sequence[av.VideoFrame]) -> bool:
        """Whether pictures are still to come when these have come out."""
        return bool(self._open.keys() - {frame.pts for frame in frames})

    def passed(self, pts: int) -> Iterator[int]:
        """The pts of pictures before this one, which has come out; each once."""
        for each in [own for own in self._open if own < pts]:
            del self._open[each]
            yield each

    def overdue(self, *, drained: bool) -> Iterator[int]:
        """The pts of pictures that will not come; each once."""
        while self._open and (drained or len(self._open) > _DELAY):
            pts = next(iter(self._open))
            del self._open[pts]
            yield pts

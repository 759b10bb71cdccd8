"""Presentation timestamps of decoded frames, derived where missing, out of order or proven faulty."""

from collections.abc import Iterator
from fractions import Fraction

import av

from vidrts.messages import Code, Message, Tell

_HELD = 4
"""Frames that are held back at the start of a stream whose pts may be faulty: a usual group of B-frames."""


class FrameClock:
    """Assigns strictly increasing pts in stream ticks to decoded frames. Stateful, one per stream.

    A frame's own pts is kept. If missing, it is the dts of the frame's packet (as FFmpeg's best effort), else the last
    pts plus the frame's duration. Once pts go back more often than dts they are proven faulty, and treated as missing
    (as FFmpeg's best effort): files with B-frames whose pts are their dts. A pts not after the last one is set to one
    tick after it: no frame is dropped. The first correction is reported.

    `stored`: whether the container holds pts (AVI does not; where FFmpeg guesses one after the dts, it is wrong).
    `wait`: hold up to four frames back at the start until their pts are proven faulty or not, if a frame is decoded
    after its own pts.
    """

    def __init__(
        self, time_base: Fraction, rate: Fraction | None, tell: Tell, *, stored: bool = True, wait: bool = True
    ):
        self._time_base = time_base
        self._step = max(1, round(1 / (rate * time_base))) if rate else 1
        self._tell = tell
        self._stored = stored
        self._held: list[av.VideoFrame] | None = [] if wait else None
        self._order = _Order()
        self._last: int | None = None
        self._duration = self._step
        self.repaired = 0
        """Number of corrected frames."""

    def timed(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames whose pts and duration are known once `frame`, the next in presentation order, is there."""
        self._order.add(frame.pts, frame.dts)
        if self._held is None:
            yield self._stamped(frame)
            return
        self._held.append(frame)
        first = self._held[0]
        suspected = first.pts is not None and first.dts is not None and first.dts > first.pts
        if not suspected or self._order.faulty or len(self._held) == _HELD:
            yield from self.rest()

    def rest(self) -> Iterator[av.VideoFrame]:
        """The frames that are held back."""
        held, self._held = self._held, None
        yield from map(self._stamped, held or ())

    def _stamped(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with its final pts and duration."""
        pts, dts = frame.pts, frame.dts
        after = None if self._last is None else self._last + self._duration
        trusted = not self._order.faulty and (self._stored or dts is None or pts is None or pts <= dts)
        if pts is not None and (trusted or (dts is None and after is None)):
            value = pts
        elif dts is not None and (self._last is None or dts > self._last):
            value = dts
        else:
            value = after or 0
        if self._last is not None and value <= self._last:
            value = self._last + 1
        if value != pts:
            if not self.repaired:
                problem = "missing" if pts is None else "out of order"
                self._tell(Message(Code.TIMESTAMPS_DERIVED, problem=problem, time=float(value * self._time_base)))
            self.repaired += 1
        self._last = value
        self._duration = frame.duration if frame.duration > 0 else self._step
        frame.pts, frame.duration, frame.time_base = value, self._duration, self._time_base
        return frame


class _Order:
    """Counts pts and dts that go back, as FFmpeg's guess_correct_pts does."""

    def __init__(self) -> None:
        self._pts = self._dts = 0
        self._last_pts: int | None = None
        self._last_dts: int | None = None

    def add(self, pts: int | None, dts: int | None) -> None:
        """A frame's, in presentation order; where one is missing, the other is taken for it."""
        if dts is not None:
            self._dts += self._last_dts is not None and dts <= self._last_dts
        if pts is not None:
            self._pts += self._last_pts is not None and pts <= self._last_pts
        if pts is not None or dts is not None:
            self._last_dts = pts if dts is None else dts
            self._last_pts = dts if pts is None else pts

    @property
    def faulty(self) -> bool:
        """Whether dts are to be trusted rather than pts."""
        return self._pts > self._dts

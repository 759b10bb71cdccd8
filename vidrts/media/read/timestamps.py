"""Presentation timestamps of decoded frames, derived where missing or out of order."""

from fractions import Fraction

from vidrts.messages import Code, Message, Tell


class FrameClock:
    """Assigns strictly increasing pts in stream ticks to decoded frames. Passive, one per stream.

    A frame's own pts is kept. If missing, it is the dts of the frame's packet (as FFmpeg's best effort), else the last
    pts plus the frame's duration. A pts not after the last one is set to one tick after it: no frame is dropped. The
    first correction is reported.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None, tell: Tell):
        self._time_base = time_base
        self._step = max(1, round(1 / (rate * time_base))) if rate else 1
        self._tell = tell
        self._last: int | None = None
        self.duration = self._step
        """Of the last frame, in ticks; by the frame rate if missing."""
        self.repaired = 0
        """Number of corrected frames."""

    def stamp(self, pts: int | None, dts: int | None, duration: int) -> int:
        """The pts of the next frame in presentation order."""
        after = None if self._last is None else self._last + self.duration
        if pts is not None:
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
        self.duration = duration if duration > 0 else self._step
        return value

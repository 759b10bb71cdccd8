"""Presentation times of decoded frames where the file does not give them, or gives them out of order."""

from fractions import Fraction

from vidrts.messages import Code, Message, Tell


class FrameClock:
    """Gives each decoded frame its pts in stream ticks, strictly increasing. Passive, one for each stream.

    A frame's own pts is kept as it is. Where it is missing, the dts of the packet that brought the frame is taken (as
    FFmpeg's best effort does), else the last pts plus the frame's duration. A pts that does not lie after the last one
    is put one tick after it: no frame is dropped. The first repair is told in one line.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None, tell: Tell):
        self._time_base = time_base
        self._step = max(1, round(1 / (rate * time_base))) if rate else 1
        self._tell = tell
        self._last: int | None = None
        self.duration = self._step
        """Of the last frame stamped, in ticks; by the frame rate where the file does not tell."""
        self.repaired = 0
        """Frames whose pts was not the file's."""

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

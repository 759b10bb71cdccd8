"""Decoding timestamps (dts) of encoded packets, corrected where no muxer would accept them.

x265 derives them from a frame that comes its delay after the first. In shorter videos it reads uninitialised memory:
packets are decoded after they are shown, or hours before.
"""

from collections import deque

_REORDERED = 4
"""Assumed reordering depth in frames; a pyramid of 16 B-frames needs as many."""

_AHEAD = 64
"""Frames by which a dts may lie before the first frame; an earlier one is invalid."""


class DecodingTimes:
    """The dts of an encoder's packets, one by one; all times are ticks of one clock. Stateful, for one stream.

    A dts stays as it is if it comes after the one before, not after its packet's pts, and not long before the first
    frame (longer than the film so far and `_AHEAD` frames). Else it becomes the time of the frame that is shown four
    places before the packet's own place in decoding order, or what lies nearest to it between the dts before and the
    pts. Only where nothing lies between these the pts moves, to one tick after the dts before, as in FFmpeg's own
    command.
    """

    def __init__(self) -> None:
        self._first: int | None = None
        self._step = 1
        self._end = 0
        self._guesses: deque[int] = deque()
        self._last: int | None = None

    def shown(self, pts: int, duration: int) -> None:
        """A frame that goes to the encoder, in the order in which frames are shown."""
        if self._first is None:
            self._first, self._step = pts, max(1, duration)
            self._guesses.extend(pts - place * self._step for place in range(_REORDERED, 0, -1))
        self._guesses.append(pts)
        self._end = max(self._end, pts + duration)

    def times(self, pts: int | None, dts: int | None) -> tuple[int | None, int | None]:
        """(pts, dts) of the next packet in decoding order; one that lacks either stays as it is."""
        guess = self._guesses.popleft() if self._guesses else None
        if pts is None or dts is None:
            return pts, dts
        if not self._possible(pts, dts):
            least = dts if self._last is None else self._last + 1
            guess = least if guess is None else guess
            dts = min(pts, guess) if self._last is None else max(self._last + 1, min(pts, guess))
            pts = max(pts, dts)
        self._last = dts
        return pts, dts

    def _possible(self, pts: int, dts: int) -> bool:
        if dts > pts or (self._last is not None and dts <= self._last):
            return False
        if self._first is None:
            return True
        return dts >= self._first - max(_AHEAD * self._step, self._end - self._first)

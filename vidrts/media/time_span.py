"""`TimeSpan`: the earliest and the latest of many times, compared as whole numbers of their time base."""

from fractions import Fraction

from av.rational import AVRational

from vidrts.media.containers import seconds

type Base = AVRational | Fraction


class TimeSpan:
    """Of packets: a film has hundreds of thousands, and fractions cost ten times what whole numbers do. Stateful."""

    def __init__(self) -> None:
        self._ends: dict[tuple[int, int], tuple[Base, int, int]] = {}
        """Each time base with its lowest and highest ticks. A stream has one, or two where a muxer changes it."""

    def add(self, ticks: int, base: Base) -> None:
        """Count a time: `ticks` of `base` seconds."""
        key = base.numerator, base.denominator
        _, low, high = self._ends.get(key, (base, ticks, ticks))
        self._ends[key] = base, min(low, ticks), max(high, ticks)

    @property
    def first(self) -> Fraction | None:
        """The earliest, in seconds; None: there was none."""
        return min((seconds(low, base) for base, low, _ in self._ends.values()), default=None)

    @property
    def last(self) -> Fraction | None:
        """The latest, in seconds; None: there was none."""
        return max((seconds(high, base) for base, _, high in self._ends.values()), default=None)

    @property
    def length(self) -> Fraction | None:
        """Seconds between the two; None: there was none."""
        first, last = self.first, self.last
        return None if first is None or last is None else last - first

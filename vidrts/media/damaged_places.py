"""Where a stream is damaged: the first few places, as reports of damage have them."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

_LISTED = 8


@dataclass(kw_only=True)
class DamagedPlaces:
    """The times of damage; base of reports that count it."""

    times: list[Fraction] = field(default_factory=list)
    """Seconds of the first few damaged places, from the file's start."""

    def note(self, time: Fraction | None) -> None:
        """Add a place, in seconds from the file's start; each once."""
        if time is not None and len(self.times) < _LISTED and time not in self.times:
            self.times.append(time)

    def in_order(self) -> Self:
        """A copy with sorted times."""
        return replace(self, times=sorted(self.times))

    @property
    def where(self) -> str:
        """ ", at 1.000, 2.000 s", or nothing without a place."""
        shown = ", ".join(f"{float(time):.3f}" for time in sorted(self.times))
        more = ", ..." if len(self.times) == _LISTED else ""
        return f", at {shown}{more} s" if shown else ""

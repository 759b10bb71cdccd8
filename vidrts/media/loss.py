"""What could not be read of a damaged source."""

from dataclasses import dataclass, field
from fractions import Fraction

_LISTED = 8


@dataclass
class LossReport:
    """Counts of damage, and where. Produced by `Source`, told by the command at the end."""

    packets: int = 0
    """Video packets that the decoder refused; mostly a frame each."""
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

    def summary(self) -> str | None:
        """One line for people, None where nothing was lost."""
        parts = []
        if self.packets:
            parts.append(f"{self.packets} damaged video packet(s) were skipped (about as many frames are lost)")
        if self.corrupt:
            parts.append(f"{self.corrupt} frame(s) were decoded with damage")
        if self.ended:
            parts.append(f"reading stopped early: {self.ended}")
        if not parts:
            return None
        where = ""
        if self.times:
            shown = ", ".join(f"{float(time):.3f}" for time in self.times)
            more = ", ..." if len(self.times) == _LISTED else ""
            where = f", at {shown}{more} s"
        return "; ".join(parts) + where

"""Which moments of two videos are shown: where they differ most and where they differ least."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MOST, LEAST, ASKED, SPREAD = "changed most", "changed least", "asked for", "evenly spread"

BLANK = 0.02
"""Standard deviation of luma, in full scale, under which a frame (black, a fade, a title's ground) shows nothing."""


@dataclass(frozen=True)
class Candidate:
    """A moment that may be shown."""

    time: Fraction
    """Seconds."""
    amount: float
    """How much the result differs from the source: mean absolute difference, any scale."""
    contrast: float
    """Standard deviation of the source's luma, in full scale."""


def choose(candidates: Sequence[Candidate], count: int) -> dict[Fraction, str]:
    """Up to `count` times with the reason for each, in order of time: the larger half changed most, the rest least.

    Blank frames are taken only where nothing else is left. Times lie apart by at least the candidates' span over
    three times `count` as long as enough of them do: neighbours look alike.
    """
    pool = [c for c in candidates if c.contrast >= BLANK] or list(candidates)
    count = min(count, len(pool))
    by_amount = sorted(pool, key=lambda c: -c.amount)
    span = max(c.time for c in pool) - min(c.time for c in pool)
    apart = span / (3 * count)
    chosen: dict[Fraction, str] = {}
    for target, ranked, reason in ((-(-count // 2), by_amount, MOST), (count, by_amount[::-1], LEAST)):
        for distance in (apart, Fraction(0)):
            for candidate in ranked:
                if len(chosen) == target:
                    break
                if candidate.time not in chosen and all(abs(candidate.time - t) >= distance for t in chosen):
                    chosen[candidate.time] = reason
    return dict(sorted(chosen.items()))

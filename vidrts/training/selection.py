"""Which stage ships: both rules of the paper's section 3.4, the one that decides, and whether any stage is worth it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vidrts.messages import Code, Message


@dataclass(frozen=True)
class Selection:
    """What the rules say of the stages that are done. Stages count from 1."""

    by_score: int | None
    """The stage with the highest score; None where no stage has one."""
    by_delta: int
    """The stage with the smallest change before it grows again: the paper's "smallest delta"."""
    stop: int | None
    """The first stage that changes more than the one before: training more is in vain; None: none did."""
    shipped: int | None
    """The highest score up to `stop`; without scores `by_delta`, or else the least change. Of those stages alone that
    improve on their input; None where none does."""
    shortfalls: Mapping[int, str] = field(default_factory=dict)
    """Stage -> why it does not improve on its input."""

    def told(self, scores: Mapping[int, float], deltas: Mapping[int, float]) -> str:
        """One line for people."""
        if self.shipped is None:
            return Message(Code.NO_STAGE_IMPROVES, reasons=self.reasons)
        score = f"stage {self.by_score} ({scores[self.by_score]:.3f})" if self.by_score else "not measured"
        change = f"stage {self.by_delta} ({deltas[self.by_delta]:+.2f} points)"
        end = f"; the change grew again in stage {self.stop}" if self.stop else "; it has not grown again yet"
        without = f"; no improvement: {self.reasons}" if self.shortfalls else ""
        return (
            f"highest score: {score}; smallest change: {change}{end}{without}; stage {self.shipped} is the one to ship"
        )

    @property
    def reasons(self) -> str:
        """`shortfalls` in words."""
        return in_words(self.shortfalls)


def in_words(shortfalls: Mapping[int, str]) -> str:
    """The stages with their reasons, in one line."""
    return "; ".join(f"stage {n}: {why}" for n, why in shortfalls.items())


def select(
    scores: Mapping[int, float], deltas: Mapping[int, float], shortfalls: Mapping[int, str] | None = None
) -> Selection:
    """The choice among stages 1..N, all of which are in `deltas`; `scores` may lack some.

    scores: stage -> mean opinion score of HR_n. deltas: stage -> DR(HR_n, HR0) - DR(HR_{n-1}, HR0) in percent points.
    shortfalls: of `training.improvement`; these stages are not chosen.
    What counts is how large a delta is: a stage that goes back towards HR0 changes as well. Of equal scores the earlier
    stage is taken: it is had for less.
    """
    failed = dict(shortfalls or {})
    stages = sorted(deltas)
    change = {n: abs(delta) for n, delta in deltas.items()}
    stop = next((n for n in stages[1:] if change[n] > change[n - 1]), None)
    done = [n for n in stages if stop is None or n <= stop]
    by_delta = min(done, key=lambda n: change[n])
    by_score = max(scores, key=lambda n: (scores[n], -n), default=None)
    good = [n for n in done if n not in failed] or [n for n in stages if n not in failed]
    least = min(good, key=lambda n: change[n], default=None)
    shipped = max((n for n in good if n in scores), key=lambda n: (scores[n], -n), default=least)
    return Selection(by_score, by_delta, stop, shipped, failed)

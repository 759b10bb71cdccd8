"""What a run says of damage: each place once, beside what is damaged there, before how the source ends."""

from fractions import Fraction

import pytest

from vidrts.media.read.damage import LossReport
from vidrts.messages import Code, Message

TWICE, LATER = Fraction(58, 25), Fraction(59, 25)
ENDS = Message(Code.BREAKS_OFF_SHORT, time=2.36, missing=2.68)


@pytest.mark.parametrize("counts", [{"corrupt": 1}, {"missing": 2}, {"packets": 1, "marked": 1}, {"above": 3}])
def test_places_stand_with_the_damage(counts: dict[str, int]) -> None:
    lost = LossReport(**counts, ended=ENDS)  # type: ignore[arg-type]
    for time in (LATER, TWICE, TWICE):
        lost.note(time)
    damage, end = str(lost).split("; reading stopped early: ")
    assert damage.endswith(", at 2.320, 2.360 s")
    assert end == str(ENDS)


def test_an_end_alone_has_its_own_time() -> None:
    lost = LossReport(ended=ENDS, times=[TWICE])
    assert str(lost) == f"reading stopped early: {ENDS}"
    assert str(LossReport(times=[TWICE])) == ""

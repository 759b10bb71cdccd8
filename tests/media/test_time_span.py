"""The earliest and the latest of times, against the same in fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from vidrts.media.time_span import TimeSpan

_BASES = st.sampled_from([Fraction(1, 90_000), Fraction(1, 1000), Fraction(1001, 30_000)])


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), _BASES)))
def test_equals_the_extremes_of_fractions(times: list[tuple[int, Fraction]]) -> None:
    span = TimeSpan()
    for ticks, base in times:
        span.add(ticks, base)
    seconds = [ticks * base for ticks, base in times]
    assert (span.first, span.last) == (min(seconds, default=None), max(seconds, default=None))
    assert span.length == (max(seconds) - min(seconds) if seconds else None)

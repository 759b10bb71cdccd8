"""Decoding times of joined segments: rising, never after pts, and untouched where they already are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vidrts.media.write.joined_track import Times, rising


def delayed(pts: list[int], delay: int) -> list[Times]:
    """As x264 gives them, with a B-frame between two others: decoding order, dts `delay` frames before."""
    order = [pts[0]]
    for place in range(1, len(pts), 2):
        order += [*pts[place + 1 : place + 2], pts[place]]
    first = [pts[0] - (pts[min(delay, len(pts) - 1)] - pts[0]) + k for k in range(delay)]
    return [(shown, min(decoded, shown)) for shown, decoded in zip(order, [*first, *pts], strict=False)]


def test_equal_distances_stay_as_they_are() -> None:
    segments = [delayed([40 * k for k in range(a, b)], 2) for a, b in ((0, 9), (9, 20), (20, 27))]
    flat = [dts for segment in segments for _, dts in segment]
    assert rising(segments) == flat


@given(
    steps=st.lists(st.integers(1, 9), min_size=3, max_size=40),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    scale=st.sampled_from([1, 40]),
)
def test_any_distances_and_short_segments(steps: list[int], lengths: list[int], scale: int) -> None:
    pts = [0]
    for step in steps:
        pts.append(pts[-1] + step * scale)
    segments, place = [], 0
    for length in [*lengths, len(pts)]:
        if part := pts[place : place + length]:
            segments.append(delayed(part, 2 if len(part) > 2 else 0))
        place += length
    made = rising(segments)
    assert all(a is not None and b is not None and a < b for a, b in pairwise(made))
    shown = [each for segment in segments for each, _ in segment]
    assert all(dts is not None and pts is not None and dts <= pts for dts, pts in zip(made, shown, strict=True))


def test_packets_without_times_stay_so() -> None:
    assert rising([[(0, 0), (None, None)], [(1, None), (2, 1)]]) == [0, None, None, 1]

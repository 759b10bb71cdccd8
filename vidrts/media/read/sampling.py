"""Sampling frames of a video, or matching frames of two: evenly spread, at an interval, or at given times.

    for frame in sample("in.mp4", count=16): ...
    for pair in pairs("in.mp4", "out.mp4", count=8, window=4): ...

Times are exact seconds from a video's first frame.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import count as count_from
from pathlib import Path

from vidrts.errors import InputError, OptionError
from vidrts.frame import Frame
from vidrts.media.read.random_access import Cursor
from vidrts.messages import Code, Message, Tell, ignore

ENLARGEMENTS = (1, 2, 4, 8)
"""How many times as large a result may be as its source."""


@dataclass(frozen=True)
class Pair:
    """The same moment of two videos. Produced by `pairs`, consumed by metrics and pages.

    `source` and `result` hold equally many frames, matched one to one: consecutive ones of the source, and the
    result's nearest in time to each.
    """

    time: Fraction
    """Seconds from the source's first frame to the first frame of the window."""
    index: int
    """Number of the moment, from 0."""
    source: tuple[Frame, ...]
    result: tuple[Frame, ...]


def sample(
    path: str | os.PathLike[str],
    *,
    count: int | None = None,
    every: Fraction | None = None,
    at: Sequence[Fraction] = (),
    stream: str | None = None,
    on_message: Tell = ignore,
) -> Generator[Frame]:
    """Frames of a video in rising order of time; their pts count from the first frame.

    `count`: evenly spread, the middles of so many equal parts of the duration; `every`: at 0, `every`, 2 `every`, ...
    seconds; `at`: the frame on screen at each of these times; none of the three: all frames. With `count` and `every`
    each frame comes once, and a video that is shorter than its header says ends the sequence early, with a message.
    Raises `OptionError` for more than one of the three or invalid values, `InputError` for an unreadable video and for
    a time of `at` past its end.
    """
    _check(count, every, at)
    return _sampled(path, count, every, at, stream, on_message)


def _sampled(
    path: str | os.PathLike[str], count: int | None, every: Fraction | None, at: Sequence[Fraction],
    stream: str | None, tell: Tell,
) -> Generator[Frame]:  # fmt: skip
    with Cursor(path, stream=stream, on_message=tell) as cursor:
        last: Frame | None = None
        if not (count or every or at):
            last = cursor.shown(Fraction(0))
            while last is not None:
                yield last
                last = cursor.after(last)
            return
        for time in _moments(cursor, _length(cursor) if count else None, count, every, at):
            frame = cursor.shown(time)
            if frame is None:
                _past_the_end(cursor, time, at=bool(at), every=bool(every), tell=tell)
                return
            if at or last is None or frame.pts != last.pts:
                yield frame
            last = frame


def pairs(
    source: str | os.PathLike[str],
    result: str | os.PathLike[str],
    *,
    count: int | None = None,
    every: Fraction | None = None,
    at: Sequence[Fraction] = (),
    window: int = 1,
    on_message: Tell = ignore,
) -> Generator[Pair]:
    """The same moments of a video and its processed version, `window` consecutive frames at each.

    Moments are chosen on the source as by `sample`, over what both videos have; frames are matched by their time from
    each video's own first frame. At the end of the video a window begins earlier, so that it is full; videos shorter
    than `window` give shorter ones. Messages report different lengths (the common part is compared), different frame
    rates, and frames without a counterpart (the nearest is taken). Raises `InputError` where the result is
    not 1, 2, 4 or 8 times as large as the source, and where no moment lies in both.
    """
    _check(count, every, at)
    if window < 1:
        raise OptionError(f"window: expected at least 1 frame, got {window}")
    return _paired(source, result, count, every, at, window, on_message)


def _paired(
    source: str | os.PathLike[str], result: str | os.PathLike[str], count: int | None, every: Fraction | None,
    at: Sequence[Fraction], window: int, tell: Tell,
) -> Generator[Pair]:  # fmt: skip
    with ExitStack() as stack:
        a, b = (
            stack.enter_context(Cursor(path, on_message=tell, keep=2 * window + 1)) for path in (source, result)
        )  # fmt: skip
        check_sizes(a.path, (a.info.width, a.info.height), b.path, (b.info.width, b.info.height))
        common = _common_length(a, b, tell)
        number, gap_told = 0, False
        last: Fraction | None = None
        for time in _every_frame(a) if not (count or every or at) else _moments(a, common, count, every, at):
            frames = a.window(time, window)
            matched = [b.nearest(a.time(frame)) for frame in frames]
            found = [frame for frame in matched if frame is not None]
            frames = frames[: len(found)]  # the result may end within the window
            if not found:
                short = b if matched else a
                if number == 0 or at:
                    raise InputError(f"{short.path}: no frame at {float(time):.3f} s; nothing to compare there")
                if count or (every and common is not None and time < common):
                    tell(Message(Code.PAIRS_END_EARLY, time=float(time), count=number).about(short.path))
                return
            began = a.time(frames[0])
            if began == last and not at:
                continue
            last = began
            gaps = [abs(a.time(x) - b.time(y)) for x, y in zip(frames, found, strict=True)]
            if not gap_told and max(gaps) > _half_step(a):
                gap_told = True
                line = Message(Code.NEAREST_COMPARED, time=float(began), distance=float(max(gaps)))
                tell(line.about(b.path))
            yield Pair(began, number, frames, tuple(found))
            number += 1


def running(
    source: str | os.PathLike[str], result: str | os.PathLike[str], *, start: Fraction, seconds: Fraction,
    on_message: Tell = ignore,
) -> Generator[Pair]:  # fmt: skip
    """Each frame of a video with its processed version, from the one on screen at `start` on, for some seconds.

    Begins earlier where a video ends before. Frames are matched as by `pairs`, and are one at a time in memory.
    """
    with ExitStack() as stack:
        a, b = (stack.enter_context(Cursor(path, on_message=on_message)) for path in (source, result))
        lengths = [length for length in (_length(a), _length(b)) if length is not None]
        begin = max(Fraction(0), min([start, *(length - seconds for length in lengths)]))
        frame, number = a.shown(begin), 0
        while frame is not None and a.time(frame) < begin + seconds:
            matched = b.nearest(a.time(frame))
            if matched is None:
                return
            yield Pair(a.time(frame), number, (frame,), (matched,))
            frame, number = a.after(frame), number + 1


def check_sizes(source: Path, size: tuple[int, int], result: Path, made: tuple[int, int]) -> None:
    """Raise `InputError` unless the result, (width, height) `made`, is `ENLARGEMENTS` times as large as the source."""
    (w, h), (u, v) = size, made
    if made not in [(k * w, k * h) for k in ENLARGEMENTS]:
        swapped = "; are the two names swapped?" if size in [(k * u, k * v) for k in ENLARGEMENTS] else ""
        raise InputError(
            f"{result}: expected {w}x{h} (the size of {source}) or 2, 4 or 8 times that, got {u}x{v}{swapped}"
        )


# Rules ------------------------------------------------------------------------------------------------------------


def _check(count: int | None, every: Fraction | None, at: Sequence[Fraction]) -> None:
    """Reject contradictory or invalid arguments."""
    if sum((count is not None, every is not None, bool(at))) > 1:
        raise OptionError("expected one of a count, an interval or times to choose frames by, got several")
    if count is not None and count < 1:
        raise OptionError(f"expected at least 1 frame, got {count}")
    if every is not None and every <= 0:
        raise OptionError(f"expected an interval above 0 s, got {float(every):g} s")
    if any(time < 0 for time in at):
        raise OptionError(f"expected times from 0 s, got {float(min(at)):g} s")


def _moments(
    cursor: Cursor, length: Fraction | None, count: int | None, every: Fraction | None, at: Sequence[Fraction]
) -> Iterator[Fraction]:
    """Times in rising order, without end for `every`; `length` seconds are spread over for `count`."""
    if at:
        yield from sorted(at)
    elif every:
        yield from (k * every for k in count_from())
    elif count:
        if length is None or length <= 0:
            raise InputError(f"{cursor.path}: unknown duration; choose frames by times or an interval")
        yield from ((2 * k + 1) * length / (2 * count) for k in range(count))


def _every_frame(cursor: Cursor) -> Iterator[Fraction]:
    """The time of every frame."""
    frame = cursor.shown(Fraction(0))
    while frame is not None:
        time = cursor.time(frame)
        yield time
        frame = cursor.shown(time)
        frame = None if frame is None else cursor.after(frame)


def _length(cursor: Cursor) -> Fraction | None:
    """Duration in seconds, measured if the container has none; None if unknown."""
    return cursor.length or cursor.measured_length()


def _half_step(cursor: Cursor) -> Fraction:
    """Half a frame interval, by the guessed rate."""
    return 1 / (2 * cursor.info.frame_rate) if cursor.info.frame_rate else Fraction(1, 50)


def _common_length(a: Cursor, b: Cursor, tell: Tell) -> Fraction | None:
    """Common duration in seconds, if known; reports differences of length and rate."""
    lengths = [_length(c) for c in (a, b)]
    known = [length for length in lengths if length is not None]
    common = min(known, default=None)
    if common is not None and max(known) - common > 4 * _half_step(a):
        tell(Message(
            Code.LENGTHS_DIFFER, source=a.path, length=float(known[0]), result=b.path, other=float(known[1]),
            common=float(common),
        ))  # fmt: skip
    rates = [c.info.frame_rate for c in (a, b)]
    if rates[0] and rates[1] and abs(rates[0] - rates[1]) > rates[0] / 100:
        tell(Message(Code.RATES_DIFFER, source=a.path, rate=float(rates[0]), result=b.path, other=float(rates[1])))
    return common


def _past_the_end(cursor: Cursor, time: Fraction, *, at: bool, every: bool, tell: Tell) -> None:
    """No frame at `time`: an error for a requested time, else a message if the end came early."""
    if at:
        raise InputError(f"{cursor.path}: no frame at {float(time):.3f} s; the video ends before")
    if not every or (cursor.length is not None and time < cursor.length - 2 * _half_step(cursor)):
        tell(Message(Code.ENDS_EARLY, time=float(time)).about(cursor.path))

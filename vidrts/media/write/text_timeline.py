"""Text subtitles that overlap in time, as a sequence of texts that do not: mp4's text tracks show one at a time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STYLE, _TEXT = 2, 8
"""Places in FFmpeg's ASS events: ReadOrder, Layer, Style, Name, three margins, Effect, Text."""

_OVERRIDES = re.compile(rb"\{[^}]*\}")


@dataclass
class _Shown:
    end: int | None
    """None: until the next text."""
    event: bytes


class TextTimeline:
    """Cuts and merges texts at each other's starts and ends; times are ticks. Stateful, for one stream.

    Yields (start, end, ASS event), the earliest first. Texts are added in the order of their starts; one that starts
    before what has been yielded is shown from there.
    """

    def __init__(self) -> None:
        self._shown: list[_Shown] = []
        self._now: int | None = None
        """Up to where texts have been yielded."""

    def add(self, start: int, end: int | None, events: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """Texts that are shown from `start` on (until the next one where `end` is None); yields what ended before."""
        yield from self.until(start, cut=True)
        self._now = start if self._now is None else max(self._now, start)
        self._shown = [text for text in self._shown if text.end is not None]
        if end is None or end > self._now:
            self._shown += [_Shown(end, event) for event in events]

    def until(self, time: int, *, cut: bool = False) -> Iterator[tuple[int, int, bytes]]:
        """What ends up to `time`, where all texts that start before it have been added; `cut`: and what goes on."""
        while self._shown and self._now is not None:
            stop = min((text.end for text in self._shown if text.end is not None), default=time + 1)
            if stop > time:
                if not cut or time <= self._now:
                    return
                stop = time
            yield self._now, stop, joined([text.event for text in self._shown])
            self._now = stop
            self._shown = [text for text in self._shown if text.end is None or text.end > stop]

    def rest(self, time: int) -> Iterator[tuple[int, int, bytes]]:
        """All that is left; texts without an end are shown until `time`."""
        for text in self._shown:
            if text.end is None:
                text.end = max(time, (self._now or 0) + 1)
        yield from self.until(max((text.end or 0 for text in self._shown), default=0))


def joined(events: Sequence[bytes]) -> bytes:
    """One ASS event with the texts of several below each other, each in its own style, the same text once."""
    made, *others = events
    seen = {_plain(made)}
    for event in others:
        fields = event.split(b",", _TEXT)
        if len(fields) > _TEXT and _plain(event) not in seen:
            seen.add(_plain(event))
            made += rb"\N{\r" + fields[_STYLE] + b"}" + fields[_TEXT]
    return made


def _plain(event: bytes) -> bytes:
    """An event's text without overrides; ASS draws a text's outline and filling as one event each."""
    return _OVERRIDES.sub(b"", event.split(b",", _TEXT)[-1])

"""How far a run in segments is, whatever the order in which they are made."""

import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from vidrts.frame import Frame
from vidrts.progress import Progress
from vidrts.segments.job import Job
from vidrts.workers import Workers


@dataclass
class _Open:
    """A segment at work."""

    frames: int = 0
    size: int = 0
    time: Fraction = Fraction(0)
    """Seconds of it that are done."""


class Meter:
    """Counts frames, bytes and time over all segments of `job`. `began`: the run's start by `time.monotonic`."""

    def __init__(self, job: Job, began: float, workers: Workers):
        facts = job.facts
        start = facts.start_time if facts.begin is None else facts.begin
        end = None if facts.info.length is None else start + facts.info.length
        edges = [start, *job.cuts, *([] if end is None else [end])]
        self._starts = edges[: job.count]
        self._lengths = [max(Fraction(0), b - a) for a, b in pairwise(edges)]
        self._whole = facts.info.length
        self._facts = facts
        self._began = began
        self._workers = workers
        self._frames = self._size = 0
        self._done = Fraction(0)
        self._count, self._complete = job.count, 0
        self._earlier = 0
        self._done_earlier = 0.0
        self._warmed: float | None = None
        self._open: dict[int, _Open] = {}

    def finished(self, number: int, frames: int, size: int, *, earlier: bool = False) -> None:
        """A segment is complete; `earlier`: an earlier run made it."""
        self._open.pop(number, None)
        self._complete += 1
        self._frames += frames
        self._size += size
        if number < len(self._lengths):
            self._done += self._lengths[number]
        if earlier:
            self._earlier += frames
            self._done_earlier = float(self._part()) if self._whole else 0.0

    def after(self, number: int, frame: Frame, size: int) -> Progress:
        """The progress once a frame of a segment is encoded, which has `size` bytes so far."""
        seconds = time.monotonic() - self._began
        self._warmed = seconds if self._warmed is None else self._warmed
        at = self._open.setdefault(number, _Open())
        at.frames += 1
        at.size = size
        shown = frame.pts * frame.time_base + self._facts.shift - self._starts[number]
        at.time = max(Fraction(0), shown * at.frames / max(1, at.frames - 1))  # the last one takes time, too
        if number < len(self._lengths):
            at.time = min(at.time, self._lengths[number])
        return self.progress()

    def progress(self, nodes: int = 1) -> Progress:
        """The progress now, of so many machines."""
        seconds = time.monotonic() - self._began
        frames = self._frames + sum(each.frames for each in self._open.values())
        info = self._facts.info
        total = info.frames if (info.frames or 0) >= frames else None
        part = self._part()
        if total is None and part:
            total = max(frames, round(frames / part))
        return Progress(
            frames=frames, total=total, about=total != info.frames, done=float(part) if part else None,
            time=float(part * self._whole) if self._whole else 0.0, seconds=seconds, warmed=self._warmed,
            bytes_written=self._size + sum(each.size for each in self._open.values()),
            light_rate=self._workers.light_rate, earlier=self._earlier, done_earlier=self._done_earlier,
            segments=(self._complete, self._count), nodes=nodes,
        )  # fmt: skip

    def _part(self) -> Fraction:
        """Of the whole, 0 to 1; 0 where its length is unknown."""
        if not self._whole:
            return Fraction(0)
        return min(Fraction(1), (self._done + sum(each.time for each in self._open.values())) / self._whole)

"""What a run tells of itself: `Progress` while it goes on, a `Summary` at its end."""

from dataclasses import dataclass
from fractions import Fraction

from vidrts.frame import Frame, StreamInfo
from vidrts.media.containers import Place

_LONG = 20 * 60
"""Seconds of a run from which on --resume is mentioned."""
_TELLING = 24
"""Frames after which the time left is worth something."""


@dataclass
class PartTimes:
    """Seconds that each stage was busy, without waiting for its neighbours."""

    decode: float = 0.0
    enhance: float = 0.0
    encode: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Passed to `on_progress` after each written frame."""

    frames: int
    total: int | None
    """Expected number of frames; None if unknown."""
    seconds: float
    bytes_written: int
    light_rate: float | None
    """Frames/s of the enhancement alone with `names.LIGHT_MODEL`, estimated (`Workers.light_rate`)."""
    about: bool = False
    """Whether `total` is a guess: no index counts the frames."""
    done: float | None = None
    """Part of the run that is done, 0 to 1, by the frames' times; None if unknown."""
    time: float = 0.0
    """Seconds of video written, by the frames' times; 0 until there are two."""
    warmed: float | None = None
    """`seconds` when the first frame was written: opening and compiling, which are done once, are in it."""

    earlier: int = 0
    """Frames among `frames` that an earlier run had written."""
    done_earlier: float = 0.0
    """Part of the whole among `done` that an earlier run had done."""
    segments: tuple[int, int] | None = None
    """Of a run in segments: how many are complete, and of how many."""
    nodes: int = 1
    """Machines at work."""

    @property
    def left(self) -> float | None:
        """Seconds left, by the time since the first frame; None if unknown, and after that frame alone."""
        part = self.done or (self.frames / self.total if self.total else None)
        own = self.frames - self.earlier
        if not part or own < 2:
            return None
        left, part = max(0.0, 1 - part), part - self.done_earlier
        if part <= 0:
            return None
        if self.warmed is None:
            return self.seconds * left / part
        return (self.seconds - self.warmed) * left / (part * (own - 1) / own)

    @property
    def rate(self) -> float:
        """Frames/s of this run; 0 at its start."""
        return (self.frames - self.earlier) / self.seconds if self.seconds > 0 else 0.0


class Position:
    """How far a run is, by the times of its frames: rates in headers may be anything. `info`: the source's."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._first: Fraction | None = None
        self._warmed: float | None = None

    def after(
        self, frame: Frame, count: int, *, seconds: float, bytes_written: int, light_rate: float | None
    ) -> Progress:  # fmt: skip
        """The progress once `count` frames up to `frame` are written."""
        time = frame.pts * frame.time_base
        if self._first is None:
            self._first, self._warmed = time, seconds
        shown = (time - self._first) * count / (count - 1) if time > self._first else None  # the last one takes time
        total = self._info.frames if (self._info.frames or 0) >= count else None
        done = None
        if shown is not None and self._info.length is not None:
            done = min(Fraction(1), shown / self._info.length)
            total = total or round(count / done)
        return Progress(
            frames=count, total=total, about=total != self._info.frames, done=None if done is None else float(done),
            time=0.0 if shown is None else float(shown), seconds=seconds, warmed=self._warmed,
            bytes_written=bytes_written,
            light_rate=light_rate,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Result of a finished run."""

    target: Place
    """A path; "stdout"."""
    frames: int
    seconds: float
    parts: PartTimes
    bytes_written: int
    lost: str | None
    """Damage of the input, None if there is none."""
    pictures: bool = False
    """Whether the frames are picture files, each of its own."""
    earlier: int = 0
    """Frames that an earlier run had enhanced."""


def is_long(progress: Progress) -> bool:
    """Whether a run would take so long that a crash should not cost it, as far as its first frames tell."""
    left = progress.left
    return progress.frames >= _TELLING and left is not None and progress.seconds + left > _LONG

"""`Plan`: what a run decided, told before its first frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vidrts.frame import StreamInfo
from vidrts.media.containers import Place
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.write_plan import WritePlan
from vidrts.picture.computation import Computation
from vidrts.picture.options import EnhancerOptions

_FASTEST = 240
"""Frames per second above which a rate in a header is a time base."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run uses and does, as decided by its parts; not what options asked for."""

    source: Place
    target: Place
    """A path; "stdout"."""
    info: StreamInfo
    """Of the source's stream that is enhanced."""
    hardware: bool
    """Whether a GPU decodes."""
    model: str
    """A shipped model's name, else its file."""
    computations: Sequence[Computation]
    """How frames are computed, for each device; empty: strength 0, frames are passed on as they are."""
    workers: int
    """Frames enhanced at a time."""
    worker_threads: int
    """Threads of each on a CPU."""
    picture: EnhancerOptions
    decode: DecodeOptions
    written: WritePlan

    @property
    def frame_rate(self) -> Fraction | None:
        """Frames/s by the header; None if it is unknown, or a time base and no rate."""
        rate = self.info.frame_rate
        return None if rate is None or rate > _FASTEST else rate

    @property
    def frames(self) -> int | None:
        """Expected number of frames: counted by an index, else about, by length and rate; None if unknown."""
        if self.info.frames is not None:
            return self.info.frames
        length, rate = self.info.length, self.frame_rate
        return None if length is None or rate is None else max(1, round(length * rate))

"""`Job`: all that a segment needs to be made anywhere, as values that can be pickled."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vidrts.frame import PixelFormat
from vidrts.media.input import Input
from vidrts.media.read.key_frames import KeyFrames
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.encoders import Encoder
from vidrts.options import EnhanceOptions


@dataclass(frozen=True, kw_only=True)
class Job:
    """A film, what is made of it, and where it is cut. Small, can be pickled, and holds nothing open."""

    source: Path
    target: Path
    options: EnhanceOptions
    """With the model's file and the encoder's threads fixed."""
    facts: Input
    """What was found of the whole film, of its first frame too; without its other streams."""
    encoder: Encoder
    format: PixelFormat
    """What the encoder gets."""
    parameters: bytes
    """The parameter sets that every segment must have; empty where packets have them."""
    cuts: tuple[Fraction, ...]
    """Seconds of the file's clock at which the segments but the first begin; rising."""

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.cuts) + 1

    @property
    def choice(self) -> Choice:
        """Encoder and its pixel format."""
        return Choice(self.encoder, self.format)

    def bounds(self, number: int) -> tuple[Fraction | None, Fraction | None]:
        """Where a segment begins and ends, seconds of the file's clock; None: where the film does."""
        begin = self.cuts[number - 1] if number else None
        return begin, self.cuts[number] if number < len(self.cuts) else None


def without_streams(source: Input) -> Input:
    """`source` without what is open: for `Job.facts`."""
    return replace(source, others=(), covers={}, chapters=())


def cutting_times(keys: KeyFrames, begin: Fraction, end: Fraction | None, length: Fraction) -> tuple[Fraction, ...]:
    """Where to cut a film from `begin` to `end` into segments of about `length`; seconds of the file's clock.

    At a key frame within half a segment, else anywhere. Without an end there is one segment.
    """
    ends = [time for time in (end, keys.end) if time is not None]
    if not ends:
        return ()
    end = min(ends)
    cuts: list[Fraction] = []
    last = begin
    while (wanted := last + length) < end - length / 2:
        near = keys.nearest(wanted, length / 2)
        cuts.append(wanted if near is None or near <= last else near)
        last = cuts[-1]
    return tuple(cuts)

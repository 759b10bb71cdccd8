"""How a run is cut into segments: `Segments`, which loads without torch and FFmpeg."""

import os
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational

from vidrts.errors import OptionError

LENGTH = Fraction(10)
"""Seconds of a segment by default."""


@dataclass(frozen=True)
class Segments:
    """How a run is cut, and what becomes of its segments. Checked when made; raises `OptionError`."""

    length: Fraction = LENGTH
    """Seconds, more than 0."""
    resume: bool = False
    """Go on where an earlier run of the same ended, and keep what is finished whatever ends this one."""
    restart: bool = False
    """Forget an earlier run."""
    ray: str | None = None
    """The address of a Ray cluster whose nodes make the segments, "auto" for the one that runs here; None: this process
    makes them."""
    ray_shared: bool = False
    """The nodes write segments into the folder of the run, which they all see."""

    def __post_init__(self) -> None:
        if not isinstance(self.length, Rational) or self.length <= 0:
            raise OptionError(f"--segment {self.length}: expected seconds, more than 0")
        if self.ray_shared and self.ray is None:
            raise OptionError("--ray-shared: goes with --ray")


def refuse_pipes(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Raise `OptionError` where IN or OUT is a pipe."""
    for name, place in (("IN", source), ("OUT", target)):
        if place == "-":
            raise OptionError(
                f"{name} is -, a pipe, which cannot be read or written again: --segment, --resume and --ray need files"
            )

"""What is measured, and how: `ScoreOptions`. Loads without torch and NumPy."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.measure.mos_models import DEFAULT_MODEL

FRAMES = 16
"""Frames of a video that are measured."""


@dataclass(frozen=True)
class Moments:
    """Which frames of a video: so many, evenly spread, or one `every` so many seconds; the other is None."""

    count: int | None
    every: Fraction | None


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is measured and how. Checked when made; raises `OptionError`."""

    frames: int | None = None
    """Frames of a video, evenly spread; None: `FRAMES`."""
    every: Fraction | None = None
    """A frame every so many seconds instead."""
    reference: Path | None = None
    """The picture or video that the files were made of: adds the metrics that compare."""
    viqet_model: str = DEFAULT_MODEL
    """Name or file of the model that gives the MOS."""
    flat_region_model: Path | None = None
    """VIQET's classifier of flat regions, for `flat_region_index`."""
    workers: int | None = None
    """Processes that measure; None: as many as there are processors."""

    def __post_init__(self) -> None:
        if self.frames is not None and self.every is not None:
            raise OptionError("frames by count and by interval exclude each other")
        if self.frames is not None and self.frames < 1:
            raise OptionError(f"{self.frames} frames: expected at least 1")
        if self.every is not None and self.every <= 0:
            raise OptionError(f"a frame every {float(self.every):g} s: expected more than 0 s")

    @property
    def moments(self) -> Moments:
        """Which frames of a video are measured."""
        return Moments(None if self.every is not None else self.frames or FRAMES, self.every)

"""VIQET's measures of pictures and videos, and with a reference the two-sided ones: what `vidrts score` prints.

    for score in score_files(["a.png", "b.mp4"], ScoreOptions()):
        print(score.row()["mos"])

A video is measured on frames spread over its duration; its values are the means over them, as VIQET's own for a set of
photographs are.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from vidrts.compare.reference_metrics import TwoSided, pooled
from vidrts.errors import OptionError, VidrtsError
from vidrts.images import is_picture
from vidrts.measure.viqet import DEFAULT_MODEL, Scores, load_flat_region_model, load_mos_model, measure_many
from vidrts.score.inputs import Moments, Reference, Samples, Tell, alone

FRAMES = 16
"""Frames of a video that are measured."""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is measured and how. Checked when made; raises `OptionError`."""

    frames: int | None = None
    """Frames of a video, evenly spread; None: `FRAMES`."""
    every: Fraction | None = None
    """A frame every so many seconds instead."""
    reference: Path | None = None
    """The picture or video that the files were made of: adds the two-sided measures."""
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
            raise OptionError(f"{self.frames} frames: wanted at least 1")
        if self.every is not None and self.every <= 0:
            raise OptionError(f"a frame every {float(self.every):g} s: wanted more than 0 s")

    @property
    def moments(self) -> Moments:
        """Which frames of a video are measured."""
        return Moments(None if self.every is not None else self.frames or FRAMES, self.every)


@dataclass
class Score:
    """The measures of one file."""

    file: str
    width: int = 0
    height: int = 0
    views: list[Scores] = field(default_factory=list)
    """VIQET's scores of the picture, or of each sampled frame."""
    two_sided: TwoSided | None = None

    def row(self) -> dict[str, str | float | None]:
        """Key -> value in the order in which they are printed; None where a measure is not defined or not at hand.

        `mos` and `mos_raw` (before it is held to 1..4.5) are those of `mos_model`; the columns after it are VIQET's.
        """
        columns = [view.columns() for view in self.views]
        row: dict[str, str | float | None] = {
            "file": self.file, "width": self.width, "height": self.height, "frames": len(self.views),
            "mos": pooled([view.mos for view in self.views]), "mos_model": self.views[0].mos_model,
            "mos_raw": pooled([view.raw_mos for view in self.views]),
        }  # fmt: skip
        row |= {key: pooled([v for column in columns if (v := column[key]) is not None]) for key in columns[0]}
        return row | (self.two_sided.values() if self.two_sided else {})

    def missing(self) -> dict[str, str]:
        """Why values are None, by key."""
        row = self.row()
        reasons = {key: why for view in self.views for key, why in view.missing.items() if row[key] is None}
        if row["mos"] is None:
            reasons["mos"] = "the model needs a measure that is not defined for this picture"
        return reasons | (self.two_sided.missing() if self.two_sided else {})


def score_files(
    files: Sequence[str | os.PathLike[str]],
    options: ScoreOptions | None = None,
    *,
    on_message: Tell = lambda line: None,
    on_error: Callable[[VidrtsError], None] | None = None,
    on_step: Callable[[str, int, int | None], None] = lambda what, done, total: None,
) -> list[Score]:
    """The scores of files in their order.

    A file that cannot be scored is told to `on_error` and left out; without `on_error` its error is raised. An error
    of a model or of the reference is raised in any case.
    """
    options = options or ScoreOptions()
    model = load_mos_model(options.viqet_model)
    flat = None if options.flat_region_model is None else load_flat_region_model(options.flat_region_model)
    reference = None if options.reference is None else Reference(options.reference, on_message)
    scores: list[Score] = []
    waiting: deque[Score] = deque()
    """Whose the pictures are that are being measured: reading runs ahead of measuring."""

    def pictures() -> Iterator[Samples]:
        for file in files:
            score = Score(os.fspath(file), two_sided=None if reference is None else TwoSided())
            try:
                for samples in _read(score, reference, options.moments, on_message):
                    score.height, score.width = samples.shape[:2]
                    waiting.append(score)
                    yield samples
            except VidrtsError as error:
                if on_error is None:
                    raise
                on_error(error)
            else:
                scores.append(score)

    total = _expected([Path(file) for file in files], options)
    measured = measure_many(pictures(), mos_model=model, flat_region_model=flat, workers=options.workers)
    with closing(measured):
        for done, views in enumerate(measured, 1):
            waiting.popleft().views.append(views)
            on_step("pictures measured", done, total)
    return scores


def _read(score: Score, reference: Reference | None, moments: Moments, tell: Tell) -> Iterator[Samples]:
    path = Path(score.file)
    if reference is None or score.two_sided is None:
        return alone(path, moments, tell)
    return reference.beside(path, moments, tell, score.two_sided)


def _expected(paths: Sequence[Path], options: ScoreOptions) -> int | None:
    """How many pictures will come, as far as names tell; None where videos are sampled by an interval."""
    stills = sum(is_picture(path) for path in paths if path.is_file())
    if options.moments.count is None and stills < len(paths):
        return None
    return stills + (len(paths) - stills) * (options.moments.count or 0)

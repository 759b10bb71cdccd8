"""The metrics of pictures and videos, and with a reference those that compare: what `vidrts score` prints.

    for score in score_files(["a.png", "b.mp4"], ScoreOptions()):
        print(score.row()["mos"])

A video is measured on frames spread over its duration; its values are the means over them, as VIQET's own for a set of
photographs are.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from vidrts.compare.metrics import Measured, take, take_alone, usable
from vidrts.errors import VidrtsError
from vidrts.images import is_picture
from vidrts.measure.metric import Metric
from vidrts.measure.registry import COMPARED, MOS
from vidrts.measure.viqet import (
    COLUMNS,
    Scores,
    load_flat_region_model,
    load_mos_model,
    measure_many,
)  # fmt: skip
from vidrts.messages import Code, Message, Tell
from vidrts.score.inputs import Input, Reference, Samples, alone
from vidrts.score.options import ScoreOptions


@dataclass
class Score:
    """The measures of one file."""

    file: str
    width: int = 0
    height: int = 0
    used: tuple[Metric, ...] = ()
    """The metrics that are defined for the file's size and signal."""
    views: list[Scores] = field(default_factory=list)
    """VIQET's scores of the picture, or of each sampled frame."""
    measured: list[Measured] = field(default_factory=list)
    """The other metrics, likewise."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Key -> why a metric is not among `used`."""
    compared: bool = False
    """Whether there is a reference."""

    def row(self) -> dict[str, str | float | None]:
        """Key -> value in the order in which they are printed; None where a measure is not defined or not at hand.

        `mos` and `mos_raw` (before it is held to 1..4.5) are those of `mos_model`; the columns after it are VIQET's.
        """
        views = [view.columns() for view in self.views]
        row: dict[str, str | float | None] = {
            "file": self.file, "width": self.width, "height": self.height, "frames": len(self.views),
            "mos": _mean([view.mos for view in self.views]), "mos_model": self.views[0].mos_model,
            "mos_raw": _mean([view.raw_mos for view in self.views]),
        }  # fmt: skip
        row |= {key: _mean([v for view in views if (v := view[key]) is not None]) for key in COLUMNS}
        if MOS not in self.used:
            row |= {key: None for key in row if key == MOS.key or key.startswith("MOS_")}
        for metric in COMPARED:
            if metric is not MOS and (self.compared or metric.alone):
                mean = metric.mean(one.readings.get(metric.key) for one in self.measured)
                row[metric.key] = mean.value if mean and math.isfinite(mean.value) else None
        return row

    def missing(self) -> dict[str, str]:
        """Why values are None, by key; measures that pictures do not have are not among them."""
        row = self.row()
        reasons: dict[str, str] = {}
        for missing in (*(view.missing for view in self.views), *(one.missing for one in self.measured)):
            reasons |= missing
        for metric in COMPARED:
            if metric.decibels and any(metric.key in one.readings for one in self.measured):
                reasons[metric.key] = Message(Code.METRIC_INFINITE)
        reasons = {MOS.key: Message(Code.MOS_UNDEFINED), **reasons, **self.left_out}
        return {key: why for key, why in reasons.items() if key in row and row[key] is None}


def _mean(values: Sequence[float]) -> float | None:
    """The mean of the values that are numbers; None where there is none."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else None


def score_files(
    files: Sequence[str | os.PathLike[str]],
    options: ScoreOptions | None = None,
    *,
    on_message: Tell = lambda line: None,
    on_error: Callable[[VidrtsError], None] | None = None,
    on_step: Callable[[str, int, int | None], None] = lambda what, done, total: None,
) -> list[Score]:
    """The scores of files in their order.

    The error of a file that cannot be scored goes to `on_error`, or is raised without `on_error`. An error of a model
    or of the reference is raised in any case.
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
            score = Score(os.fspath(file), compared=reference is not None)
            try:
                read = alone if reference is None else reference.beside
                for one in read(Path(file), options.moments, on_message):
                    _measure(score, one)
                    waiting.append(score)
                    yield one.samples
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


def _measure(score: Score, one: Input) -> None:
    """Everything but VIQET's measures."""
    if not score.measured:
        score.width, score.height = one.frame.width, one.frame.height
        others = [metric for metric in COMPARED if metric is not MOS]
        mos, no_mos = usable([MOS], score.width, score.height, None)  # HDR is measured as coded; a line says so
        used, missing = usable(others, score.width, score.height, one.frame.color.hdr)
        score.used, score.left_out = (*mos, *used), {**no_mos, **missing}
    found = take_alone(score.used, one.frame)
    if one.moment is not None:
        compared = take(score.used, one.moment)
        found = Measured(found.readings | compared.readings, found.missing | compared.missing)
    score.measured.append(found)


def _expected(paths: Sequence[Path], options: ScoreOptions) -> int | None:
    """How many pictures will come, as far as names tell; None where videos are sampled by an interval."""
    stills = sum(is_picture(path) for path in paths if path.is_file())
    if options.moments.count is None and stills < len(paths):
        return None
    return stills + (len(paths) - stills) * (options.moments.count or 0)

"""A video beside what was made of it: measured at sampled moments, pictured at the telling ones.

comparison = compare("in.mp4", "out.mp4")
page.write(comparison, Path("page.html"), overwrite=False)

Two passes over the files: the first measures and keeps numbers alone, the second takes the pictures of the moments
chosen by them. So memory holds a few frames and the compressed pictures of those moments, however long the videos.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidrts.compare import metrics
from vidrts.compare.clip import MOST, Clip, part, take_clip
from vidrts.compare.display import Video, View, look
from vidrts.compare.frames import to_rgb
from vidrts.compare.metrics import enlarged, of_pair, usable, why_missing
from vidrts.compare.moment_selection import ASKED, LEAST, Candidate, choose
from vidrts.compare.snapshot import Crop, Snapshot, take_snapshot
from vidrts.compare.verdict import in_words
from vidrts.errors import OptionError
from vidrts.images import to_bytes
from vidrts.measure.metric import Metric, Reading, Readings
from vidrts.measure.registry import COMPARED, METRICS, MOS
from vidrts.media.read.sampling import Pair, check_sizes, pairs, running
from vidrts.messages import Once

FRAMES = 5
"""Moments that are shown."""
SAMPLES = 16
"""Moments that are measured."""
WINDOW = 3
"""Consecutive frames at each moment; few, since at a video's end they begin before the time that was asked for."""
ENLARGED = "The result is larger: the source is enlarged with Lanczos-3 for pictures and measures."

LONGEST = 4
"""Seconds that can be played: all frames are in the page."""

Step = Callable[[str, int, int | None], None]
"""Told of progress: what is being done, how many are done, of how many (None: not known)."""


def check_play(seconds: Fraction) -> None:
    """Raise `OptionError` for more seconds than a page can play."""
    if not 0 <= seconds <= LONGEST:
        raise OptionError(f"{float(seconds):g} s to play: expected 0 to {LONGEST} s")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """What of two videos is measured and shown. Checked when made; raises `OptionError`."""

    frames: int | None = None
    """Moments chosen by how much they changed; None: `FRAMES`, and none of them beside `at`."""
    at: tuple[Fraction, ...] = ()
    """Seconds from the first frame; moments that are shown in any case."""
    samples: int | None = None
    """Moments measured, evenly spread; None: `SAMPLES`."""
    every: Fraction | None = None
    """Seconds between the moments measured, instead of `samples`."""
    crop: Crop | None = None
    """The piece of each picture that is shown; metrics are those of the full frame."""

    play: Fraction = Fraction(1)
    """Seconds that the page plays, around the moment that changed most; 0 for none."""
    viqet: bool = True
    """Whether VIQET's MOS is taken, which costs about as much as everything else."""
    workers: int | None = None
    """Processes that take it; None: one a core."""

    def __post_init__(self) -> None:
        if self.frames is not None and not 0 <= self.frames <= 100:
            raise OptionError(f"{self.frames} frames: expected 0 to 100")
        if self.frames == 0 and not self.at:
            raise OptionError("0 frames and no time: nothing to show; ask for one or the other")
        if self.every is not None and self.every <= 0:
            raise OptionError(f"a moment every {float(self.every):g} s: expected more than 0 s")
        check_play(self.play)
        if self.samples is not None and self.every is not None:
            raise OptionError("samples by count and by interval exclude each other")

    @property
    def chosen(self) -> int:
        """How many moments are chosen by how much they changed."""
        if self.frames is not None:
            return self.frames
        return 0 if self.at else FRAMES


@dataclass(frozen=True)
class Sample:
    """The measures of one moment."""

    time: Fraction
    readings: Readings


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What pages and sheets show. Made by `compare` and `preview`."""

    title: str
    source: Video
    results: tuple[tuple[str, str], ...]
    """For each result its name and its facts, in the order of `Snapshot.readings`."""
    metrics: tuple[Metric, ...]
    samples: tuple[Sample, ...]
    """Of the first result over the video; () for a preview."""
    snapshots: tuple[Snapshot, ...]
    shown: tuple[str, ...]
    """A line for everything in which the pictures shown are not those stored."""
    notes: tuple[str, ...]
    """How pictures and numbers came about: what `on_message` got."""
    clip: Clip | None = None
    """What the page plays."""

    @property
    def sides(self) -> list[str]:
        """What the source and the results are called on their pictures."""
        return ["Source", *(["Result"] if len(self.results) == 1 else [name for name, _ in self.results])]

    @property
    def first(self) -> int:
        """The index of the snapshot that is looked at first: that of the largest change."""
        taken = self.snapshots
        return max(range(len(taken)), key=lambda k: (taken[k].why != LEAST, taken[k].reach))

    def verdict(self, result: int = 0) -> str:
        """A result in words."""
        return in_words({metric.key: self.average(metric, result) for metric in self.metrics})

    @property
    def verdicts(self) -> list[str]:
        """Each result in words, with its name where there are several."""
        said = [self.verdict(number) for number in range(len(self.results))]
        return [
            f"{name}: {words}" if len(said) > 1 else words
            for (name, _), words in zip(self.results, said, strict=True)
        ]  # fmt: skip

    def average(self, metric: Metric, result: int = 0) -> Reading | None:
        """The mean over the samples, or over the snapshots where there are none; None where never defined."""
        measured = [s.readings for s in self.samples] if self.samples else [s.readings[result] for s in self.snapshots]
        return metric.mean(readings.get(metric.key) for readings in measured)

    def extremes(self, metric: Metric) -> tuple[float | None, float | None]:
        """The least and the greatest value over the samples."""
        values = [r.value for sample in self.samples if (r := sample.readings.get(metric.key)) is not None]
        return min(values, default=None), max(values, default=None)


def compare(
    source: str | os.PathLike[str],
    result: str | os.PathLike[str],
    options: CompareOptions | None = None,
    *,
    on_message: Callable[[str], None] = lambda line: None,
    on_step: Step = lambda what, done, total: None,
) -> Comparison:
    """Measure and picture `result`, 1, 2, 4 or 8 times as large as `source`.

    `on_message` gets lines for people, which are among the notes of the comparison, too. Raises `InputError` for a
    video that cannot be read, for other sizes, for videos without a common moment and for times outside them,
    `OptionError` for a crop that is not in the picture.
    """
    options = options or CompareOptions()
    tell = Notes(on_message, source, result)
    videos = look(source, tell), look(result, tell)
    sizes = [(video.info.width, video.info.height) for video in videos]
    check_sizes(Path(source), sizes[0], Path(result), sizes[1])
    view = videos[0].view
    if options.crop is not None:
        options.crop.check(view.size(*sizes[1]))
    for file, video in zip((source, result), videos, strict=True):
        if video.assumed:
            tell(video.assumed.about(os.fspath(file)))
    used = suited(videos[1], shown(viqet=options.viqet), tell)
    survey = _survey(source, result, used, options, tell, on_step)
    sampled = [seen for seen in survey if not seen.asked]
    reasons = choose([seen.candidate for seen in sampled], options.chosen) if options.chosen else {}
    reasons |= {seen.candidate.time: ASKED for seen in survey if seen.asked}
    readings = {seen.candidate.time: seen.readings for seen in survey}
    times = sorted(reasons)
    snapshots = []
    with closing(pairs(source, result, at=times, on_message=tell)) as pictured:
        for time, pair in zip(times, pictured, strict=True):
            images = _pictured(pair, view)
            snapshots.append(take_snapshot(time, reasons[time], images, [readings[time]], options.crop))
            on_step("moments pictured", len(snapshots), len(times))
    twice = [ENLARGED] if sizes[0] != sizes[1] else []
    compared = Comparison(
        title=f"{videos[1].name} beside {videos[0].name}",
        source=videos[0],
        results=((videos[1].name, videos[1].facts),),
        metrics=used,
        samples=tuple(Sample(seen.candidate.time, seen.readings) for seen in sampled),
        snapshots=tuple(snapshots),
        shown=(*view.notes, *twice, *_differences(*videos)),
        notes=tuple(tell.lines),
    )

    def played(start: Fraction, count: int) -> Iterator[tuple[Fraction, Sequence[Image.Image]]]:
        for pair in running(source, result, start=start, seconds=options.play):
            yield pair.time, _pictured(pair, view)

    return with_clip(compared, options.play, options.crop, played, on_step)


def _pictured(pair: Pair, view: View) -> list[Image.Image]:
    """The first frames of a pair as they are shown, of one size."""
    after = to_rgb(pair.result[0])
    return [view.picture(rgb) for rgb in (enlarged(to_rgb(pair.source[0]), after), after)]


def with_clip(
    compared: Comparison, seconds: Fraction, crop: Crop | None,
    frames: Callable[[Fraction, int], Iterable[tuple[Fraction, Sequence[Image.Image]]]], on_step: Step,
) -> Comparison:  # fmt: skip
    """`compared` with what follows the first moment that is looked at, around the place that changed most in it.

    Near the end of the film it is what precedes it, so that it lasts as long.

    frames: gives, from a time on and about so many, the times of frames and the pictures of all sides.
    """
    if not seconds:
        return compared
    moment = compared.snapshots[compared.first]
    count = min(MOST, math.ceil((compared.source.info.frame_rate or 25) * seconds))
    left, top, right, bottom = part(moment.size, moment.spot, count)
    x, y = (crop.x, crop.y) if crop else (0, 0)
    length = compared.source.info.length
    start = moment.time if length is None else max(Fraction(0), min(moment.time, Fraction(length) - seconds))

    def told() -> Iterator[tuple[Fraction, Sequence[Image.Image]]]:
        for number, taken in enumerate(frames(start, count), 1):
            yield taken
            on_step("frames to play", number, count)

    clip = take_clip(compared.first, (x + left, y + top, x + right, y + bottom), told())
    return replace(compared, clip=clip and replace(clip, at=(left, top)))


@dataclass(frozen=True)
class _Seen:
    """A moment that was measured."""

    candidate: Candidate
    readings: Readings
    asked: bool


def _survey(
    source: str | os.PathLike[str], result: str | os.PathLike[str], used: Sequence[Metric], options: CompareOptions,
    tell: "Notes", on_step: Step,
) -> list[_Seen]:  # fmt: skip
    """The sampled moments and those asked for, measured; one moment's frames are held at a time."""
    count = options.samples or SAMPLES if options.every is None else None
    total = None if count is None else count + len(options.at)
    found: list[tuple[Candidate, Readings, bool]] = []
    missing: dict[str, str] = {}

    def pictures() -> Iterator[NDArray[np.uint8]]:
        # Moments asked for come first: a time that is not in the videos is an error before the long work.
        rows = [(True, pairs(source, result, at=options.at, window=WINDOW, on_message=tell))] if options.at else []
        rows.append((False, pairs(source, result, count=count, every=options.every, window=WINDOW, on_message=tell)))
        for asked, row in rows:
            with closing(row) as taken:
                for pair in taken:
                    now = of_pair(pair)
                    amount, contrast = (now.result - now.source).abs().mean(), now.source_luma[0].std()
                    candidate = Candidate(pair.time, float(amount), float(contrast))
                    compared = metrics.take(used, now)
                    alone = metrics.take_alone(used, pair.result[0], pair.source[0])
                    found.append((candidate, compared.readings | alone.readings, asked))
                    missing.update(compared.missing | alone.missing)
                    on_step("moments measured", len(found), total)
                    yield from map(to_bytes, (now.source, now.result))

    mos_scores = metrics.mos_scores(used, pictures(), 2, options.workers)
    seen = [
        _Seen(candidate, {**readings, **mos[0]}, asked)
        for (candidate, readings, asked), mos in zip(found, mos_scores, strict=True)
    ]
    defined = {key for one in seen for key in one.readings}
    tell.missing({key: why for key, why in missing.items() if key not in defined})
    return seen


class Notes:
    """Lines for people: each passed on once, and kept with the names of files instead of their paths."""

    def __init__(self, on_message: Callable[[str], None], *files: str | os.PathLike[str]) -> None:
        self.lines: list[str] = []
        self._on_message = on_message
        self._pass_on = Once(self._keep)
        self._files = files

    def __call__(self, line: str) -> None:
        """Pass `line` on unless it was before."""
        self._pass_on(line)

    def missing(self, reasons: Mapping[str, str]) -> None:
        """Say which metrics are left out, and why, by their keys."""
        for line in why_missing(reasons, lambda key: METRICS[key].name):
            self(line)

    def _keep(self, line: str) -> None:
        self._on_message(line)
        for file in self._files:
            line = line.replace(str(Path(file)), Path(file).name)
        self.lines.append(line)


def shown(*, viqet: bool) -> list[Metric]:
    """What pages and sheets show; the MOS only with `viqet`."""
    return [metric for metric in COMPARED if not metric.detail and (viqet or metric is not MOS)]


def suited(video: Video, metrics: Iterable[Metric], tell: Notes, scale: int = 1) -> tuple[Metric, ...]:
    """The metrics that are defined for a video, `scale` times as large; says which are not."""
    used, missing = usable(metrics, scale * video.info.width, scale * video.info.height, video.info.color.hdr)
    tell.missing(missing)
    return used


def _differences(source: Video, result: Video) -> Iterator[str]:
    """A line for each tag that the two videos should share."""
    for what, name in (("transfer", "transfer"), ("primaries", "primaries"), ("sar", "pixel aspect ratio"),
                       ("turns", "rotation")):  # fmt: skip
        a, b = getattr(source.view, what), getattr(result.view, what)
        if a != b:
            yield f"The {name} of the two files is not the same by their tags; the result is shown as the source is."

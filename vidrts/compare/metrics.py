"""Takes the metrics of `measure.registry`: of a moment of two videos, of two pictures, or of one picture alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import isnan

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.compare.frames import to_rgb
from vidrts.frame import Frame
from vidrts.measure.flicker import Change
from vidrts.measure.luma import luma
from vidrts.measure.metric import Metric, Reading, Readings
from vidrts.measure.registry import MOS
from vidrts.measure.viqet import measure_many
from vidrts.media.read.sampling import Pair
from vidrts.media.tools.filter_metrics import FilterScores, frame_scores, pair_scores
from vidrts.messages import Code, Message
from vidrts.ops.lanczos import enlarge


@dataclass(frozen=True)
class Moment:
    """A result and its source as coded R'G'B' of one size. Made by `of_pair` and `of_pictures`."""

    source: torch.Tensor
    """(3, H, W) in 0..1, like `result`."""
    result: torch.Tensor
    source_luma: torch.Tensor
    """(T, H, W) from there on, like `result_luma`."""
    result_luma: torch.Tensor
    frames: Pair | None = None
    """The frames as decoded, for filters; None for pictures."""


def of_pictures(source: Iterable[torch.Tensor], result: Iterable[torch.Tensor], frames: Pair | None = None) -> Moment:
    """The `Moment` of consecutive (3, H, W) pictures, equally many on both sides; no more than four are held at once.

    Sources half as large are enlarged.
    """
    pairs = ((enlarged(a, b), b) for a, b in zip(source, result, strict=True))
    first, after = next(pairs)
    lumas = [(luma(first), luma(after)), *((luma(a), luma(b)) for a, b in pairs)]
    before, made = (torch.stack(planes) for planes in zip(*lumas, strict=True))
    return Moment(first, after, before, made, frames)


def of_pair(pair: Pair) -> Moment:
    """The `Moment` of frames of two videos."""
    return of_pictures(map(to_rgb, pair.source), map(to_rgb, pair.result), pair)


def enlarged(source: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """(3, H, W) `source` in 0..1 at the size of `result`: as it is, or Lanczos-enlarged."""
    factor = result.shape[-1] // source.shape[-1]
    return source if factor == 1 else enlarge(source[None], factor)[0].clamp(0, 1)


@dataclass
class Measured:
    """What was taken of a moment. `missing`: key -> why a metric is not among `readings`."""

    readings: dict[str, Reading] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def usable(
    metrics: Iterable[Metric], width: int, height: int, hdr: str | None
) -> tuple[tuple[Metric, ...], dict[str, Message]]:
    """The metrics that are defined for pictures of this size and signal, and key -> why the others are not."""
    used: list[Metric] = []
    missing: dict[str, Message] = {}
    for metric in metrics:
        if metric.sdr and hdr:
            missing[metric.key] = Message(Code.METRIC_NOT_FOR_HDR, signal=hdr)
        elif min(width, height) < metric.smallest:
            missing[metric.key] = _too_small(metric, width, height)
        elif metric.package and find_spec(metric.package) is None:
            missing[metric.key] = Message(Code.METRIC_NEEDS_PACKAGE, package=metric.package)
        else:
            used.append(metric)
    return tuple(used), missing


def why_missing(missing: Mapping[str, str], names: Callable[[str], str]) -> Iterator[Message]:
    """A line for each reason, with the metrics that share it; `names`: what a metric is called, by its key."""
    keys: dict[str, list[str]] = {}
    for key, why in missing.items():
        keys.setdefault(why, []).append(key)
    for why, alike in keys.items():
        yield Message(Code.METRICS_MISSING, metrics=", ".join(map(names, alike)), why=why)


def take(metrics: Iterable[Metric], at: Moment) -> Measured:
    """What compares a result with its source; metrics of one picture are left to `take_alone` and `mos_scores`."""
    found = Measured()
    filters = [metric for metric in metrics if metric.kind == "filter" and not metric.alone]
    for metric in metrics:
        try:
            if metric.kind == "pair":
                found.readings[metric.key] = Reading(metric.function(at.result, at.source))
            elif metric.kind == "luma":
                found.readings[metric.key] = Reading(metric.function(at.result_luma[0], at.source_luma[0]))
            elif metric.kind == "sequence" and len(at.source_luma) > 1:
                change: Change = metric.function(at.result_luma, at.source_luma)
                found.readings[metric.key] = Reading(change.ratio, weight=change.source)
        except ValueError as error:
            found.missing[metric.key] = str(error)
    if filters and at.frames is not None:
        _pool(filters, pair_scores(at.frames.source, at.frames.result), found)
    return found


def take_alone(metrics: Iterable[Metric], frame: Frame, source: Frame | None = None) -> Measured:
    """What filters say of one picture, and of its source where that is given."""
    found = Measured()
    filters: list[Metric] = []
    for metric in metrics:
        if metric.kind == "filter" and metric.alone:
            frames = (frame,) if source is None else (frame, source)
            width, height = min(((f.width, f.height) for f in frames), key=min)
            if min(width, height) < metric.smallest:
                found.missing[metric.key] = _too_small(metric, width, height)
            else:
                filters.append(metric)
    if filters:
        _pool(filters, frame_scores(frame), found)
    if filters and source is not None:
        before = Measured(missing=found.missing)
        _pool(filters, frame_scores(source), before)
        both = found.readings.keys() & before.readings.keys()
        found.readings = {key: Reading(found.readings[key].value, source=before.readings[key].value) for key in both}
    return found


def _too_small(metric: Metric, width: int, height: int) -> Message:
    code = Code.METRIC_MEANINGLESS if metric is MOS else Code.METRIC_NEEDS_SIZE
    return Message(code, smallest=metric.smallest, width=width, height=height)


def _pool(filters: Sequence[Metric], scores: FilterScores, found: Measured) -> None:
    """Add the means over the frames that a filter has compared."""
    for metric in filters:
        values = scores.frames.get(metric.key, ())
        if mean := metric.mean(map(Reading, values)):
            found.readings[metric.key] = Reading(mean.value, weight=len(values))
        elif metric.key in scores.missing:
            found.missing[metric.key] = scores.missing[metric.key]


def mos_scores(
    metrics: Sequence[Metric], pictures: Iterable[NDArray[np.uint8]], sides: int, workers: int | None
) -> list[list[Readings]]:
    """VIQET's readings, where `MOS` is among `metrics`, for each moment and each of its results.

    pictures: (H, W, 3) R'G'B', for each moment its source and then its results, `sides` in all. They are taken as
    they come, by `workers` processes (None: one for each core), so that whoever makes them works at the same time.
    """
    if MOS not in metrics:
        count = sum(1 for _ in pictures)
        return [[{}] * (sides - 1) for _ in range(count // sides)]
    found = [scores.mos for scores in measure_many(pictures, workers=workers)]
    return [
        [{} if isnan(found[k] + mos) else {MOS.key: Reading(mos, source=found[k])} for mos in found[k + 1 : k + sides]]
        for k in range(0, len(found), sides)
    ]

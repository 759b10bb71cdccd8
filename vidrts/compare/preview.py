"""Single frames of a video as `vidrts enhance` would make them: models and strengths beside each other.

comparison = preview("in.mp4", [Variant(model="rts-lite")], at=[Fraction(25, 2)])
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidrts import colorplan
from vidrts.compare import metrics
from vidrts.compare.comparison import ENLARGED, FRAMES, Comparison, Notes, Step, check_play, shown, suited, with_clip
from vidrts.compare.display import look
from vidrts.compare.frames import frames as from_time
from vidrts.compare.frames import to_rgb
from vidrts.compare.metrics import enlarged, of_pictures
from vidrts.compare.moment_selection import ASKED, SPREAD
from vidrts.compare.snapshot import Crop, Snapshot, take_snapshot
from vidrts.errors import InputError, naming
from vidrts.frame import Frame, StreamInfo
from vidrts.images import to_bytes
from vidrts.media.read.sampling import sample
from vidrts.networks.auto import resolved
from vidrts.networks.checkpoint import load_model, read_info
from vidrts.networks.names import AUTO
from vidrts.networks.shipped import find_model
from vidrts.picture.device import pick_device
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions

DETAILS = (0.0, 0.25, 0.5, 1.0)
_TO_PLAY = 70_000_000
"""Pixels that are enhanced to be played unless `play` says how long: a second at 1080p, with one model."""
_FEWEST = 6
"""Frames below which nothing moves that is worth playing."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A model, as in `EnhanceOptions`, and how it is applied."""

    model: str = AUTO
    picture: EnhancerOptions = field(default_factory=EnhancerOptions)


def preview(
    source: str | os.PathLike[str],
    variants: Sequence[Variant],
    *,
    at: Sequence[Fraction] = (),
    frames: int = FRAMES,
    crop: Crop | None = None,
    play: Fraction | None = Fraction(0),
    viqet: bool = True,
    workers: int | None = None,
    on_message: Callable[[str], None] = lambda line: None,
    on_step: Step = lambda what, done, total: None,
) -> Comparison:
    """The frames on show `at` these seconds from the first frame, or evenly spread ones, enhanced by each variant.

    All variants have one scale; `play`, `viqet` and `workers` as in `CompareOptions`; a `play` of None is a second, of
    large pictures and with several variants less, down to none. The planes are those that
    `enhance` hands to its encoder for the same frame; what an encoder loses comes on top. Measures that need moving
    pictures are left out. Raises what `load_model`, `Enhancer` and `sample` raise, and `OptionError` for a crop outside
    the picture and for `play`.
    """
    check_play(play or Fraction(0))
    tell = Notes(on_message, source)
    (scale,) = {variant.picture.scale for variant in variants}
    variants = [replace(v, model=resolved(v.model, pick_device(v.picture.device).type)) for v in variants]
    enhancers = [Enhancer(load_model(v.model, v.picture.scale), v.picture, on_message=tell) for v in variants]
    video = look(source, tell)
    view = video.view
    width, height = video.info.width * scale, video.info.height * scale
    if crop is not None:
        crop.check(view.size(width, height))
    of_stills = [m for m in shown(viqet=viqet) if m.kind != "sequence" and (m.alone or m.kind != "filter")]
    used = suited(video, of_stills, tell, scale)
    snapshots: list[Snapshot] = []

    def pictures() -> Iterator[NDArray[np.uint8]]:
        with closing(sample(source, at=sorted(set(at)), count=None if at else frames, on_message=tell)) as sampled:
            for frame in sampled:
                with naming(os.fspath(source)):
                    made = [enhance(frame, enhancer) for enhancer in enhancers]
                after = [to_rgb(one) for one in made]
                before = enlarged(to_rgb(frame), after[0])
                readings = [
                    metrics.take(used, of_pictures([before], [rgb])).readings
                    | metrics.take_alone(used, one, frame).readings
                    for one, rgb in zip(made, after, strict=True)
                ]
                images = [view.picture(rgb) for rgb in (before, *after)]
                time, why = frame.pts * frame.time_base, ASKED if at else SPREAD
                snapshots.append(take_snapshot(time, why, images, readings, crop))
                on_step("frames enhanced", len(snapshots), len(at) or frames)
                yield from map(to_bytes, (before, *after))

    mos_scores = metrics.mos_scores(used, pictures(), 1 + len(variants), workers)
    if not snapshots:
        raise InputError(f"{os.fspath(source)}: has no frame where one was looked for; name times with --at")
    facts = f"{width}×{height}, before encoding"
    compared = Comparison(
        title=f"{video.name}, a preview", source=video, results=tuple((name, facts) for name in names(variants)),
        metrics=used, samples=(),
        snapshots=tuple(
            replace(taken, readings=tuple({**r, **m} for r, m in zip(taken.readings, mos, strict=True)))
            for taken, mos in zip(snapshots, mos_scores, strict=True)
        ),
        shown=(*view.notes, *([ENLARGED] if scale != 1 else ())), notes=tuple(tell.lines),
    )  # fmt: skip

    def played(start: Fraction, count: int) -> Iterator[tuple[Fraction, Sequence[Image.Image]]]:
        first: Fraction | None = None
        for frame in from_time(Path(source), count, start):
            made = [to_rgb(enhance(frame, enhancer)) for enhancer in enhancers]
            time = frame.pts * frame.time_base
            first = time if first is None else first
            yield start + time - first, [view.picture(rgb) for rgb in (enlarged(to_rgb(frame), made[0]), *made)]

    seconds = _affordable(video.info, scale, len(variants)) if play is None else play
    return with_clip(compared, seconds, crop, played, on_step)


def _affordable(info: StreamInfo, scale: int, variants: int) -> Fraction:
    """Seconds to play where none are given."""
    rate = Fraction(info.frame_rate or 25)
    frames = _TO_PLAY // (info.width * info.height * scale**2 * variants)
    return min(Fraction(1), frames / rate) if frames >= _FEWEST else Fraction(0)


def details(model: str, scale: int) -> tuple[float | None, ...]:
    """What is worth seeing of a model at a scale where none was asked for: several where it is calibrated."""
    if model == AUTO:  # takes no noise on any device
        return (None,)
    return DETAILS if scale != 1 and read_info(find_model(model, scale)).detail else (None,)


def enhance(frame: Frame, enhancer: Enhancer) -> Frame:
    """The enhanced frame without the decoder's, tagged; an untagged source is judged by the height that it had."""
    (enhanced,) = enhancer([frame])
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    return replace(enhanced, color=tags, carrier=None)


def names(variants: Sequence[Variant]) -> list[str]:
    """What tells the variants from each other: model; chroma, detail where they differ; strength if not all are 1."""
    models = [Path(variant.model).name.removesuffix(".safetensors") for variant in variants]
    if len(set(models)) < len({variant.model for variant in variants}):
        models = [variant.model for variant in variants]  # files of one name in different folders
    plain = all(variant.picture.strength == 1 for variant in variants)
    alike = len({variant.picture.chroma for variant in variants}) == 1
    same = len({variant.picture.detail for variant in variants}) == 1
    return [
        model
        + ("" if alike else f", chroma {variant.picture.chroma}")
        + ("" if same else f", detail {variant.picture.detail or 0:g}")
        + ("" if plain else f", strength {variant.picture.strength:g}")
        for model, variant in zip(models, variants, strict=True)
    ]

"""What a run in segments is: decided before anything is written."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidrts.errors import OptionError
from vidrts.media.containers import is_url
from vidrts.media.pictures.sequence import is_pattern
from vidrts.media.read.key_frames import key_frames
from vidrts.media.read.section import check_filters
from vidrts.media.write.segment_encoder import check_joinable
from vidrts.media.write.target import Target
from vidrts.messages import Tell
from vidrts.options import EnhanceOptions
from vidrts.pipeline import model_of, opened
from vidrts.plan import Plan
from vidrts.segments.identity import identity
from vidrts.segments.job import Job, cutting_times, without_streams
from vidrts.segments.options import refuse_pipes
from vidrts.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run that was decided."""

    job: Job
    workers: Workers
    """Of this process."""
    plan: Plan
    """For people."""
    identity: Mapping[str, Any]
    """What must be the same for segments to fit (`identity`)."""


def check_possible(source: str | os.PathLike[str], target: str | os.PathLike[str], options: EnhanceOptions) -> None:
    """Raise `OptionError` for what cannot be made in segments."""
    refuse_pipes(source, target)
    for place in (source, target):
        if is_url(place):
            raise OptionError(f"{os.fspath(place)}: is a URL; --segment and --resume need files")
        if is_pattern(Path(place)):
            raise OptionError(f"{os.fspath(place)}: --segment and --resume are for videos, got numbered pictures")
    if options.decode.frames is not None:
        raise OptionError(
            f"-frames:v {options.decode.frames}: counts over segments; use -t with --segment and --resume"
        )
    check_filters(options.decode.filters)


def plan(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    given: EnhanceOptions,
    length: Fraction,
    threads: int,
    *,
    on_message: Tell,
    stop_signal: Callable[[], int | None],
) -> Planned:
    """Decide all that the whole film needs. `length`: seconds of a segment; `threads`: an encoder's.

    Raises as `enhance` does, and `OptionError` for an encoder whose segments cannot be joined.
    """
    model = model_of(given)
    options = replace(given, model=str(model.path), encode=replace(given.encode, threads=threads))
    with opened(source, target, options, discard=True, on_message=on_message, stop_signal=stop_signal) as run:
        writer, facts, place = run.writer, run.reader.input, run.reader.path
        if not isinstance(writer, Target) or not isinstance(place, Path):
            raise OptionError(f"{source}: --segment and --resume are for videos in files")
        check_joinable(writer.encoder.name)
        keys = key_frames(place, facts)
        begin = facts.start_time if facts.begin is None else facts.begin
        job = Job(
            source=place, target=Path(str(writer.path)), options=options, facts=without_streams(facts),
            encoder=writer.encoder, format=writer.frame_format, parameters=writer.parameters,
            cuts=cutting_times(keys, begin, facts.end, length),
        )  # fmt: skip
        decided = replace(run.plan, model=model.title)
        return Planned(
            job=job, workers=run.workers, plan=decided,
            identity=identity(job, given, keys, decided.computations, model.path, length),
        )  # fmt: skip

"""`dry_run`: all that `enhance` decides, and about how long it would take, from a second of frames; writes nothing.

estimate = dry_run("in.mp4", "out.mp4", EnhanceOptions(), on_plan=print)
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vidrts import memory
from vidrts.errors import InputError, Interrupted
from vidrts.frame import Frame
from vidrts.messages import Tell, ignore
from vidrts.options import EnhanceOptions
from vidrts.pictures import PictureRun, are_pictures
from vidrts.pipeline import Run, model_of, opened
from vidrts.plan import Plan
from vidrts.prefetch import Cancelled

SPAN = Fraction(1)
"""Seconds of video that are timed."""
PATIENCE = 4.0
"""Seconds of work after which no further frame is timed."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long a run would take on this machine, as it is busy now."""

    frames: int
    """That were enhanced and encoded to know it."""
    rate: float
    """Frames/s."""
    total: int | None
    """Expected number of frames; None if unknown."""
    seconds: float | None
    """Of the whole run; None where the number of frames is unknown."""


@memory.named()
def dry_run(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EnhanceOptions | None = None,
    *,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_message: Tell = ignore,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Estimate:
    """Open and decide all that `enhance` does, with its errors, and enhance and encode a second of frames; nothing is
    written. Of stdin that second is read.
    """
    options = options or EnhanceOptions()
    if are_pictures(source, target):
        return _first_picture(PictureRun(source, target, options, on_message), options, on_plan, stop_signal)
    began = time.monotonic()
    with opened(source, target, options, discard=True, on_message=on_message, stop_signal=stop_signal) as run:
        on_plan(run.plan)
        try:
            return _timed(run, began, stop_signal)
        except Cancelled:
            number = stop_signal()
            assert number is not None
            raise Interrupted("stopped; a dry run writes nothing", number) from None


def _first_picture(
    run: PictureRun,
    options: EnhanceOptions,
    on_plan: Callable[[Plan], None],
    stop_signal: Callable[[], int | None],
) -> Estimate:
    """The estimate from the first picture, without the time to write it."""
    done = run(model_of(options), stop_signal, lambda done: None, on_plan, dry=True)
    seconds = done.decode + done.enhance
    return Estimate(frames=1, rate=1 / seconds, total=run.total, seconds=seconds * run.total)


def _timed(run: Run, began: float, stop_signal: Callable[[], int | None]) -> Estimate:
    """The estimate from the first frames. The time until each worker has made one, which is spent once, is left out."""
    first: Fraction | None = None
    shown = Fraction(0)
    count, warm = 0, began
    work = time.monotonic()
    for event in run.ready:
        run.writer.write(event)
        if stop_signal() is not None:
            raise Cancelled
        if not isinstance(event, Frame):
            continue
        count += 1
        at = event.pts * event.time_base
        first = at if first is None else first
        shown = at - first
        if count == run.workers.count:
            warm = time.monotonic()
        if count >= run.workers.count and (shown >= SPAN or time.monotonic() - work >= PATIENCE):
            break
    if count == 0:
        raise InputError(f"{run.reader.path}: no frames in the selected range; check -ss, -to, -t")
    run.writer.drain()  # encoders hold frames back, and have not yet worked on them
    now = time.monotonic()
    timed = count - run.workers.count
    rate = timed / (now - warm) if timed > 0 else count / (now - work)
    total = run.plan.frames
    if run.plan.info.frames is None and run.plan.info.length is not None and shown > 0:  # rates in headers may be wrong
        total = round(run.plan.info.length * (count - 1) / shown)
    if total is None:
        return Estimate(frames=count, rate=rate, total=None, seconds=None)
    seconds = now - began + max(0, total - count) / rate
    return Estimate(frames=count, rate=rate, total=total, seconds=seconds)

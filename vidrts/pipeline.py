"""`enhance`: decode -> enhance -> encode, each stage in its own thread.

from vidrts import EnhanceOptions, enhance
summary = enhance("in.mp4", "out.mp4", EnhanceOptions(model="rts-lite"))
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidrts import memory
from vidrts.errors import ConsumerGoneError, InputError, Interrupted, SourceBrokenError, add
from vidrts.frame import Frame
from vidrts.media.containers import Place
from vidrts.media.input import CopiedPacket
from vidrts.media.pipes.stdio import stdout_or
from vidrts.media.read.open import open_video
from vidrts.media.read.source import Source
from vidrts.media.write.open import AnyTarget, open_target
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message, Tell, ignore
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.options import EnhanceOptions
from vidrts.picture.device import pick_devices
from vidrts.pictures import Done, PictureRun, are_pictures
from vidrts.plan import Plan
from vidrts.prefetch import Cancelled, prefetch
from vidrts.progress import PartTimes, Position, Progress, Summary, is_long
from vidrts.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Run:
    """The open parts of a run; made by `opened`."""

    plan: Plan
    reader: Source
    writer: AnyTarget
    workers: Workers
    ready: Iterator[Frame | CopiedPacket]
    """What is to be written, in order."""
    parts: PartTimes
    """`decode` is kept up to date."""


@contextmanager
def opened(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EnhanceOptions,
    *,
    discard: bool = False,
    on_message: Tell = ignore,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Iterator[Run]:
    """All that `enhance` needs, decided and opened; no frame but the first is read before `Run.ready` is asked.

    Raises as `enhance` does. `discard`: nothing is written.
    """
    model = model_of(options)
    parts = PartTimes()
    # Checks device and precision before any file is opened for writing.
    workers = Workers(model, options.picture, options.workers, on_message=on_message)
    with (
        stdout_or(target, discard=discard) as place,
        open_video(source, options.decode, on_message=on_message, stop_signal=stop_signal) as reader,
        open_target(
            place, reader.input, options.encode, scale=options.picture.scale, discard=discard, on_message=on_message
        ) as writer,
        closing(prefetch(_timed(reader.events(writer.streams), parts), options.in_flight, "decode")) as decoded,
        closing(
            workers.enhanced(decoded, options.in_flight, _StopRequested(reader, writer, stop_signal), reader.path)
        ) as ready,
        ExitStack() as leaving,
        _rescuing(writer),
    ):
        leaving.callback(reader.cancel)  # before joining the threads: one of them may wait for stdin
        plan = Plan(
            source=reader.path, target=writer.path, info=reader.info, hardware=reader.input.hardware, model=model.title,
            computations=workers.computations(reader.info), workers=workers.count, worker_threads=workers.threads,
            picture=options.picture, decode=options.decode, written=writer.plan,
        )  # fmt: skip
        yield Run(plan=plan, reader=reader, writer=writer, workers=workers, ready=ready, parts=parts)


def model_of(options: EnhanceOptions) -> LoadedModel:
    """The model that a run uses, for its scale and its first device. Raises `ModelError`, `DeviceError`."""
    return load_model(options.model, options.picture.scale, pick_devices(options.picture.device)[0])


@memory.named()
def check(options: EnhanceOptions) -> None:
    """Raise what is wrong with the model, the device, or the two together: `enhance` would for any source."""
    Workers(model_of(options), options.picture, 1)


@memory.named()
def enhance(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EnhanceOptions | None = None,
    *,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_message: Tell = ignore,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Summary:
    """Enhance the video or picture `source` and write it to `target`, with everything else in the file kept.

    Both are files, `source` may be a URL, and "-" is stdin and stdout (`vidrts.media.pipes.stdio`). Names such as
    "frames/%05d.png" are numbered pictures.

    `on_plan` gets what was decided, once, before the first frame is enhanced; `on_message` gets messages (warnings,
    assumptions), `on_progress` is called for each frame. When `stop_signal` returns a signal number, the run ends early
    and `Interrupted` is raised. Other failures raise a subclass of `VidrtsError`. Whatever ends a run after the first
    frame, the finished part of a file is kept, playable, as `<name>.partial.<ext>`, and the error says so; only a
    complete file gets the target's name. With pipes: `SourceBrokenError` and `ConsumerGoneError`.
    """
    options = options or EnhanceOptions()
    if are_pictures(source, target):
        return _enhance_pictures(source, target, options, on_plan, on_progress, on_message, stop_signal)
    began = time.monotonic()
    frames = 0
    advised = False
    with opened(source, target, options, on_message=on_message, stop_signal=stop_signal) as run:
        reader, writer, parts = run.reader, run.writer, run.parts
        on_plan(run.plan)
        position = Position(reader.info)
        try:
            for event in run.ready:
                began_part = time.monotonic()
                writer.write(event)
                parts.encode += time.monotonic() - began_part
                if isinstance(event, Frame):
                    frames += 1
                    progress = position.after(
                        event, frames, seconds=time.monotonic() - began, bytes_written=writer.bytes_written,
                        light_rate=run.workers.light_rate,
                    )  # fmt: skip
                    on_progress(progress)
                    if not advised and is_long(progress) and _can_resume(reader, writer):
                        advised = True
                        on_message(Message(Code.RESUME_EXISTS, minutes=round((progress.left or 0) / 60)))
                if stop_signal() is not None:
                    raise Cancelled
            if stop_signal() is not None:  # a signal also ends reading from stdin
                raise Cancelled
            if frames == 0:
                raise InputError(f"{reader.path}: no frames in the selected range; check -ss, -to, -t")
            began_part = time.monotonic()
            writer.finish()
            parts.encode += time.monotonic() - began_part
            _report_damage(reader, writer, on_message)
        except (Cancelled, SourceBrokenError) as error:
            number = stop_signal()
            if isinstance(error, Cancelled) and number is None:
                raise ConsumerGoneError(f"{writer.path}: broken pipe") from None
            kept = _where_kept(writer.keep_partial())
            if number is None:
                raise SourceBrokenError(f"{error}; {kept}") from None
            _report_damage(reader, writer, on_message)
            raise Interrupted(f"stopped after {frames} frames; {kept}", number) from None
        except KeyboardInterrupt:
            writer.keep_partial()
            raise
    parts.enhance = run.workers.seconds
    return Summary(
        target=writer.path, frames=frames, seconds=time.monotonic() - began, parts=parts,
        bytes_written=writer.bytes_written, lost=_lost(reader, writer),
    )  # fmt: skip


def _can_resume(reader: Source, writer: AnyTarget) -> bool:
    """Whether the same run could be made with --resume."""
    return isinstance(reader.path, Path) and isinstance(writer.path, Path) and isinstance(writer, Target)


def _enhance_pictures(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EnhanceOptions,
    on_plan: Callable[[Plan], None],
    on_progress: Callable[[Progress], None],
    on_message: Tell,
    stop_signal: Callable[[], int | None],
) -> Summary:
    """`enhance` where both are pictures."""
    run = PictureRun(source, target, options, on_message)
    model = model_of(options)
    began = time.monotonic()

    def progressed(done: Done) -> None:
        on_progress(Progress(
            frames=done.pictures, total=run.total, seconds=time.monotonic() - began, bytes_written=done.bytes_written,
            light_rate=None,
        ))  # fmt: skip

    done = run(model, stop_signal, progressed, on_plan)
    return Summary(
        target=run.path, frames=done.pictures, seconds=time.monotonic() - began,
        parts=PartTimes(decode=done.decode, enhance=done.enhance, encode=done.encode),
        bytes_written=done.bytes_written, lost=None, pictures=True,
    )  # fmt: skip


def _lost(reader: Source, writer: AnyTarget) -> str | None:
    """All damage in words."""
    audio = [f"audio stream {line.values['index']}: {line.values['damage']}" for line in writer.damage]
    return "; ".join([*([str(reader.lost)] if str(reader.lost) else []), *audio]) or None


@dataclass(frozen=True)
class _StopRequested:
    """Polled while waiting for the next frame: whether to stop; if so, also stops waiting for stdin."""

    reader: Source
    writer: AnyTarget
    stop_signal: Callable[[], int | None]

    def __call__(self) -> bool:
        if self.stop_signal() is None and not self.writer.reader_closed():
            return False
        self.reader.cancel()
        return True


@contextmanager
def _rescuing(writer: AnyTarget) -> Iterator[None]:
    """Inside, an error keeps what is written, and says where."""
    try:
        yield
    except Interrupted:  # a second signal: end at once
        raise
    except Exception as error:
        if (kept := writer.rescue()) is not None:
            add(error, kept)
        raise


def _where_kept(place: Place | None) -> str:
    """Where the output of a run that ended early is."""
    if place is None:
        return "nothing was written"
    return f"{'kept in' if isinstance(place, Path) else 'written to'} {place}"


def _report_damage(reader: Source, writer: AnyTarget, on_message: Tell) -> None:
    """Report damaged input."""
    if lost := reader.lost.summary():
        on_message(lost)
    for line in writer.damage:
        on_message(line)


def _timed[T](upstream: Iterable[T], parts: PartTimes) -> Iterator[T]:
    """The items of `upstream`; adds the time to produce them to `parts.decode`."""
    iterator = iter(upstream)
    while True:
        began = time.monotonic()
        try:
            item = next(iterator)
        except StopIteration:
            return
        finally:
            parts.decode += time.monotonic() - began
        yield item

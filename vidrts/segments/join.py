"""Joining: the packets of all segments and, from the source once more, those of its other streams."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidrts.errors import OutputError
from vidrts.media.containers import Place
from vidrts.media.input import CopiedPacket, Input
from vidrts.media.read.open import open_video
from vidrts.media.read.other_streams import OtherStreams
from vidrts.media.write.joined_target import JoinedTarget
from vidrts.media.write.joined_track import rising
from vidrts.media.write.packet_file import EncodedPacket, PacketFile
from vidrts.messages import Tell
from vidrts.prefetch import Cancelled
from vidrts.segments.job import Job
from vidrts.segments.journal import Kept
from vidrts.segments.segment import merged


@dataclass(frozen=True)
class Joined:
    """A complete output."""

    size: int
    """Bytes."""
    lost: str | None
    """All damage, in words."""


class Joining:
    """Makes the output of segments. `workshop`: the folder in which it lies until it is complete, or None.

    Its methods raise as reading the source and writing the target do.
    """

    def __init__(self, job: Job, workshop: Path | None, tell: Tell):
        self._job, self._workshop, self._tell = job, workshop, tell

    def complete(self, segments: Sequence[Kept], stop_signal: Callable[[], int | None]) -> Joined:
        """The output of all segments, in order; raises `Cancelled` on a signal."""
        with self._opened() as (source, target):
            self._write(source, target, segments, stop_signal)
            target.finish()
            return Joined(lost=self._tell_lost(segments, target), size=target.bytes_written)

    def partial(self, segments: Sequence[Kept]) -> Place | None:
        """Where a film of the first segments is kept (`Target.keep_partial`)."""
        with self._opened() as (source, target):
            self._write(source, target, segments, lambda: None, early=True)
            kept = target.keep_partial()
            self._tell_lost(segments, target)
            return kept

    @contextmanager
    def _opened(self) -> Iterator[tuple[Input, JoinedTarget]]:
        """The source and the output."""
        job, options = self._job, self._job.options
        with (
            open_video(job.source, options.decode, on_message=self._tell) as reader,
            JoinedTarget(
                job.target, reader.input, options.encode, scale=options.picture.scale, workshop=self._workshop,
                on_message=self._tell,
            ) as writer,
        ):  # fmt: skip
            if (writer.encoder, writer.parameters) != (job.encoder, job.parameters):
                raise OutputError(f"{job.target}: {writer.encoder.name} has other parameter sets than the segments")
            yield reader.input, writer

    def _write(
        self,
        source: Input,
        target: JoinedTarget,
        segments: Sequence[Kept],
        stop_signal: Callable[[], int | None],
        *,
        early: bool = False,
    ) -> None:
        """Write the packets of the segments and those of the other streams of `source` to `target`.

        `early`: the segments end before the film; so do the other streams then.
        """
        job, files = self._job, [kept.path for kept in segments]
        tables = []
        for file in files:
            with PacketFile(file) as held:
                tables.append(held.times)
        pictures = zip(_packets(files), rising(tables), strict=True)
        waiting = next(pictures, None)
        base, moved = source.info.time_base, target.moved
        if target.streams:
            shown = sorted(pts + moved for table in tables for pts, _ in table if pts is not None)
            left = len(shown)
            with OtherStreams(job.source, job.options.decode, source, shown, on_message=self._tell) as others:
                for event in others.packets(set(target.streams)):
                    if stop_signal() is not None:
                        raise Cancelled
                    if isinstance(event, CopiedPacket):
                        target.write(event)
                        continue
                    while waiting is not None and (waiting[1] is None or (waiting[1] + moved) * base <= event):
                        target.write_encoded(*waiting)
                        waiting = next(pictures, None)
                    target.reached(event)
                    left -= 1
                    if early and not left:
                        break
        while waiting is not None:
            if stop_signal() is not None:
                raise Cancelled
            target.write_encoded(*waiting)
            waiting = next(pictures, None)

    def _tell_lost(self, segments: Sequence[Kept], target: JoinedTarget) -> str | None:
        """Report damage; all of it in words."""
        lost = merged([kept.facts.lost for kept in segments])
        for line in (lost.summary(), *target.damage):
            if line is not None:
                self._tell(line)
        audio = [f"audio stream {line.values['index']}: {line.values['damage']}" for line in target.damage]
        return "; ".join([*([str(lost)] if str(lost) else []), *audio]) or None


def _packets(files: Sequence[Path]) -> Iterator[EncodedPacket]:
    for file in files:
        with PacketFile(file) as held:
            yield from held

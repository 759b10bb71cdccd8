"""Joining: the packets of all segments and, from the source once more, those of its other streams."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vidrts.media.input import CopiedPacket, Input
from vidrts.media.read.other_streams import OtherStreams
from vidrts.media.write.joined_track import rising
from vidrts.media.write.packet_file import EncodedPacket, PacketFile
from vidrts.media.write.target import Target
from vidrts.messages import Tell
from vidrts.prefetch import Cancelled
from vidrts.segments.job import Job


def write(
    job: Job, source: Input, files: Sequence[Path], target: Target, *, tell: Tell,
    stop_signal: Callable[[], int | None], early: bool = False,
) -> None:  # fmt: skip
    """Write the packets of `files`, the segments in order, and those of the other streams of `source` to `target`.

    `early`: the segments end before the film; so do the other streams then.

    Raises `Cancelled` on a signal, and as reading the source and writing the target do.
    """
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
        with OtherStreams(job.source, job.options.decode, source, shown, on_message=tell) as others:
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


def _packets(files: Sequence[Path]) -> Iterator[EncodedPacket]:
    for file in files:
        with PacketFile(file) as held:
            yield from held

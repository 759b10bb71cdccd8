"""`Executor`: where segments are made. Here, one after the other; other machines are other executors."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from vidrts.frame import Frame
from vidrts.segments.job import Job
from vidrts.segments.segment import Busy, Facts, SegmentRunner
from vidrts.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A segment that was made: a file of packets (`media.write.packet_file`), by its path or as bytes."""

    number: int
    result: Path | bytes
    facts: Facts


type OnFrame = Callable[[int, Frame, int], None]
"""Called with the number of a segment, an encoded frame of it, and the bytes that the segment has so far."""


class Executor(Protocol):
    """Makes segments. A segment is a `Job` and a number; nothing else is needed to make it, and any order will do."""

    busy: Busy
    """Of this process."""
    nodes: int
    """Machines at work."""

    def run(
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        """The segments `numbers` of `job`, as they are finished; in `folder` files may be made.

        `from_start`: those to be read from the start of the film. A segment that ended early comes with
        `Facts.complete` false, before the error that ended it is raised; after a signal that is `Cancelled`.
        """


class Here:
    """Makes segments in this process."""

    def __init__(self, workers: Workers, stop_signal: Callable[[], int | None]):
        self._workers = workers
        self._stop_signal = stop_signal
        self.busy = Busy()
        self.nodes = 1

    def run(  # noqa: D102 - Executor's
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        runner = SegmentRunner(job, self._workers, stop_signal=self._stop_signal)
        self.busy = runner.busy
        file: BinaryIO | None = None

        def begin(number: int) -> BinaryIO:
            nonlocal file
            file = (folder / f"{number:06}.part").open("wb")
            return file

        try:
            for number, facts in runner.run(numbers, begin, from_start=from_start, on_frame=on_frame):
                assert file is not None
                file.close()
                yield Finished(number=number, result=folder / f"{number:06}.part", facts=facts)
        finally:
            if file is not None:
                file.close()

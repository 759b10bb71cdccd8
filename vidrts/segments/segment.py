"""Making segments: decoded exactly, enhanced, encoded by an encoder of their own into a file of packets."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from typing import Any, BinaryIO

from vidrts.errors import InputError, OutputError
from vidrts.frame import Frame
from vidrts.media.read.damage import LossReport
from vidrts.media.read.section import Seam, Section
from vidrts.media.write.packet_file import EncodedPacket, PacketWriter
from vidrts.media.write.segment_encoder import SegmentEncoder
from vidrts.messages import Code, Message
from vidrts.prefetch import Cancelled, prefetch
from vidrts.segments.job import Job
from vidrts.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a segment says of itself, for the join; JSON holds it."""

    frames: int
    parameters: bytes
    """The encoder's parameter sets."""
    first: Seam | None
    """See `media.read.section`."""
    after: Seam | None
    said: tuple[Message, ...] = ()
    """Messages of reading and encoding."""
    lost: LossReport = field(default_factory=LossReport)
    complete: bool = True
    """False: it ends early, by a signal or an error."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "frames": self.frames, "parameters": self.parameters.hex(), "first": self.first, "after": self.after,
            "said": [[line.code.name, {key: _plain(value) for key, value in line.values.items()}]
                     for line in self.said],
            "lost": {key: [str(time) for time in value] if key == "times" else _plain(value)
                     for key, value in asdict(self.lost).items()},
            "complete": self.complete,
        }  # fmt: skip

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Facts":
        """The same again; raises `KeyError`, `TypeError` and `ValueError` for what is not of `plain`."""
        lost = dict(plain["lost"])
        lost["times"] = [Fraction(time) for time in lost["times"]]
        lost["first"] = None if lost["first"] is None else Fraction(lost["first"])
        seams = {key: None if plain[key] is None else (int(plain[key][0]), str(plain[key][1]))
                 for key in ("first", "after")}  # fmt: skip
        return cls(
            frames=plain["frames"], parameters=bytes.fromhex(plain["parameters"]), **seams,
            said=tuple(Message(Code[code], **values) for code, values in plain["said"]), lost=LossReport(**lost),
            complete=plain["complete"],
        )  # fmt: skip


def _plain(value: object) -> object:
    """A value of a message or a report."""
    return value if isinstance(value, int | float | type(None)) else str(value)


def merged(reports: Sequence[LossReport]) -> LossReport:
    """The damage of a film, of that of its segments in order."""
    made = LossReport()
    for report in reports:
        for each in fields(LossReport):
            if isinstance(getattr(report, each.name), int):
                setattr(made, each.name, getattr(made, each.name) + getattr(report, each.name))
        for at in report.times:
            made.note(at)
        made.first = report.first if made.first is None else made.first
        made.ended = report.ended
    return made


@dataclass
class _Begins:
    """Between the frames of segments: another one begins."""

    number: int
    said: list[Message] = field(default_factory=list)


@dataclass
class _Ends:
    """A segment is complete."""

    section: Section


@dataclass
class Busy:
    """Seconds that decoding and encoding were at work."""

    decode: float = 0.0
    encode: float = 0.0


class SegmentRunner:
    """Makes segments of one job in this process, one after the other, with one set of workers.

    `begin` gives the file that a segment is written to, by its number. Raises as `enhance` does.
    """

    def __init__(self, job: Job, workers: Workers, *, stop_signal: Callable[[], int | None] = lambda: None):
        self._job = job
        self._workers = workers
        self._stop_signal = stop_signal
        self.busy = Busy()

    def run(
        self,
        numbers: Sequence[int],
        begin: Callable[[int], BinaryIO],
        *,
        from_start: frozenset[int] = frozenset(),
        on_frame: Callable[[int, Frame, int], None] = lambda number, frame, size: None,
    ) -> Iterator[tuple[int, Facts]]:
        """Each of these segments, once its file is written; the caller closes that.

        `on_frame` gets the number, each encoded frame and the bytes that its segment has so far; `from_start`: segments
        that are read from the start of the film. After a signal or an error the segment at work comes as far as it got,
        with `Facts.complete` false; then the error is raised, and `Cancelled` after a signal.
        """
        options = self._job.options
        with (
            closing(prefetch(self._decoded(numbers, from_start), options.in_flight, "decode")) as decoded,
            closing(
                self._workers.enhanced(decoded, options.in_flight, self._stopped, self._job.source)
            ) as ready,
        ):  # fmt: skip
            for event in ready:
                assert isinstance(event, _Begins)
                yield from self._one(event, begin(event.number), ready, on_frame)

    def _stopped(self) -> bool:
        return self._stop_signal() is not None

    def _one(
        self,
        begins: _Begins,
        file: BinaryIO,
        events: Iterator[object],
        on_frame: Callable[[int, Frame, int], None],
    ) -> Iterator[tuple[int, Facts]]:
        """Encode one segment."""
        job = self._job
        writer = PacketWriter(file)
        encoder: SegmentEncoder | None = None
        frames = size = 0
        failure: BaseException | None = None
        section: Section | None = None

        def write(packets: Iterable[EncodedPacket]) -> None:
            nonlocal size
            for packet in packets:
                size += writer.add(packet)

        try:
            try:
                for event in events:
                    if self._stopped():
                        raise Cancelled
                    if isinstance(event, _Ends):
                        section = event.section
                        break
                    assert isinstance(event, Frame)
                    began = time.monotonic()
                    if encoder is None:
                        encoder = SegmentEncoder(
                            job.target, job.facts, job.options.encode, job.choice, scale=job.options.picture.scale,
                            tell=begins.said.append,
                        )  # fmt: skip
                        _check(encoder, job)
                    write(encoder.encode(event))
                    self.busy.encode += time.monotonic() - began
                    frames += 1
                    on_frame(begins.number, event, size)
            except (Cancelled, InputError) as error:
                failure = error
            began = time.monotonic()
            if encoder is not None:
                write(encoder.drain())
            facts = Facts(
                frames=frames, parameters=job.parameters, first=section.seams.first if section else None,
                after=section.seams.after if section else None, said=tuple(begins.said),
                lost=section.lost if section else LossReport(), complete=section is not None,
            )  # fmt: skip
            writer.finish(facts.plain())
            self.busy.encode += time.monotonic() - began
        finally:
            if encoder is not None:
                encoder.close()
        yield begins.number, facts
        if failure is not None:
            raise failure

    def _decoded(self, numbers: Sequence[int], from_start: frozenset[int]) -> Iterator[Frame | _Begins | _Ends]:
        """The frames of all segments, between what says where each begins and ends."""
        job = self._job
        for number in numbers:
            begins = _Begins(number)
            yield begins
            begin, end = job.bounds(number)
            began = time.monotonic()
            with Section(
                job.source, job.options.decode, job.facts, begin=begin, end=end, from_start=number in from_start,
                on_message=begins.said.append, stop_signal=self._stop_signal,
            ) as section:  # fmt: skip
                frames = section.frames()
                for frame in frames:
                    self.busy.decode += time.monotonic() - began
                    yield frame
                    began = time.monotonic()
                section.lost.times.sort()
                yield _Ends(section)


def _check(encoder: SegmentEncoder, job: Job) -> None:
    """Raise `OutputError` where an encoder does not write what the container says of the whole film."""
    if encoder.parameters != job.parameters:
        raise OutputError(
            f"{job.target}: {job.encoder.name} gave one segment other parameter sets than the film "
            f"({encoder.parameters.hex()[:64]}, expected {job.parameters.hex()[:64]}); its segments cannot be joined: "
            "use another encoder (-c:v), or no --segment and --resume"
        )

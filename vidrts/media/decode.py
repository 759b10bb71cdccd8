"""Reading a file: frames of the enhanced stream in presentation order, beside the packets of all other streams.

Times are integers of the stream's time base up to the edge; a time in seconds is a `Fraction`.

    with Source("in.mp4") as source:
        frames = [event for event in source.events() if isinstance(event, Frame)]
"""

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from vidrts.errors import InputError, Interrupted, SourceBrokenError, UnsupportedFormatError
from vidrts.frame import Frame, StreamInfo
from vidrts.media.containers import (
    PIPE_ADVICE,
    AnyPacket,
    Decoded,
    FFmpegErrors,
    Place,
    choose_video,
    open_source,
    place,
    reason,
    time_base,
)
from vidrts.media.continuity import Continuity
from vidrts.media.decodeoptions import DecodeOptions
from vidrts.media.framedecoder import FrameDecoder
from vidrts.media.hwaccel import decoder_threads, hardware, in_software
from vidrts.media.interlace import FieldProbe, progressive
from vidrts.media.loss import LossReport
from vidrts.media.pipe import StandardInput
from vidrts.media.pixelformats import known
from vidrts.media.planes import plane_views
from vidrts.media.shown import subtitles_before
from vidrts.media.streaminfo import stream_info
from vidrts.media.tags import color_tags, corrected, display_matrix, hdr_metadata, rotation
from vidrts.media.trim import LEAD_IN, Cut, packet_time


@dataclass(frozen=True)
class CopiedPacket:
    """A packet of another stream, in the order of the file. Produced by `Source`, consumed by `Target` only."""

    index: int
    """Of its stream in the source."""
    packet: AnyPacket
    early: bool = False
    """It lies a little before the part that is kept: a decoder of sound wants it to get into step."""


class Source:
    """An open video file, the URL of one, or stdin. Passive; one thread. Leaving the `with` closes it.

    Raises `InputError` in one line when opened on what is no readable video. The first frame is decoded at once, so
    that `info` is final; `Interrupted` is raised when `stop_signal` returns a signal's number meanwhile. `on_message`
    gets the lines for people as they arise; `messages` keeps them too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | StandardInput,
        options: DecodeOptions | None = None,
        *,
        on_message: Callable[[str], None] | None = None,
        stop_signal: Callable[[], int | None] = lambda: None,
    ):
        self.path: Place = place(path)
        self.options = options or DecodeOptions()
        self.messages: list[str] = []
        self.wanted: frozenset[int] | None = None
        """Indices of the other streams whose packets are given; None: all. Set by `Target`."""
        self._on_message = on_message
        self._stop_signal = stop_signal
        self._first: Frame | None = None
        self._scanned: Fraction | None = None
        self._events: Iterator[Frame | CopiedPacket] = iter(())
        self._stages: Iterator[Frame | CopiedPacket] = iter(())
        self._given = 0
        self.covers: dict[int, bytes] = {}
        """Cover art by stream index, as far as it came before the first frame."""
        self._hardware = hardware(self.options.hwaccel)
        try:
            self.container = self._container()
        except InputError:
            self._check_stopped()
            raise
        try:
            self.video: VideoStream = choose_video(self.path, self.container, self.options.stream)
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:  # fmt: skip
        self.close()

    def events(self) -> Iterator[Frame | CopiedPacket]:
        """Frames in presentation order and the other streams' packets, each once. Call it once.

        Raises `InputError` where the picture changes its size or format, and with `strict` on damage;
        `SourceBrokenError`, after the last whole frame, where stdin ends within one.
        """
        return self._wanted_only()

    def close(self) -> None:
        """Close the file; safe to call twice. Another thread must have closed `events()` first."""
        if isinstance(self._stages, Generator):
            self._stages.close()
        self.container.close()

    def abandon(self) -> None:
        """Nothing more is wanted: whoever waits for stdin in `events` comes to its end. From any thread."""
        if isinstance(self.path, StandardInput):
            self.path.abandon()

    @property
    def piped(self) -> str | None:
        """What comes through stdin: "y4m", "raw" or FFmpeg's name of the demuxer (its first); None for a file."""
        return self.container.format.name.split(",")[0] if isinstance(self.path, StandardInput) else None

    @property
    def mixed_fields(self) -> bool:
        """Whether the stream says that each frame has a field order of its own, and they are kept."""
        return False

    @property
    def lost(self) -> LossReport:
        """What could not be read so far."""
        return self._decoder.lost

    @property
    def shift(self) -> Fraction:
        """Seconds taken off every time of the file, so that a trimmed output starts at 0; 0 without `start`."""
        return self._cut.shift

    @property
    def cut(self) -> Cut:
        """What is kept of the file's time."""
        return self._cut

    # Opening ------------------------------------------------------------------------------------------------------

    def _container(self) -> InputContainer:
        """The open file."""
        return open_source(self.path, at_once=self.options.low_latency, hardware=self._hardware)

    def _open(self) -> None:
        """Decode up to the first frame that is kept; `info` is made from it."""
        origin = Fraction(self.container.start_time or 0, 1_000_000)
        start, end = self.options.start, self.options.end
        begin = None if start is None else origin + start
        self._cut = Cut(begin=begin, end=None if end is None else origin + end, decoded=self.video.index)
        decoded = self._sought(begin) if begin is not None and start else self._restarted()
        base = self._base
        whole = progressive(decoded, self.path, base, self.options.interlaced, self._tell)
        self._stages = self._framed(self._cut.apply(whole, base))
        held: list[Frame | CopiedPacket] = []
        for event in self._stages:
            held.append(event)
            if isinstance(event, Frame):
                self._first = event
                break
            if self.container.streams[event.index].disposition & Disposition.attached_pic:
                self.covers[event.index] = bytes(event.packet)
        if self._first is None:
            self._check_stopped()
            self._check_whole()
            raise InputError(f"{self.path}: {self._nothing()}")
        self.info = self._describe(self._first)
        if self._hardware and in_software(self.info.format.name, self.video.codec_context):
            self._tell(f"{self.info.codec} {self.info.format.name} is not decoded by the GPU: software does it")
        self._events = chain(held, self._stages)

    def _restarted(self) -> Iterator[Decoded]:
        """Decoding from where the file is read now, with fresh counts."""
        threads = decoder_threads(self.options.threads) if self._hardware else self.options.threads
        self._decoder = FrameDecoder(
            self.path, self.video, threads=threads, strict=self.options.strict, begin=self._cut.begin,
            at_once=self.options.low_latency, tell=self._tell,
        )  # fmt: skip
        return self._decoded()

    @property
    def _base(self) -> Fraction:
        """Time base of the frames."""
        return self._decoder.time_base

    def _nothing(self) -> str:
        """Why there is no frame."""
        return self._decoder.nothing()

    def _broken(self) -> str | None:
        """How stdin broke off; None for a good end. Of a file there is nothing more to come: its damage is counted."""
        if self.lost.ended is None or not isinstance(self.path, StandardInput):
            return None
        if self._first is None:
            return f"{self.lost.ended}, before the first frame; {PIPE_ADVICE}"
        return f"{self.lost.ended}, after {self._given} whole frame{'' if self._given == 1 else 's'}"

    def _check_whole(self) -> None:
        """Raise `SourceBrokenError` where the source did not come to its proper end."""
        if (why := self._broken()) is not None:
            raise SourceBrokenError(f"{self.path}: {why}")

    def _sought(self, begin: Fraction) -> Iterator[Decoded]:
        """Decoding from a key frame at or before `begin` (seconds), from further back if that was not found."""
        if isinstance(self.path, StandardInput):
            return self._restarted()
        shown = subtitles_before(self.container, self.video, begin, self._check_stopped)
        if shown is not None:
            self._scanned = begin
        # A little further back where there is sound: see `LEAD_IN`.
        for back in (LEAD_IN if self.container.streams.audio else Fraction(0), Fraction(10)):
            try:
                self.container.seek(int((begin - back) / time_base(self.video.time_base)), stream=self.video)
            except FFmpegErrors:
                break
            decoded = self._restarted()
            held: list[Decoded] = []
            for event in decoded:
                held.append(event)
                if isinstance(event, av.VideoFrame):
                    if event.pts is not None and event.pts * self._decoder.time_base <= begin:
                        return chain(shown or [], held, decoded)
                    break
        self._scanned = None
        self.container.close()
        self.container = self._container()
        self.video = choose_video(self.path, self.container, self.options.stream)
        return self._restarted()

    def _check_stopped(self) -> None:
        """Raise `Interrupted` where the run is to end; once frames come, whoever takes them looks for himself."""
        if self._first is None and (number := self._stop_signal()) is not None:
            raise Interrupted("stopped before the first frame; nothing was written", number)

    def _describe(self, first: Frame) -> StreamInfo:
        """What is known of the stream once its first frame is there; sets what only `Target` needs, too."""
        frame = first.carrier
        assert isinstance(frame, av.VideoFrame)
        self.hdr = hdr_metadata(frame, self.video)
        self.display_matrix = display_matrix(frame, self.video)
        self.captions = any(kind.name == "A53_CC" for kind in frame.side_data)
        return stream_info(
            first, self.video, rotation(self.display_matrix, frame), self.options.start, self.options.end,
            fields=self.options.interlaced == "keep",
        )  # fmt: skip

    # The stages, in order -----------------------------------------------------------------------------------------

    def _packets(self) -> Iterator[AnyPacket]:
        """Packets of all streams; an error of the file's structure ends it like the end of the file."""
        continuity = Continuity(self.container, self._tell)
        try:
            for packet in self._whole_packets():
                self._check_stopped()
                if self._scanned is not None and packet.stream.type == "subtitle":
                    at = packet_time(packet)
                    if at is not None and at < self._scanned:
                        continue  # `subtitles_before` has it
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield continuity.mend(packet)
        except FFmpegErrors as error:
            self._decoder.damaged(self._decoder.last_time, f"the file is damaged or cut off: {reason(error)}")
            self.lost.ended = f"the file is damaged or cut off ({reason(error)})"

    def _whole_packets(self) -> Iterator[AnyPacket]:
        """What the demuxer gives; of a pipe without the packet that its end cut short, and the end judged."""
        if not isinstance(self.path, StandardInput):
            yield from self.container.demux()
            return
        held: AnyPacket | None = None
        for packet in self.container.demux():
            if held is not None:
                yield held
            held = packet if packet.is_corrupt else None
            if held is None:
                yield packet
        if held is not None or self.path.torn:
            self.lost.ended = "the stream broke off within a packet"

    def _decoded(self) -> Iterator[Decoded]:
        """Frames with sound pts, and the packets of other streams."""
        for packet in self._packets():
            if packet.stream_index == self.video.index:
                yield from self._decoder.frames(packet)
            else:
                yield packet
        yield from self._decoder.frames(None)

    def _framed(self, events: Iterator[Decoded]) -> Iterator[Frame | CopiedPacket]:
        """FFmpeg's frames as `Frame`, on the output's clock."""
        base = self._base
        probe = FieldProbe(base)
        told = self.options.color
        offset: int | None = None
        for event in events:
            if isinstance(event, Packet):
                yield CopiedPacket(event.stream_index, event, self._cut.early(event))
                continue
            if offset is None:
                offset = round(self._cut.shift / base)  # exact: the shift is a frame's own time
            event.pts = (event.pts or 0) - offset
            try:
                fmt = known(event.format.name)
            except UnsupportedFormatError as error:
                raise UnsupportedFormatError(f"{self.path}: {error}") from None
            yield Frame(
                planes=plane_views(event, fmt),
                format=fmt,
                color=corrected(color_tags(event, fmt), told),
                pts=event.pts,
                time_base=base,
                field_order=probe.order(event),
                carrier=event,
            )

    def _wanted_only(self) -> Iterator[Frame | CopiedPacket]:
        """Without the packets that nobody takes."""
        for event in self._events:
            if isinstance(event, Frame):
                self._given += 1
                yield event
            elif self.wanted is None or event.index in self.wanted:
                yield event
        self._check_whole()

    def _tell(self, line: str) -> None:
        """A line for people."""
        self.messages.append(line)
        if self._on_message is not None:
            self._on_message(line)

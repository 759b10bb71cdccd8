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
from typing import Literal, Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vidrts.errors import InputError, Interrupted, UnsupportedFormatError
from vidrts.frame import Frame, StreamInfo, pixel_format
from vidrts.media.containers import (
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
from vidrts.media.framedecoder import FrameDecoder
from vidrts.media.interlace import FieldProbe, progressive
from vidrts.media.loss import LossReport
from vidrts.media.planes import plane_views
from vidrts.media.streaminfo import stream_info
from vidrts.media.tags import color_tags, display_matrix, hdr_metadata, rotation
from vidrts.media.trim import LEAD_IN, Cut, packet_time

_LOOK_BACK = 30
"""Seconds before a cut in which subtitles are looked for that are still shown."""


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How a source is read."""

    stream: str | None = None
    """The stream to enhance: ffprobe's index "N" or "v:N"; None: the first default one, cover art never."""
    start: Fraction | None = None
    """Seconds from the file's start (-ss); the first frame is the first that begins there or later."""
    end: Fraction | None = None
    """Seconds on the same clock (-to); frames that begin there or later are left out."""
    interlaced: Literal["auto", "keep", "error"] = "auto"
    """auto: bwdif at frame rate where frames are flagged interlaced; keep: as they are; error: `InputError`."""
    threads: int = 0
    """Decoder threads, 0: FFmpeg chooses."""
    strict: bool = False
    """Damage is an `InputError` instead of being skipped and counted."""


@dataclass(frozen=True)
class CopiedPacket:
    """A packet of another stream, in the order of the file. Produced by `Source`, consumed by `Target` only."""

    index: int
    """Of its stream in the source."""
    packet: AnyPacket
    early: bool = False
    """It lies a little before the part that is kept: a decoder of sound wants it to get into step."""


class Source:
    """An open video file, or the URL of one. Passive; one thread. Leaving the `with` closes it.

    Raises `InputError` in one line when opened on what is no readable video. The first frame is decoded at once, so
    that `info` is final; `Interrupted` is raised when `stop_signal` returns a signal's number meanwhile. `on_message`
    gets the lines for people as they arise; `messages` keeps them too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
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
        self.container: InputContainer = open_source(self.path)
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

        Raises `InputError` where the picture changes its size or format, and with `strict` on damage.
        """
        return self._wanted_only()

    def close(self) -> None:
        """Close the file; safe to call twice. Another thread must have closed `events()` first."""
        if isinstance(self._stages, Generator):
            self._stages.close()
        self.container.close()

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

    def _open(self) -> None:
        """Decode up to the first frame that is kept; `info` is made from it."""
        origin = Fraction(self.container.start_time or 0, 1_000_000)
        start, end = self.options.start, self.options.end
        begin = None if start is None else origin + start
        self._cut = Cut(begin=begin, end=None if end is None else origin + end, decoded=self.video.index)
        decoded = self._sought(begin) if begin is not None and start else self._restarted()
        base = self._decoder.time_base
        whole = progressive(decoded, self.path, base, self.options.interlaced, self._tell)
        self._stages = self._framed(self._cut.apply(whole, base))
        held: list[Frame | CopiedPacket] = []
        for event in self._stages:
            held.append(event)
            if isinstance(event, Frame):
                self._first = event
                break
        if self._first is None:
            raise InputError(f"{self.path}: {self._decoder.nothing()}")
        self.info = self._describe(self._first)
        self._events = chain(held, self._stages)

    def _restarted(self) -> Iterator[Decoded]:
        """Decoding from where the file is read now, with fresh counts."""
        self._decoder = FrameDecoder(
            self.path, self.video, threads=self.options.threads, strict=self.options.strict, begin=self._cut.begin,
            tell=self._tell,
        )  # fmt: skip
        return self._decoded()

    def _sought(self, begin: Fraction) -> Iterator[Decoded]:
        """Decoding from a key frame at or before `begin` (seconds), from further back if that was not found."""
        shown = self._subtitles_before(begin)
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
                        return chain(shown, held, decoded)
                    break
        self._scanned = None
        self.container.close()
        self.container = open_source(self.path)
        self.video = choose_video(self.path, self.container, self.options.stream)
        return self._restarted()

    def _subtitles_before(self, begin: Fraction) -> list[AnyPacket]:
        """Packets of subtitles that may be on screen at `begin` (seconds), although they come before its key frame."""
        if not self.container.streams.subtitles:
            return []
        found = []
        try:
            back = max(begin - _LOOK_BACK, Fraction(self.container.start_time or 0, 1_000_000))
            self.container.seek(int(back / time_base(self.video.time_base)), stream=self.video)
            for packet in self.container.demux():
                self._check_stopped()
                at = packet_time(packet)
                if at is not None and at >= begin and packet.stream_index == self.video.index:
                    break
                if at is not None and at < begin and packet.size and packet.stream.type == "subtitle":
                    found.append(packet)
        except FFmpegErrors:
            return []
        self._scanned = begin
        return found

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
            for packet in self.container.demux():
                self._check_stopped()
                if self._scanned is not None and packet.stream.type == "subtitle":
                    at = packet_time(packet)
                    if at is not None and at < self._scanned:
                        continue  # `_subtitles_before` has it
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield continuity.mend(packet)
        except FFmpegErrors as error:
            self._decoder.damaged(self._decoder.last_time, f"the file is damaged or cut off: {reason(error)}")
            self.lost.ended = f"the file is damaged or cut off ({reason(error)})"

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
        base = self._decoder.time_base
        probe = FieldProbe(base)
        offset: int | None = None
        for event in events:
            if isinstance(event, Packet):
                yield CopiedPacket(event.stream_index, event, self._cut.early(event))
                continue
            if offset is None:
                offset = round(self._cut.shift / base)  # exact: the shift is a frame's own time
            event.pts = (event.pts or 0) - offset
            try:
                fmt = pixel_format(event.format.name)
            except UnsupportedFormatError as error:
                raise UnsupportedFormatError(f"{self.path}: {error}") from None
            yield Frame(
                planes=plane_views(event, fmt),
                format=fmt,
                color=color_tags(event, fmt),
                pts=event.pts,
                time_base=base,
                field_order=probe.order(event),
                carrier=event,
            )

    def _wanted_only(self) -> Iterator[Frame | CopiedPacket]:
        """Without the packets that nobody takes."""
        for event in self._events:
            if isinstance(event, Frame) or self.wanted is None or event.index in self.wanted:
                yield event

    def _tell(self, line: str) -> None:
        """A line for people."""
        self.messages.append(line)
        if self._on_message is not None:
            self._on_message(line)

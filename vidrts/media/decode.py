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
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vidrts.errors import InputError, UnsupportedFormatError
from vidrts.frame import Frame, StreamInfo, pixel_format
from vidrts.media.containers import (
    AnyPacket,
    Decoded,
    FFmpegErrors,
    choose_video,
    fraction,
    open_source,
    reason,
    time_base,
)
from vidrts.media.interlace import Deinterlacer, FieldProbe
from vidrts.media.loss import LossReport, PictureLedger
from vidrts.media.planes import plane_views
from vidrts.media.streaminfo import stream_info
from vidrts.media.tags import color_tags, display_matrix, hdr_metadata, rotation
from vidrts.media.timestamps import FrameClock
from vidrts.media.trim import Cut, packet_time

_HOPELESS = 2000
"""Damaged packets before the first frame after which a source is given up."""


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


class Source:
    """An open video file. Passive; one thread. Leaving the `with` closes it.

    Raises `InputError` in one line when opened on what is no readable video. The first frame is decoded at once, so
    that `info` is final. `on_message` gets the lines for people as they arise; `messages` keeps them too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: DecodeOptions | None = None,
        *,
        on_message: Callable[[str], None] | None = None,
    ):
        self.path = Path(path)
        self.options = options or DecodeOptions()
        self.messages: list[str] = []
        self.lost = LossReport()
        self.wanted: frozenset[int] | None = None
        """Indices of the other streams whose packets are given; None: all. Set by `Target`."""
        self._on_message = on_message
        self._failure = ""
        self._first: Frame | None = None
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
        self._stages = self._framed(self._cut.apply(self._progressive(decoded), self.time_base))
        held: list[Frame | CopiedPacket] = []
        for event in self._stages:
            held.append(event)
            if isinstance(event, Frame):
                self._first = event
                break
        if self._first is None:
            raise InputError(f"{self.path}: {self._nothing()}")
        self.info = self._describe(self._first)
        self._events = chain(held, self._stages)

    def _nothing(self) -> str:
        """Why no frame was found."""
        if self._size is not None:
            length = f"{float(self._last_time):.3f} s" if self._last_time is not None else "its end"
            return f"no frame lies between the given times; the video ends at {length}"
        return f"no frame could be decoded{': ' + self._failure if self._failure else ''}"

    def _restarted(self) -> Iterator[Decoded]:
        """Decoding from where the file is read now, with fresh counts."""
        context = self.video.codec_context
        if not context.is_open:
            context.thread_type = ThreadType.AUTO
            context.thread_count = self.options.threads
            if self.options.strict:
                context.options = {"err_detect": "explode"}  # decoders hide damage otherwise, as well as they can
        self.time_base = time_base(self.video.time_base)
        self.lost = LossReport()
        self._size: tuple[int, int, str] | None = None
        self._last_time: Fraction | None = None
        rate = fraction(self.video.guessed_rate) or fraction(self.video.average_rate)
        self._ledger = PictureLedger(self.video.codec_context.codec.canonical_name)
        self._clock = FrameClock(self.time_base, rate, self._tell)
        return self._decoded()

    def _sought(self, begin: Fraction) -> Iterator[Decoded]:
        """Decoding from a key frame at or before `begin` (seconds), from further back if that was not found."""
        for back in (Fraction(0), Fraction(10)):
            try:
                self.container.seek(int((begin - back) / time_base(self.video.time_base)), stream=self.video)
            except FFmpegErrors:
                break
            decoded = self._restarted()
            held: list[Decoded] = []
            for event in decoded:
                held.append(event)
                if isinstance(event, av.VideoFrame):
                    if event.pts is not None and event.pts * self.time_base <= begin:
                        return chain(held, decoded)
                    break
        self.container.close()
        self.container = open_source(self.path)
        self.video = choose_video(self.path, self.container, self.options.stream)
        return self._restarted()

    def _describe(self, first: Frame) -> StreamInfo:
        """What is known of the stream once its first frame is there; sets what only `Target` needs, too."""
        frame = first.carrier
        assert isinstance(frame, av.VideoFrame)
        self.hdr = hdr_metadata(frame, self.video)
        self.display_matrix = display_matrix(frame, self.video)
        self.captions = any(kind.name == "A53_CC" for kind in frame.side_data)
        return stream_info(
            first, self.video, rotation(self.display_matrix, frame), self.options.start, self.options.end
        )

    # The stages, in order -----------------------------------------------------------------------------------------

    def _packets(self) -> Iterator[AnyPacket]:
        """Packets of all streams; an error of the file's structure ends it like the end of the file."""
        try:
            for packet in self.container.demux():
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield packet
        except FFmpegErrors as error:
            self._damaged(self._last_time, f"the file is damaged or cut off: {reason(error)}")
            self.lost.ended = f"the file is damaged or cut off ({reason(error)})"

    def _decoded(self) -> Iterator[Decoded]:
        """Frames with sound pts, and the packets of other streams."""
        for packet in self._packets():
            if packet.stream_index == self.video.index:
                yield from self._frames(packet)
            else:
                yield packet
        yield from self._frames(None)

    def _frames(self, packet: AnyPacket | None) -> Iterator[av.VideoFrame]:
        """The frames that a packet brings; None drains the decoder."""
        if packet is not None and not packet.is_discard:
            self._ledger.sent(packet.pts)
            if packet.is_corrupt:
                self.lost.marked += 1
                self._damaged(packet_time(packet), "a video packet arrived damaged")
        try:
            frames = self.video.codec_context.decode(packet)
        except FFmpegErrors as error:
            at = self._last_time
            if packet is not None and (ticks := packet.pts if packet.pts is not None else packet.dts) is not None:
                at = ticks * self.time_base
            if packet is not None:
                self._ledger.settled(packet.pts)
            self.lost.packets += 1
            self._failure = reason(error)
            self._damaged(at, f"a video packet cannot be decoded: {self._failure}")
            if self._size is None and self.lost.packets > _HOPELESS:
                raise InputError(f"{self.path}: {self._nothing()}") from error
            return
        for frame in frames:
            self._ledger.settled(frame.pts, interlaced=frame.interlaced_frame)
            frame.pts = self._clock.stamp(frame.pts, frame.dts, frame.duration)
            frame.time_base = self.time_base
            self._last_time = frame.pts * self.time_base
            self._check_size(frame)
            if frame.is_corrupt:
                self.lost.corrupt += 1
                self._damaged(self._last_time, "a frame was decoded with damage")
            yield frame
        for pts in self._ledger.overdue(drained=packet is None):
            if self._cut.begin is None or pts * self.time_base >= self._cut.begin:
                self.lost.missing += 1
                self.lost.note(pts * self.time_base)

    def _check_size(self, frame: av.VideoFrame) -> None:
        """Refuse a picture that is not like the first one."""
        size = (frame.width, frame.height, frame.format.name)
        if self._size is None:
            self._size = size
        elif size != self._size:
            before, now = (f"{w}x{h} {name}" for w, h, name in (self._size, size))
            at = float(self._last_time or 0)
            raise InputError(f"{self.path}: the picture changes from {before} to {now} at {at:.3f} s; "
                             "cut the file there and enhance the parts (-to, -ss)")  # fmt: skip

    def _progressive(self, events: Iterator[Decoded]) -> Iterator[Decoded]:
        """Interlaced frames as the options want them."""
        filtered: Deinterlacer | None = None
        for event in events:
            if isinstance(event, Packet):
                yield event
                continue
            if event.interlaced_frame and filtered is None:
                at = f"frames are interlaced from {float((event.pts or 0) * self.time_base):.3f} s on"
                if self.options.interlaced == "error":
                    raise InputError(f"{self.path}: {at} (--interlaced error); auto or keep would process them")
                if self.options.interlaced == "auto":
                    self._tell(f"{at}: deinterlaced by bwdif at frame rate (--interlaced keep leaves the fields)")
                    filtered = Deinterlacer(self.time_base)
            if filtered is None:
                yield event
            else:
                yield from filtered.push(event)
        if filtered is not None:
            yield from filtered.flush()

    def _framed(self, events: Iterator[Decoded]) -> Iterator[Frame | CopiedPacket]:
        """FFmpeg's frames as `Frame`, on the output's clock."""
        probe = FieldProbe(self.time_base)
        offset: int | None = None
        for event in events:
            if isinstance(event, Packet):
                yield CopiedPacket(event.stream_index, event)
                continue
            if offset is None:
                offset = round(self._cut.shift / self.time_base)  # exact: the shift is a frame's own time
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
                time_base=self.time_base,
                field_order=probe.order(event),
                carrier=event,
            )

    def _wanted_only(self) -> Iterator[Frame | CopiedPacket]:
        """Without the packets that nobody takes."""
        for event in self._events:
            if isinstance(event, Frame) or self.wanted is None or event.index in self.wanted:
                yield event

    def _damaged(self, at: Fraction | None, what: str) -> None:
        """Note damage, or raise it where nothing may be lost."""
        self.lost.note(at)
        if self.options.strict:
            place = f" at {float(at):.3f} s" if at is not None else ""
            raise InputError(f"{self.path}: damaged{place}: {what} (--strict)")

    def _tell(self, line: str) -> None:
        """A line for people."""
        self.messages.append(line)
        if self._on_message is not None:
            self._on_message(line)

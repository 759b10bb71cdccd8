"""Files, URLs and stdin, read by FFmpeg's demuxers and decoders."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.stream import Disposition
from av.video.stream import VideoStream

from vidrts.frame import Frame
from vidrts.media.containers import (
    PIPE_ADVICE,
    AnyPacket,
    Decoded,
    FFmpegErrors,
    Place,
    can_reopen,
    choose_video,
    fraction,
    open_source,
    packet_time,
    reason,
    time_base,
)
from vidrts.media.input import Input, VideoTrack
from vidrts.media.pipes.header import counted
from vidrts.media.pipes.stdio import StandardInput
from vidrts.media.read import picture_streams
from vidrts.media.read.active_subtitles import subtitles_before
from vidrts.media.read.aspect_ratios import AspectRatios
from vidrts.media.read.completeness import Completeness
from vidrts.media.read.damage import LossReport
from vidrts.media.read.discontinuity import Continuity
from vidrts.media.read.encryption import refuse_encrypted
from vidrts.media.read.hwaccel import decoder_threads, hardware, in_software
from vidrts.media.read.joints import Joints
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.stream_info import stream_info
from vidrts.media.read.trim import LEAD_IN, Cut
from vidrts.media.read.video_decoder import VideoDecoder
from vidrts.media.tags import display_matrix, hdr_metadata, rotation, stated_color
from vidrts.messages import Code, Message, Tell


class FFmpegDemuxer:
    """A `Demuxer` of what FFmpeg reads. Raises `InputError` for anything but a readable video."""

    def __init__(self, path: Place, options: DecodeOptions, tell: Tell, check: Callable[[], None]) -> None:
        self._path = path
        self._options = options
        self._tell = tell
        self._check = check
        self._scanned: Fraction | None = None
        self._broken = False
        self._counted: tuple[Fraction | None, Fraction | None] = (None, None)
        self._hardware = hardware(options.hwaccel)
        self._open()

    def _open(self) -> None:
        self.container = open_source(self._path, low_latency=self._options.low_latency, hardware=self._hardware)
        try:
            self.video: VideoStream = choose_video(self._path, self.container, self._options.stream)
            self._stated = stated_color(self.video.codec_context)
            self._aspect_ratios = AspectRatios(self.video)
        except BaseException:
            self.close()
            raise

    @property
    def index(self) -> int:  # noqa: D102 - Demuxer's
        return self.video.index

    @property
    def start_time(self) -> Fraction:  # noqa: D102 - Demuxer's
        return Fraction(self.container.start_time or 0, 1_000_000)

    @property
    def time_base(self) -> Fraction:  # noqa: D102 - Demuxer's
        return self._decoder.time_base

    @property
    def raw(self) -> bool:  # noqa: D102 - Demuxer's
        return self.video.codec_context.codec.canonical_name == "rawvideo"

    @property
    def alone(self) -> bool:  # noqa: D102 - Demuxer's
        return len(self.container.streams) == 1

    @property
    def lost(self) -> LossReport:  # noqa: D102 - Demuxer's
        return self._decoder.lost

    def aspect_ratio(self, pts: int) -> Fraction:  # noqa: D102 - Demuxer's
        return self._aspect_ratios.at(pts)

    def display_matrix(self, frame: av.VideoFrame) -> tuple[int, ...] | None:  # noqa: D102 - Demuxer's
        return display_matrix(frame, self.video)

    def is_cover(self, index: int) -> bool:  # noqa: D102 - Demuxer's
        return bool(self.container.streams[index].disposition & Disposition.attached_pic)

    def no_frames(self) -> str:  # noqa: D102 - Demuxer's
        return self._decoder.no_frames()

    def truncation(self, frames: int) -> str | None:
        """How a pipe or a connection was truncated, with `strict` a file, too; else a file's truncation is damage."""
        ended = self.lost.ended
        if ended is None or not (self._broken or self._options.strict):
            return None
        strict = "" if self._broken else " (--strict)"
        if frames:
            return f"{ended}, after {counted(frames)}{strict}"
        advice = f"; {PIPE_ADVICE}" if isinstance(self._path, StandardInput) else ""
        return f"{ended}, before the first frame{advice}{strict}"

    def describe(self, first: Frame, cut: Cut) -> Input:  # noqa: D102 - Demuxer's
        frame, video, container = first.carrier, self.video, self.container
        assert isinstance(frame, av.VideoFrame)
        matrix = display_matrix(frame, video)
        info = stream_info(
            first, video, rotation(matrix, frame), cut,
            fields=self._options.interlaced == "keep" and self._options.filters is None,
        )  # fmt: skip
        software = self._hardware is None or in_software(info.format.name, video.codec_context)
        if self._hardware and software:
            self._tell(Message(Code.DECODED_IN_SOFTWARE, codec=info.codec, format=info.format.name))
        if picture_streams.untimed(container):
            self._tell(Message(Code.FRAME_RATE_ASSUMED, rate=picture_streams.RATE))
        names = tuple(container.format.name.split(","))
        return Input(
            path=self._path,
            info=info,
            strict=self._options.strict,
            hardware=not software,
            piped=names[0] if isinstance(self._path, StandardInput) else None,
            demuxers=names,
            hdr=hdr_metadata(frame, video),
            display_matrix=matrix,
            captions=any(kind.name == "A53_CC" for kind in frame.side_data),
            side_data={kind.name: bytes(data) for kind, data in frame.side_data.items()},
            start_time=self.start_time,
            begin=cut.begin,
            end=cut.end,
            shift=cut.shift,
            video=VideoTrack(
                index=video.index,
                metadata=dict(video.metadata),
                disposition=video.disposition,
                language=video.language,
                guessed_rate=fraction(video.guessed_rate),
            ),
            others=tuple(stream for stream in container.streams if stream.index != video.index),
            metadata=dict(container.metadata),
            chapters=tuple(container.chapters()),
        )

    def close(self) -> None:  # noqa: D102 - Demuxer's
        self.container.close()

    # Reading ------------------------------------------------------------------------------------------------------

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """From a key frame at or before `begin`, from further back if that was not found; a pipe from its start."""
        if begin is None or not seek or not can_reopen(self._path):
            return self._restarted(begin)
        shown = subtitles_before(self.container, self.video, begin, self._check)
        if shown is not None:
            self._scanned = begin
        # With audio, a little further back: see `LEAD_IN`.
        for back in (LEAD_IN if self.container.streams.audio else Fraction(0), Fraction(10)):
            try:
                self.container.seek(int((begin - back) / time_base(self.video.time_base)), stream=self.video)
            except FFmpegErrors:
                break
            decoded = self._restarted(begin, sought=True)
            held: list[Decoded] = []
            for event in decoded:
                held.append(event)
                if isinstance(event, av.VideoFrame):
                    if event.pts is not None and event.pts * self._decoder.time_base <= begin:
                        return chain(shown or [], held, decoded)
                    break
        self._scanned = None
        self.container.close()
        self._open()
        return self._restarted(begin)

    def _restarted(self, begin: Fraction | None, *, sought: bool = False) -> Iterator[Decoded]:
        """Decode from the current position, with new counts."""
        self._broken = False
        threads = decoder_threads(self._options.threads) if self._hardware else self._options.threads
        self._decoder = VideoDecoder(
            self._path, self.video, stated=self._stated, aspect_ratios=self._aspect_ratios, threads=threads,
            strict=self._options.strict, begin=begin, origin=self.start_time, sought=sought,
            low_latency=self._options.low_latency, counted=self._counted, tell=self._tell,
        )  # fmt: skip
        return self._decoded()

    def _decoded(self) -> Iterator[Decoded]:
        """Frames with sound pts, and the packets of other streams."""
        for packet in self._packets():
            if packet.stream_index == self.video.index:
                refuse_encrypted(self._path, packet)
                yield from self._decoder.frames(packet)
            else:
                yield packet
        yield from self._decoder.frames(None)

    def _packets(self) -> Iterator[AnyPacket]:
        """Packets of all streams; a demuxing error ends them like the end of the file."""
        continuity = self._continuity()
        joints = Joints(self.container)
        whole = Completeness(self._path, self.container)
        failure: BaseException | None = None
        try:
            for packet in self._complete_packets():
                self._check()
                if self._scanned is not None and packet.stream.type == "subtitle":
                    at = packet_time(packet)
                    if at is not None and at < self._scanned:
                        continue  # `subtitles_before` has it
                if packet.size or packet.pts is not None or packet.dts is not None:
                    for checked in joints.push(packet):
                        yield from map(whole.passed, continuity.push(checked))
        except FFmpegErrors as error:
            failure = error
        for checked in joints.flush():
            yield from map(whole.passed, continuity.push(checked))
        yield from map(whole.passed, continuity.flush())
        self._judge(whole, failure)

    def _continuity(self) -> Continuity:
        return Continuity(self.container, self._tell)

    def _judge(self, whole: Completeness, failure: BaseException | None) -> None:
        """Note in `lost` how the source ended, if not properly."""
        piped = isinstance(self._path, StandardInput)
        if whole.index_read:
            self.lost.ended, self._broken = None, False
        elif failure is not None and (lost := whole.connection_lost(failure)) is not None:
            self.lost.ended, self._broken = lost, True
        elif failure is not None and not whole.unknown_length(failure):
            failed = Message(Code.READ_FAILED, time=whole.time, reason=reason(failure))
            self.lost.ended, self._broken = failed, piped
        elif self.lost.ended is None and (early := whole.early_end()) is not None:
            self.lost.ended, self._broken = early, piped or whole.unknown_length(failure)

    def _complete_packets(self) -> Iterator[AnyPacket]:
        """The demuxer's packets; without a truncated last one of a pipe, which is noted in `lost`, or of a URL."""
        packets = picture_streams.packets(self.container, self._path)
        if isinstance(self._path, Path):
            yield from packets
            return
        held: AnyPacket | None = None
        for packet in packets:
            if held is not None:
                yield held
            held = packet if packet.is_corrupt else None
            if held is None:
                yield packet
        if isinstance(self._path, StandardInput) and (held is not None or self._path.truncated):
            self.lost.ended, self._broken = "the stream ends within a packet", True

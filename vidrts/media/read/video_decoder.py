"""Decoding one video stream: frames in presentation order with valid timestamps; damage is counted."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av import VideoCodecContext
from av.codec.context import ThreadType
from av.video.frame import PictureType
from av.video.stream import VideoStream

from vidrts.errors import InputError
from vidrts.frame import ColorTags
from vidrts.media.containers import AnyPacket, FFmpegErrors, Place, av_call, fraction, packet_time, reason, time_base
from vidrts.media.read.aspect_ratios import AspectRatios
from vidrts.media.read.damage import LossReport, PictureLedger
from vidrts.media.read.last_frames import LastFrames
from vidrts.media.read.timestamps import FrameClock
from vidrts.media.read.unpacker import Unpacker
from vidrts.media.tags import complete_color
from vidrts.messages import Tell

_MAX_DAMAGED = 2000
"""Damaged packets without a frame after which decoding is given up."""
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that support the alpha plane in block additions; FFmpeg's own do not."""
_WITHOUT_PTS = ("avi",)
"""Demuxers of containers that store no pts."""


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """The stream's decoder, or one that supports its alpha plane."""
    usual = stream.codec_context
    name = _WITH_ALPHA.get(usual.codec.canonical_name)
    if name is None or stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return usual
    made = av.CodecContext.create(name, "r")
    assert isinstance(made, VideoCodecContext)
    return made


_CONCEALING = {
    "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "h263p", "flv1", "wmv1", "wmv2", "rv10", "rv20",
}  # fmt: skip
"""Codecs whose decoders invent the reference that a first predicted picture lacks."""


class VideoDecoder:
    """FFmpeg's decoder of `stream`, with corrected timestamps and damage counts. Stateful; recreated after each seek.

    `stated`: the container's colour tags, for what the stream does not say itself; `aspect_ratios`: gets every frame;
    `begin`: frames before this many seconds are not counted as lost; `origin`: where the file's clock starts; `sought`:
    reading began somewhere in the file; `threads` 0: automatic; `strict`: damage raises `InputError`; `low_latency`:
    no frame threads; `counted`: seconds (from, to; None: open) whose damage is counted, all if None.
    """

    def __init__(
        self,
        path: Place,
        stream: VideoStream,
        *,
        stated: ColorTags,
        aspect_ratios: AspectRatios,
        threads: int,
        strict: bool,
        begin: Fraction | None,
        origin: Fraction,
        sought: bool = False,
        low_latency: bool = False,
        counted: tuple[Fraction | None, Fraction | None] = (None, None),
        tell: Tell,
    ):
        self._path = path
        self._counted = counted
        self._context = _decoder(stream)
        self._stated = stated
        self._aspect_ratios = aspect_ratios
        aspect_ratios.restart()
        self._strict = strict
        self._begin = begin
        self._origin = origin
        self._sought = sought
        self._first: Fraction | None = None
        self._keyless = self._context.codec.canonical_name in _CONCEALING
        if not self._context.is_open:
            # Frame threads delay a frame each; slice threads do not.
            self._context.thread_type = ThreadType.SLICE if low_latency else ThreadType.AUTO
            self._context.thread_count = threads
            if strict:
                self._context.options = {"err_detect": "explode"}  # decoders conceal damage otherwise
        self.time_base = time_base(stream.time_base)
        self.lost = LossReport()
        self.last_time: Fraction | None = None
        """Seconds of the last frame."""
        self._failure = ""
        self._unpacker = Unpacker()
        self._refused_count = 0
        self._size: tuple[int, int, str] | None = None
        rate = fraction(stream.guessed_rate) or fraction(stream.average_rate)
        self._ledger = PictureLedger(self._context.codec.canonical_name)
        self._last_frames = None if low_latency else LastFrames(self._context)
        self._unplaced = 0
        """Rejected packets that are not known: with frame threads the error of one comes with another's."""
        self._decoded: int | None = None
        """The pts of the decoder's last frame, as the stream has it."""
        self._clock = FrameClock(
            self.time_base, rate, tell, stored=stream.container.format.name not in _WITHOUT_PTS, wait=not low_latency
        )

    def frames(self, packet: AnyPacket | None) -> Iterator[av.VideoFrame]:
        """Decode a packet; None drains the decoder. An empty one repeats: the picture before it is shown on."""
        if packet is not None and not packet.size:
            return
        if packet is not None and not packet.is_discard:
            self._ledger.sent(packet.pts)
            if packet.is_corrupt and self._counts(packet_time(packet)):
                self.lost.marked += 1
                self.damaged(packet_time(packet), "video packet marked as corrupt")
        if packet is not None and self._last_frames:
            self._last_frames.sent(packet)
        failed = False
        try:
            with av_call():
                frames = self._context.decode(packet)
        except FFmpegErrors as error:
            frames, failed = [], True
            if packet is not None:
                self._refused(packet, error)
                return
            self._failure = reason(error)
            if not self._ledger.waits_for_more_than(frames):  # else it is counted there
                self._refused(packet, error)
        if packet is None and self._last_frames and (failed or self._ledger.waits_for_more_than(frames)):
            last = frames[-1].pts if frames else self._decoded
            frames = [*frames, *self._last_frames.after(last)]
        if frames:
            self._decoded = frames[-1].pts
        ratios = self._aspect_ratios.of(frames, self._context)
        for frame, ratio in zip(frames, ratios, strict=True):
            self._ledger.settled(frame.pts, interlaced=frame.interlaced_frame)
            if self._lacks_reference(frame) and self._sought:
                continue
            self._aspect_ratios.kept(ratio)
            yield from map(self._checked, self._clock.timed(frame))
        if packet is None:
            yield from map(self._checked, self._clock.rest())
        for pts in self._ledger.overdue(drained=packet is None):
            self._missed(pts)

    def passed(self, pts: int) -> None:
        """No more is read than a frame of this pts: what did not come before it will not."""
        if self._clock.repaired:  # packets have other times than frames
            return
        for each in self._ledger.passed(pts):
            self._missed(each)

    def _missed(self, pts: int) -> None:
        """Count a packet that gave no picture."""
        at = pts * self.time_base
        if self._first is None or at < self._first:
            self._leading(at, "no picture without a key frame before it")
        elif self._unplaced:
            self._unplaced -= 1
            self.lost.note(at - self._origin)
        elif (self._begin is None or at >= self._begin) and self._counts(at):
            self.lost.missing += 1
            self.damaged(at, "video packet gave no picture")

    def _checked(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame, with its pts, in a planar format where it has another layout; damage is counted, another size
        refused."""
        complete_color(frame, self._stated)
        assert frame.pts is not None
        self._aspect_ratios.stamped(frame.pts)
        self.last_time = frame.pts * self.time_base
        if self._first is None:
            self._first = self.last_time
            self.lost.first = self._first - self._origin if self.lost.leading else None
        self._check_size(frame)
        if frame.is_corrupt and self._counts(self.last_time):
            self.lost.corrupt += 1
            self.damaged(self.last_time, "frame decoded with errors")
        return self._unpacker.unpacked(frame, self.time_base)

    def no_frames(self) -> str:
        """Why there are no frames."""
        return f"no frame could be decoded{': ' + self._failure if self._failure else ''}"

    def _counts(self, at: Fraction | None) -> bool:
        """Whether damage at this time is counted."""
        begin, end = self._counted
        return at is None or not ((begin is not None and at < begin) or (end is not None and at >= end))

    def damaged(self, at: Fraction | None, what: str) -> None:
        """Note damage at a time in seconds; with `strict` raise `InputError`."""
        self.lost.note(None if at is None else at - self._origin)
        self._refuse_damage(at, what)

    def _refuse_damage(self, at: Fraction | None, what: str) -> None:
        """With `strict` raise `InputError`."""
        if self._strict:
            place = f" at {float(at - self._origin):.3f} s" if at is not None else ""
            raise InputError(f"{self._path}: damaged{place}: {what} (--strict)")

    def _leading(self, at: Fraction | None, what: str) -> None:
        """Count a frame before the first one that can be decoded."""
        if (self._begin is None or at is None or at >= self._begin) and self._counts(at):
            self.lost.leading += 1
            if self._first is not None:
                self.lost.first = self._first - self._origin
            if not self._sought:  # else a seek missed, and decoding begins anew from further back
                self._refuse_damage(at, what)

    def _lacks_reference(self, frame: av.VideoFrame) -> bool:
        """Whether a decoder that invents missing references made this frame from one; counted if it is kept."""
        self._keyless = self._keyless and frame.pict_type in (PictureType.P, PictureType.B)
        if self._keyless and not self._sought:
            self.lost.corrupt += 1
            self.damaged(
                None if frame.pts is None else frame.pts * self.time_base, "frame without a key frame before it"
            )
        return self._keyless

    def _refused(self, packet: AnyPacket | None, error: BaseException) -> None:
        """Count a packet that the decoder rejected."""
        at = self.last_time
        placed = packet is None or not self._ledger.counts
        if packet is not None:
            at = at if packet_time(packet) is None else packet_time(packet)
            if self._first is None:
                self._ledger.settled(packet.pts)
        self._failure = reason(error)
        self._refused_count += 1
        if self._first is None:
            self._leading(at, f"video packet cannot be decoded: {self._failure}")
        elif self._counts(at):
            self.lost.packets += 1
            self._unplaced += not placed
            words = f"video packet cannot be decoded: {self._failure}"
            if placed:
                self.damaged(at, words)
            else:  # noted once its picture is missed
                self._refuse_damage(at, words)
        if self._size is None and self._refused_count > _MAX_DAMAGED:
            raise InputError(f"{self._path}: {self.no_frames()}") from error

    def _check_size(self, frame: av.VideoFrame) -> None:
        """Raise `InputError` where size or format change."""
        size = (frame.width, frame.height, frame.format.name)
        if self._size is None:
            self._size = size
        elif size != self._size:
            before, now = (f"{w}x{h} {name}" for w, h, name in (self._size, size))
            at = float((self.last_time or self._origin) - self._origin)
            raise InputError(f"{self._path}: the picture changes from {before} to {now} at {at:.3f} s; "
                             "enhance both parts separately, with -to and -ss")  # fmt: skip

"""y4m and raw video from stdin, by our own readers."""

import io
from collections.abc import Callable, Iterator
from fractions import Fraction

from av import VideoFrame

from vidrts.errors import InputError, SourceBrokenError
from vidrts.frame import ColorTags, Frame, StreamInfo
from vidrts.media.containers import Decoded, Place, named_stream
from vidrts.media.input import Input, VideoTrack
from vidrts.media.pipes import rawvideo, y4m
from vidrts.media.pipes.stdio import StandardInput
from vidrts.media.planes import FieldMarker, carried
from vidrts.media.read.damage import LossReport
from vidrts.media.read.hwaccel import hardware
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.trim import Cut
from vidrts.media.tags import set_color
from vidrts.messages import Code, Message, Tell

_BUFFER = 1 << 16
_RATE = Fraction(25)
"""Frames/s of a stream without a rate; FFmpeg assumes the same."""
_LARGEST = 1_001_000
"""Maximum numerator of a frame rate (FFmpeg's av_parse_video_rate)."""


class RawDemuxer:
    """A `Demuxer` of stdin as y4m, or as raw video where `options.raw` says so."""

    index = 0
    raw = True
    alone = True
    start_time = Fraction(0)

    def __init__(self, path: Place, options: DecodeOptions, tell: Tell, check: Callable[[], None]) -> None:
        assert isinstance(path, StandardInput)
        self._path = path
        self._options = options
        self._check = check
        self._failure: str | None = None
        self._marker = FieldMarker()
        self._tell = tell
        self._hardware = hardware(options.hwaccel)  # raises if requested and not available
        self._reader: y4m.Reader | rawvideo.Reader
        stream = io.BufferedReader(path, _BUFFER)
        if options.raw is None:
            self._reader = y4m.Reader(stream)
        else:
            self._reader = rawvideo.Reader(stream, options.raw)
        header = self._reader.header
        self._rate = header.rate or _RATE
        if header.rate is None:
            tell(Message(Code.FRAME_RATE_ASSUMED, rate=int(_RATE)))
        if not Fraction(1, 1000) <= self._rate <= 100_000:
            raise InputError(f"{path}: expected 0.001 to 100,000 frames/s, got {float(self._rate):g}")
        if options.stream is not None:
            named_stream(path, [self.index], options.stream)
        # Approximated within FFmpeg's own limits for a rate: muxers and encoders reject larger numbers.
        self._rate = self._rate.limit_denominator(int(_LARGEST / max(Fraction(1), self._rate)))
        self.time_base = 1 / self._rate
        self.lost = LossReport()  # nothing is ever skipped here

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """All frames, numbered from 0."""
        header = self._reader.header
        color = ColorTags(range=header.range, siting=header.siting)
        try:
            for number, (planes, order) in enumerate(self._reader.frames()):
                self._check()
                frame = carried(planes, header.format)
                frame.pts, frame.duration, frame.time_base = number, 1, self.time_base
                set_color(frame, color)
                yield frame if order == "progressive" else self._marker.marked(frame, order, self.time_base)
        except SourceBrokenError as error:
            self._failure = str(error)

    def aspect_ratio(self, pts: int) -> Fraction:  # noqa: D102 - Demuxer's
        return self._reader.header.sar

    def display_matrix(self, frame: VideoFrame) -> None:  # noqa: D102 - Demuxer's
        return None

    def is_cover(self, index: int) -> bool:  # noqa: D102 - Demuxer's
        return False

    def no_frames(self) -> str:  # noqa: D102 - Demuxer's
        return "no frames"

    def truncation(self, frames: int) -> str | None:  # noqa: D102 - Demuxer's
        return self._failure

    def describe(self, first: Frame, cut: Cut) -> Input:
        """From the first frame and the header."""
        header = self._reader.header
        if self._hardware:
            self._tell(Message(Code.DECODED_IN_SOFTWARE, codec="rawvideo", format=first.format.name))
        keep = self._options.interlaced == "keep"
        info = StreamInfo(
            width=first.width, height=first.height, format=first.format, color=first.color, time_base=first.time_base,
            frame_rate=header.rate, frames=None, sar=first.sar, rotation=0, field_order=first.field_order,
            codec="rawvideo",
        )  # fmt: skip
        return Input(
            path=self._path,
            info=info,
            piped="y4m" if self._options.raw is None else "raw",
            mixed_fields=keep and header.field_order == "mixed",
            begin=cut.begin,
            end=cut.end,
            shift=cut.shift,
            video=VideoTrack(guessed_rate=self._rate),
        )

    def close(self) -> None:
        """Nothing to do: stdin stays open."""

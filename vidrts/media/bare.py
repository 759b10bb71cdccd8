"""y4m and raw video from stdin as a `Source`: one stream of frames with nothing beside it.

Frames come from our own readers; everything after them (deinterlacing, -ss and -to, tags) is `Source`'s.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import av
import torch
from av.container import InputContainer
from av.filter import Graph

from vidrts.errors import InputError, OptionError, SourceBrokenError
from vidrts.frame import ColorTags, FieldOrder, Frame, PixelFormat, StreamInfo
from vidrts.media import rawvideo, y4m
from vidrts.media.containers import Decoded, time_base
from vidrts.media.decode import Source
from vidrts.media.decodeoptions import DecodeOptions
from vidrts.media.loss import LossReport
from vidrts.media.pipe import STANDARD, StandardInput
from vidrts.media.planes import filter_graph, write_planes
from vidrts.media.tags import set_color

_MAGIC = b"YUV4MPEG2"
_BUFFER = 1 << 16
_RATE = Fraction(25)
"""Frames/s of a stream that does not say them; FFmpeg assumes the same."""


def open_video(
    path: str | os.PathLike[str],
    options: DecodeOptions | None = None,
    *,
    on_message: Callable[[str], None] | None = None,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Source:
    """The `Source` of a file, of a URL, or of "-": stdin, whose first bytes tell y4m from what FFmpeg reads.

    Raises as `Source` does.
    """
    options = options or DecodeOptions()
    if path != STANDARD:
        if options.raw is not None:
            raise OptionError(f"--raw describes what comes through stdin, but IN is {os.fspath(path)}; wanted -")
        return Source(path, options, on_message=on_message, stop_signal=stop_signal)
    stdin = StandardInput(lambda: stop_signal() is not None)
    bare = options.raw is not None or stdin.sniff(len(_MAGIC)) == _MAGIC
    make = BareSource if bare else Source
    return make(stdin, options, on_message=on_message, stop_signal=stop_signal)


class BareSource(Source):
    """Stdin as y4m, or as raw video where `options.raw` says so."""

    path: StandardInput

    @property
    def piped(self) -> str:  # noqa: D102 - Source's
        return "y4m" if self.options.raw is None else "raw"

    @property
    def mixed_fields(self) -> bool:  # noqa: D102 - Source's
        return self.options.interlaced == "keep" and self._reader.header.field_order == "mixed"

    @property
    def lost(self) -> LossReport:  # noqa: D102 - Source's; nothing is ever skipped here
        return LossReport()

    def _container(self) -> InputContainer:
        """A container of FFmpeg's without a frame in it: what `Target` asks of one, it answers."""
        stream = io.BufferedReader(self.path, _BUFFER)
        self._failure: str | None = None
        self._graphs: dict[FieldOrder, Graph] = {}
        self._reader: y4m.Reader | rawvideo.Reader
        if self.options.raw is None:
            self._reader = y4m.Reader(stream)
        else:
            self._reader = rawvideo.Reader(stream, self.options.raw)
        header = self._reader.header
        rate = header.rate or _RATE
        if header.rate is None:
            self._tell(f"the stream does not say its frame rate: {_RATE} frames/s are assumed")
        if not Fraction(1, 1000) <= rate <= 100_000:
            raise InputError(f"{self.path}: {float(rate):g} frames/s, wanted 0.001 to 100,000")
        said = {"video_size": f"{header.width}x{header.height}", "pixel_format": header.format.name,
                "framerate": str(rate)}  # fmt: skip
        return av.open(io.BytesIO(), "r", format="rawvideo", container_options=said)

    def _restarted(self) -> Iterator[Decoded]:
        """The frames, numbered from 0."""
        header = self._reader.header
        color = ColorTags(range=header.range, siting=header.siting)
        try:
            for number, (planes, order) in enumerate(self._reader.frames()):
                self._check_stopped()
                frame = _carried(planes, header.format)
                frame.pts, frame.duration, frame.time_base = number, 1, self._base
                set_color(frame, color)
                yield self._flagged(frame, order)
        except SourceBrokenError as error:
            self._failure = str(error)

    def _sought(self, begin: Fraction) -> Iterator[Decoded]:
        return self._restarted()

    @property
    def _base(self) -> Fraction:
        return time_base(self.video.time_base)

    def _nothing(self) -> str:
        count = self._reader.frames_read
        return f"no frame lies between the given times; there are {count}" if count else "there is no frame in it"

    def _broken(self) -> str | None:
        return self._failure

    def _describe(self, first: Frame) -> StreamInfo:
        """What the frames say, with the header's own words for what no frame can tell."""
        header = self._reader.header
        return replace(super()._describe(first), sar=header.sar, frame_rate=header.rate)

    def _flagged(self, frame: av.VideoFrame, order: FieldOrder) -> av.VideoFrame:
        """`frame` marked as interlaced where it is."""
        if order == "progressive":
            return frame
        if order not in self._graphs:
            self._graphs[order] = filter_graph(frame, f"setfield={order}", self._base)
        graph = self._graphs[order]
        graph.vpush(frame)
        flagged = graph.vpull()
        flagged.pts, flagged.duration, flagged.time_base = frame.pts, frame.duration, self._base
        flagged.chroma_location = frame.chroma_location  # the filter forgets it
        return flagged


def _carried(planes: Sequence[torch.Tensor], fmt: PixelFormat) -> av.VideoFrame:
    """A frame of FFmpeg's with the samples of `planes`: on their memory where it can be, else a copy."""
    height, width = planes[0].shape
    halves = (1 << fmt.log2_w, 1 << fmt.log2_h)
    if fmt.layout == "planar" and not (width % halves[0] or height % halves[1]):
        stored = sorted(zip((plane for plane, _ in fmt.order), planes, strict=True), key=lambda pair: pair[0])
        return av.VideoFrame.from_dlpack(tuple(plane for _, plane in stored), format=fmt.name)
    frame = av.VideoFrame(width, height, fmt.name)
    write_planes(frame, fmt, planes, fmt)
    return frame

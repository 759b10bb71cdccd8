"""Interlaced input: field order, and deinterlacing by bwdif at frame rate."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import av
from av.filter import Graph
from av.packet import Packet

from vidrts.errors import InputError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS, FieldOrder
from vidrts.media.containers import Decoded, Place
from vidrts.media.planes import Untagged, filter_graph
from vidrts.messages import Code, Message, Tell


class FieldProbe:
    """Reads the field order of decoded frames; PyAV only exposes whether a frame is interlaced."""

    def __init__(self, time_base: Fraction):
        self._time_base = time_base
        self._graph: Graph | None = None

    def order(self, frame: av.VideoFrame) -> FieldOrder:
        """The field order by the frame's flags."""
        if not frame.interlaced_frame:
            return "progressive"
        if self._graph is None:
            # The select filter knows AV_FRAME_FLAG_TOP_FIELD_FIRST; the expression is 1 for such frames, 0 for others.
            self._graph = filter_graph(frame, "select=1-abs(interlace_type-TOPFIRST)", self._time_base)
        self._graph.vpush(frame)
        try:
            self._graph.vpull()
        except av.BlockingIOError:
            return "bff"
        return "tff"


class Deinterlacer:
    """bwdif, one frame out for each frame in, with its pts; frames that are not flagged interlaced pass unchanged.

    Delays by one frame: `push` yields the previous frame, `flush` the last. All frames have one size and format. Raises
    `UnsupportedFormatError` for formats that bwdif would convert: deep gray would become RGB.
    """

    def __init__(self, path: Place, time_base: Fraction):
        self._path = path
        self._time_base = time_base
        self._graph: Graph | None = None
        self._format = ""
        self._stamps: list[tuple[int | None, int, Untagged]] = []

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames that are ready once `frame` is there."""
        tags = Untagged.remove_from(frame)  # FFmpeg converts what bwdif does not support, such as nv12
        if self._graph is None:
            self._graph = filter_graph(frame, "bwdif=mode=send_frame:deint=interlaced", self._time_base)
            self._format = frame.format.name
        self._stamps.append((frame.pts, frame.duration, tags))
        self._graph.vpush(frame)
        yield from self._ready()

    def flush(self) -> Iterator[av.VideoFrame]:
        """The last frame."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            before, now = PIXEL_FORMATS.get(self._format), PIXEL_FORMATS.get(frame.format.name)
            if before and now and before.samples != now.samples:
                raise UnsupportedFormatError(
                    f"{self._path}: {self._format} cannot be deinterlaced: bwdif converts it to {now.name}; "
                    "--interlaced keep enhances its fields as they are"
                )
            # The filter counts in half ticks and guesses the last pts; restore both.
            frame.pts, frame.duration, tags = self._stamps.pop(0)
            tags.restore_to(frame)
            frame.time_base = self._time_base
            yield frame


def progressive(
    events: Iterator[Decoded],
    path: Place,
    time_base: Fraction,
    interlaced: Literal["auto", "keep", "error"],
    tell: Tell,
    *,
    begun: bool = False,
) -> Iterator[Decoded]:
    """Handle interlaced frames by `DecodeOptions.interlaced`; raises `InputError` for "error".

    `begun`: earlier frames of the film may have been deinterlaced, and bwdif has seen the one before.
    """
    filtered: Deinterlacer | None = None
    before: av.VideoFrame | None = None
    for event in events:
        if isinstance(event, Packet):
            yield event
            continue
        if event.interlaced_frame and filtered is None:
            time = float((event.pts or 0) * time_base)
            if interlaced == "error":
                raise InputError(
                    f"{path}: interlaced frames from {time:.3f} s (--interlaced error); use --interlaced auto or keep"
                )
            if interlaced == "auto":
                tell(Message(Code.DEINTERLACED, time=time))
                filtered = Deinterlacer(path, time_base)
                if before is not None:
                    yield from filtered.push(before)
                    before = None
        if filtered is not None:
            yield from filtered.push(event)
        elif begun:
            if before is not None:
                yield before
            before = event
        else:
            yield event
    if before is not None:
        yield before
    if filtered is not None:
        yield from filtered.flush()

"""Interlaced frames: which field comes first, and bwdif at frame rate."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph

from vidrts.frame import FieldOrder
from vidrts.media.planes import filter_graph


class FieldProbe:
    """Tells the field order of decoded frames; PyAV itself only says whether a frame is interlaced."""

    def __init__(self, time_base: Fraction):
        self._time_base = time_base
        self._graph: Graph | None = None

    def order(self, frame: av.VideoFrame) -> FieldOrder:
        """The field order that the frame's flags say."""
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

    One frame late: `push` gives the frame before, `flush` the last. `frames` of one size and format only.
    """

    def __init__(self, time_base: Fraction):
        self._time_base = time_base
        self._graph: Graph | None = None
        self._stamps: list[tuple[int | None, int]] = []

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames that are ready once `frame` is there."""
        if self._graph is None:
            self._graph = filter_graph(frame, "bwdif=mode=send_frame:deint=interlaced", self._time_base)
        self._stamps.append((frame.pts, frame.duration))
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
            # The filter counts in half ticks and makes up the last pts; both are known better here.
            frame.pts, frame.duration = self._stamps.pop(0)
            frame.time_base = self._time_base
            yield frame

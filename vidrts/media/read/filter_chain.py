"""-vf: FFmpeg's filters between decoder and network, one frame out for each frame in, with its time."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction

import av
from av.filter import Graph
from av.packet import Packet

from vidrts.errors import InputError, OptionError
from vidrts.frame import PIXEL_FORMATS, ColorTags
from vidrts.media.containers import Decoded, FFmpegErrors, Place, reason
from vidrts.media.ffmpeg_log import heard
from vidrts.media.planes import buffer_arguments
from vidrts.media.read.demuxer import Demuxer
from vidrts.media.read.filter_check import DEINTERLACERS, FIELD_FILTERS, check, said
from vidrts.media.read.filter_links import append, append_chains
from vidrts.media.read.filter_syntax import FilterWords, parse
from vidrts.media.read.trim import Cut
from vidrts.media.read.unpacker import Unpacker
from vidrts.media.read.upright import turning
from vidrts.media.tags import corrected, frame_color, set_color
from vidrts.messages import Code, Message, Tell

_SAR = re.compile(r" sar:(\d+)/(\d+) ")
"""In what showinfo logs of a frame."""
_LARGEST = 1 << 24
"""Numerator and denominator of a sample aspect ratio, at most."""
_MOST_HELD = 256
"""Frames that filters hold back, at most: more are a filter that ended, or that gathers the film in memory."""

type _Log = list[tuple[int, str, str]]


class FilterChain:
    """The filters `text` for the frames of one stream, which have one size and format. Stateful.

    Raises `OptionError` where FFmpeg refuses the filters for this picture, and where they change the number, order or
    times of frames. `threads` of the filters, 0: automatic.
    """

    turned = False
    """Whether the picture is turned as its display matrix says, which no longer holds then."""

    def __init__(self, text: str, path: Place, *, threads: int, tell: Tell):
        self._text = text
        self._chains = check(text)
        self._path = path
        self._threads = threads
        self._tell = tell
        self._graph: Graph | None = None
        self._upright: list[list[FilterWords]] = []
        self._stamps: deque[tuple[int, int]] = deque()
        self._picture: tuple[int, int, str] | None = None
        self._unpacker = Unpacker()
        self._ratios: dict[Fraction, Fraction] = {}

    @property
    def for_fields(self) -> bool:
        """Whether the filters are to get interlaced frames as they are."""
        return any(words.name in FIELD_FILTERS for chain in self._chains for words in chain)

    def filtered(self, events: Iterator[Decoded], demuxer: Demuxer, cut: Cut, color: ColorTags) -> Iterator[Decoded]:
        """`events` with filtered frames; what `color` specifies overrides their tags before."""
        origin = 0
        for event in events:
            if isinstance(event, Packet):
                yield event
                continue
            set_color(event, corrected(frame_color(event), color))
            if self._graph is None:
                self._time_base = demuxer.time_base
                self._begin(event, demuxer.aspect_ratio(event.pts or 0), demuxer.display_matrix(event))
                origin = round((demuxer.start_time if cut.begin is None else cut.shift) / self._time_base)
            yield from self._pushed(event, origin)
        yield from self._pushed(None, origin)
        if self._stamps:
            raise self._changed(f"{len(self._stamps)} frame(s) did not come out at the end")

    def aspect_ratio(self, stored: Fraction) -> Fraction:
        """The sample aspect ratio that a frame of ratio `stored` has after the filters; 0: unknown."""
        if stored not in self._ratios:  # it changes within the film
            frame = av.VideoFrame(self._like[0], self._like[1], self._like[2])
            set_color(frame, self._color)
            frame.pts, frame.time_base = 0, self._time_base
            with self._refusing(av.logging.INFO) as lines:
                graph = self._built(frame, stored)
                graph.vpush(frame)
                graph.vpush(None)
                _pulled(graph)
            self._ratios[stored] = _ratio(lines, stored)
        return self._ratios[stored]

    def _begin(self, first: av.VideoFrame, sar: Fraction, matrix: Sequence[int] | None) -> None:
        """Build the graph for frames like `first`."""
        self._like, self._sar = (first.width, first.height, first.format.name), sar
        self._color = frame_color(first)
        turn, degrees = turning(matrix)
        if turn:
            self.turned = True
            self._upright = parse(f"{turn},sidedata=mode=delete:type=DISPLAYMATRIX")
            self._tell(Message(Code.TURNED_UPRIGHT, degrees=degrees))
        with self._refusing():
            self._graph = self._built(first, sar)

    def _built(self, like: av.VideoFrame, sar: Fraction) -> Graph:
        """A graph for frames like `like`. Raises FFmpeg's errors and `ValueError`."""
        graph = Graph()
        graph.threads = self._threads
        last = graph.add("buffer", buffer_arguments(like, self._time_base, sar)), 0
        # Filters take the ratio of the link or that of each frame, of which PyAV shows neither: here both are the same.
        last = append(graph, last, "setsar", f"sar={sar}:max={_LARGEST}")
        for chains in filter(None, (self._upright, self._chains)):
            last = append_chains(graph, last, chains)
        if sar:
            last = append(graph, last, "setsar", f"sar=sar:max={_LARGEST}")
        last = append(graph, last, "showinfo", "checksum=0")
        append(graph, last, "buffersink")
        graph.configure()
        return graph

    def _pushed(self, frame: av.VideoFrame | None, origin: int) -> Iterator[av.VideoFrame]:
        """The frames that are ready once `frame` is there; None: the last ones."""
        if self._graph is None:
            return
        if frame is not None:
            self._stamps.append((frame.pts or 0, frame.duration))
            frame.pts = (frame.pts or 0) - origin
        with self._refusing(None if self._picture else av.logging.INFO) as lines:
            with suppress(av.EOFError):  # a filter that ends takes no more; its frames will be missed
                self._graph.vpush(frame)
            ready = _pulled(self._graph)
        if frame is not None and not ready and len(self._stamps) > _MOST_HELD:
            raise self._changed(f"got none for the last {_MOST_HELD}")
        if ready and self._picture is None:
            self._first_came(ready[0], lines)
        for made in ready:
            yield self._checked(made, origin)

    def _first_came(self, frame: av.VideoFrame, lines: _Log) -> None:
        """Note what the filters make of the picture."""
        self._picture = frame.width, frame.height, frame.format.name
        self._ratios[self._sar] = _ratio(lines, self._sar)
        before, now = PIXEL_FORMATS.get(self._like[2]), PIXEL_FORMATS.get(frame.format.name)
        if before and now and now.depth < before.depth:
            self._tell(Message(Code.FILTERS_LOWER_DEPTH, before=before.name, now=now.name))

    def _checked(self, frame: av.VideoFrame, origin: int) -> av.VideoFrame:
        """The next frame, with the time of the one that it is made of."""
        if not self._stamps:
            raise self._changed("more frames come out than go in")
        pts, duration = self._stamps.popleft()
        expected = (pts - origin) * self._time_base
        base = Fraction(frame.time_base.numerator, frame.time_base.denominator)
        time = None if frame.pts is None else frame.pts * base
        if time is None or abs(time - expected) > base / 2:
            got = "no time" if time is None else f"{float(time):.3f} s"
            raise self._changed(f"got {got} for the frame at {float(expected):.3f} s")
        picture = frame.width, frame.height, frame.format.name
        if picture != self._picture:
            before, now = (f"{w}x{h} {name}" for w, h, name in (self._picture or picture, picture))
            raise InputError(
                f"{self._path}: -vf {self._text} changes the picture from {before} to {now} at "
                f"{float(expected):.3f} s; expected one size and format"
            )
        frame.pts, frame.duration, frame.time_base = pts, duration, self._time_base
        return self._unpacker.unpacked(frame, self._time_base)

    def _changed(self, what: str) -> OptionError:
        """The error where times or number of frames change."""
        names = {words.name for chain in self._chains for words in chain}
        fields = "; a deinterlacer needs mode=send_frame (bwdif, yadif) or mode=frame (estdif, w3fdif)"
        return OptionError(
            f"-vf {self._text}: expected one frame with the same time for each frame, {what}"
            f"{fields if names & DEINTERLACERS else ''}"
        )

    @contextmanager
    def _refusing(self, level: int | None = av.logging.ERROR) -> Iterator[_Log]:
        """Inside, what FFmpeg refuses becomes an `OptionError` with its reason; gives what it logs, None: nothing."""
        failure: Exception | None = None
        nothing: _Log = []
        with heard(level) if level is not None else nullcontext(nothing) as lines:
            try:
                yield lines
            except (*FFmpegErrors, ValueError) as error:
                failure = error
        if failure is not None:
            raise OptionError(f"{self._path}: -vf {self._text}: {said(lines, reason(failure))}") from failure


def _pulled(graph: Graph) -> list[av.VideoFrame]:
    """The frames that are ready."""
    found = []
    while True:
        try:
            found.append(graph.vpull())
        except (av.BlockingIOError, av.EOFError):
            return found


def _ratio(lines: _Log, default: Fraction) -> Fraction:
    """The sample aspect ratio of the first frame, by what showinfo logged."""
    for _, who, text in lines:
        if who == "showinfo" and (match := _SAR.search(text)):
            return Fraction(int(match[1]), int(match[2])) if int(match[2]) else Fraction(0)
    return default

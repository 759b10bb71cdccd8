"""A part of a film that begins and ends within it, decoded exactly as the whole film has it there.

    with Section("in.mkv", options, whole, begin=Fraction(10), end=Fraction(20)) as section:
        frames = list(section.frames())

Joined, the frames of adjacent sections are those of the film, with the same times; `Section.seams` tells whether they
really are: the first frame after a section is the first one of the next.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import av

from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import Frame
from vidrts.media.containers import Decoded, FFmpegErrors, Place, time_base
from vidrts.media.input import Input
from vidrts.media.pixel_formats import known
from vidrts.media.planes import plane_views
from vidrts.media.read.deinterlace import progressive
from vidrts.media.read.discontinuity import Continuity, Unbroken
from vidrts.media.read.ffmpeg_demuxer import FFmpegDemuxer
from vidrts.media.read.filter_syntax import parse
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.read.trim import Cut
from vidrts.messages import Message, Tell, ignore

_TOLERANCE = Fraction(1, 1_000_000)
"""Of `Cut`: seconds by which a frame may lie before the time at which it is to begin."""
_CONTEXT = Fraction(1, 1000)
"""Seconds before the first frame of a section at which the frame before it is on screen."""
_BACK = (0, 1, 4, 10, 30)
"""Seconds before the wanted place from which decoding is tried: not every container knows its key frames."""
_SINGLE = frozenset(
    "boxblur cas chromashift colorbalance colorchannelmixer colorlevels colorspace colortemperature crop curves "
    "deblock delogo exposure fillborders format gblur hflip huesaturation limiter lut lut3d lutrgb lutyuv "
    "median negate nlmeans null pad scale selectivecolor setdar setparams setsar shuffleplanes smartblur "
    "tonemap transpose unsharp vflip vibrance zscale".split()
)
"""Filters of -vf that see one frame at a time, and nothing of its number."""

type Seam = tuple[int, str]
"""A frame at the end of a section: its time in ticks of the stream, SHA-256 of its planes."""


@dataclass
class Seams:
    """The frames at both ends of a section; None: there is no such frame, or it was not reached."""

    first: Seam | None = None
    """The first of its own."""
    after: Seam | None = None
    """The first behind it."""


def check_filters(text: str | None) -> None:
    """Raise `OptionError` for -vf with filters that look at more than one frame: a section does not have those."""
    for words in (words for chain_ in parse(text) for words in chain_) if text else ():
        if words.name not in _SINGLE:
            raise OptionError(
                f"-vf {words.name}: may look at other frames, which segments do not have; expected "
                f"{', '.join(sorted(_SINGLE))}, or no segments"
            )


class _Held:
    """Messages of an attempt, which are passed on once it is accepted. A `Tell`."""

    def __init__(self, tell: Tell):
        self._tell = tell
        self._lines: list[Message] | None = []

    def __call__(self, line: Message) -> None:
        """Pass a message on, or hold it."""
        if self._lines is None:
            self._tell(line)
        else:
            self._lines.append(line)

    def accept(self) -> None:
        """Pass on what is held, and all that follows."""
        lines, self._lines = self._lines or [], None
        for line in lines:
            self._tell(line)


class _SectionDemuxer(FFmpegDemuxer):
    """Reads one stream alone, from a key frame before its section; see `frames`."""

    def reads(self, begin: Fraction | None, end: Fraction | None, *, from_start: bool) -> None:
        """Count the damage between these times alone; `from_start`: never seek."""
        self._counted = begin, end
        self._from_start = from_start
        self._told = self._tell

    def passed(self, pts: int) -> None:
        """No more is read than a frame of this pts."""
        self._decoder.passed(pts)

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """From a key frame at or before `begin`; where the first frame is to be deinterlaced, with one before it."""
        if begin is None or not seek:
            return self._restarted(begin)
        for back in () if self._from_start else _BACK:
            for context in (Fraction(0), _CONTEXT):
                if (decoded := self._sought(begin, begin - back - context)) is None:
                    break
                held: list[Decoded] = []
                for event in decoded:
                    held.append(event)
                    if isinstance(event, av.VideoFrame):
                        break
                else:
                    continue
                first = held[-1]
                assert isinstance(first, av.VideoFrame)
                time = (first.pts or 0) * self._decoder.time_base
                alone = first.interlaced_frame and time >= begin - _TOLERANCE
                if time <= begin and not alone:
                    self._heard.accept()
                    return chain(held, decoded)
        self._tell = self._told
        self.container.close()
        self._open()
        return self._restarted(begin)

    def _sought(self, begin: Fraction, place: Fraction) -> Iterator[Decoded] | None:
        """Frames from a key frame before `place`; None where the container cannot be read from there."""
        self._tell = self._heard = _Held(self._told)
        with suppress(*FFmpegErrors):
            self.container.seek(int(place // time_base(self.video.time_base)), stream=self.video)
            return self._restarted(begin, sought=True)
        return None

    def _continuity(self) -> Continuity:
        return Unbroken(self.container, self._tell)  # `key_frames` has refused the others

    def _decoded(self) -> Iterator[Decoded]:
        """Frames alone."""
        return (event for event in super()._decoded() if isinstance(event, av.VideoFrame))


class Section(Source):
    """The frames of `whole`, an opened film, from `begin` to `end`, seconds of the file's clock; None: its own ends.

    As `Source`; times and pts are those of the whole film. May hold no frame at all. `from_start`: decode all before
    it, too, in the order of the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: DecodeOptions,
        whole: Input,
        *,
        begin: Fraction | None,
        end: Fraction | None,
        from_start: bool = False,
        on_message: Tell = ignore,
        stop_signal: Callable[[], int | None] = lambda: None,
    ):
        self._whole = whole
        self._begin, self._end = begin, end
        self.seams = Seams()

        def opened(place: Place, options: DecodeOptions, tell: Tell, check: Callable[[], None]) -> _SectionDemuxer:
            demuxer = _SectionDemuxer(place, options, tell, check)
            demuxer.reads(begin, end, from_start=from_start)
            self._reader = demuxer
            return demuxer

        super().__init__(path, options, on_message=on_message, stop_signal=stop_signal, demuxer=opened)

    def frames(self) -> Iterator[Frame]:
        """The frames. Call it once; raises as `Source.events`."""
        return (event for event in self.events(()) if isinstance(event, Frame))

    def _open(self) -> None:
        whole = self._whole
        self.input = whole
        self._reference = whole.info
        self._cut = Cut(
            begin=whole.begin, end=whole.end, decoded=self.demuxer.index, alone=True, shift=whole.shift
        )  # fmt: skip
        begin = whole.begin if self._begin is None else self._begin
        self._stages = self._framed(self._prepared(self.demuxer.frames(begin, seek=begin is not None)))
        self._events = chain([], self._stages)

    def _check_stopped(self) -> None:
        """The consumer checks."""

    def _prepared(self, decoded: Iterator[Decoded]) -> Iterator[Decoded]:
        """The frames of the section alone, deinterlaced and filtered."""
        base, options = self.demuxer.time_base, self.options
        whole = progressive(
            decoded, self.path, base, options.interlaced, self._tell, begun=self._begin is not None
        )  # fmt: skip
        kept = self._kept(whole, base)
        if self._filters is None:
            return kept
        return self._filters.filtered(kept, self.demuxer, self._cut, options.color)

    def _kept(self, events: Iterator[Decoded], base: Fraction) -> Iterator[Decoded]:
        """The frames from begin to end, as `Cut` has them; the ends of the film cut durations, those within do not."""
        begins = [time for time in (self._begin, self._whole.begin) if time is not None]
        ends = [time for time in (self._end, self._whole.end) if time is not None]
        begin, end = max(begins, default=None), min(ends, default=None)
        for event in events:
            assert isinstance(event, av.VideoFrame)
            time = (event.pts or 0) * base
            if begin is not None and time < begin - _TOLERANCE:
                continue
            if end is not None and time >= end - _TOLERANCE:
                self.seams.after = _seam(event)
                self._reader.passed(event.pts or 0)
                return
            if self.seams.first is None:
                self.seams.first = _seam(event)
            if self._whole.end is not None:
                event.duration = min(event.duration, round((self._whole.end - time) / base))
            yield event


def _seam(frame: av.VideoFrame) -> Seam:
    digest = hashlib.sha256()
    with suppress(UnsupportedFormatError):  # what reads the frame says so
        for plane in plane_views(frame, known(frame.format.name)):
            digest.update(memoryview(plane.contiguous().numpy()).cast("B"))
    return frame.pts or 0, digest.hexdigest()

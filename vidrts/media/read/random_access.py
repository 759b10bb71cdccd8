"""Random access to the frames of a video by time; decodes ahead to near frames and seeks to others."""

import os
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av.format import Flags

from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.media.containers import choose_video, open_source, packet_time, seconds, time_base
from vidrts.media.read.ffmpeg_demuxer import FFmpegDemuxer
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.messages import Once, Tell, ignore

_SLACK = Fraction(1, 2000)
"""Tolerance in seconds: times are typed in milliseconds, and containers round to them."""

_LEADS = (Fraction(1), Fraction(10))
"""Seconds before the requested time that decoding starts at after a seek: the frame on screen may start earlier."""

_NEAR = Fraction(1)
"""Seconds that are always decoded rather than skipped: a seek reopens the file."""

_KEY_DISTANCE = Fraction(8)
"""Assumed seconds between key frames without an index; encoders use 2 to 10."""


class Cursor:
    """An open video with random access to frames. Passive; one thread; leaving the `with` closes it.

    Times, and the pts of returned frames, count from the video's first frame. `info` is the stream's `StreamInfo`;
    `length` its duration in seconds as stored in the container, or None (see `measured_length`). `keep`: number of
    latest frames that stay in memory. Raises `InputError` as `Source` does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        stream: str | None = None,
        on_message: Tell = ignore,
        keep: int = 2,
    ):
        self.path = Path(path)
        self._stream = stream
        self._tell = Once(lambda line: on_message(line.about(self.path)))
        self._held: deque[Frame] = deque(maxlen=max(2, keep))
        self._source: Source
        self._first: Fraction | None = None
        """Time of the first frame on the file's own clock."""
        self._open(None)
        container = self._file.container
        self._origin = self._file.start_time
        self._timed = not Flags.no_timestamps & Flags(container.format.flags)
        self.info = self._source.info
        self.length = self._container_length()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._source.close()

    def shown(self, time: Fraction) -> Frame | None:
        """The frame on screen at `time`; None past the video's end."""
        return self._begun(time) if self._reach(time) else None

    def nearest(self, time: Fraction) -> Frame | None:
        """The frame that begins nearest to `time`; None past the video's end."""
        if not self._reach(time):
            return None
        return min(self._held, key=lambda frame: abs(self.time(frame) - time))

    def window(self, time: Fraction, count: int) -> tuple[Frame, ...]:
        """`count` consecutive frames from `shown(time)` on; the last `count` where the video ends before; () past it.

        Fewer where the video, or the ten seconds before its end, have fewer. `keep` must be at least twice `count`.
        """
        frames = self._window(time, count)
        if frames and len(frames) < count and frames[0].pts > 0:
            frames = self._window(time, count, _LEADS[-1:])
        return frames

    def after(self, frame: Frame) -> Frame | None:
        """The frame that follows `frame`, one of the latest; None at the end."""
        if frame is self._held[-1] and not self._advance():
            return None
        return self._held[self._held.index(frame) + 1]

    @staticmethod
    def time(frame: Frame) -> Fraction:
        """Seconds from the first frame to a frame that a cursor gave."""
        return frame.pts * frame.time_base

    def measured_length(self) -> Fraction | None:
        """Duration in seconds, from all packets of the stream, without decoding; None if unknown."""
        last, count = Fraction(0), 0
        with open_source(self.path) as container:
            index = choose_video(self.path, container, self._stream).index
            for packet in container.demux():
                if packet.stream_index != index:
                    continue
                count += packet.size > 0
                at = packet_time(packet)
                if at is not None:
                    last = max(last, at + seconds(packet.duration or 0, packet.time_base))
        if self._timed:
            return last - (self._first or 0)
        return count / self.info.frame_rate if self.info.frame_rate else None

    # Reading ------------------------------------------------------------------------------------------------------

    def _open(self, start: Fraction | None) -> None:
        """Read from the first frame that begins at `start` or later, seconds of the file's clock; None: from the first.

        Raises `InputError` where there is none.
        """
        if self._first is not None:
            self._source.close()
        self._held.clear()
        self._ended = True
        begin = None if start is None else start - self._origin
        self._source = Source(self.path, DecodeOptions(stream=self._stream, start=begin), on_message=self._tell)
        self._frames = (event for event in self._source.events(()) if isinstance(event, Frame))
        self._ended = False
        self._advance()

    @property
    def _file(self) -> FFmpegDemuxer:
        """The demuxer, which is FFmpeg's for files."""
        assert isinstance(self._source.demuxer, FFmpegDemuxer)
        return self._source.demuxer

    def _advance(self) -> bool:
        """Decode one frame more; False at the end."""
        frame = next(self._frames, None)
        if frame is None:
            self._ended = True
            return False
        own = frame.pts + round(self._source.input.shift / frame.time_base)
        if self._first is None:
            self._first = own * frame.time_base
        frame.pts = own - round(self._first / frame.time_base)
        self._held.append(frame)
        return True

    def _window(self, time: Fraction, count: int, leads: Sequence[Fraction] = ()) -> tuple[Frame, ...]:
        """As `window`; with `leads`, after a jump."""
        if not self._reach(time, leads):
            return ()
        first = self._begun(time)
        while len(self._held) - self._held.index(first) < count and self._advance():
            pass
        held = list(self._held)
        start = max(0, min(held.index(first), len(held) - count))
        return tuple(held[start : start + count])

    def _begun(self, time: Fraction) -> Frame:
        """The last of the frames held that begins at `time` or before."""
        return [frame for frame in self._held if self.time(frame) <= time + _SLACK][-1]

    def _reach(self, time: Fraction, leads: Sequence[Fraction] = ()) -> bool:
        """Decode the frames on both sides of `time`; False past the end. With `leads`, always seek."""
        if leads or not self._held or time + _SLACK < self.time(self._held[0]) or self._seek_pays(time):
            self._jump(time, leads or _LEADS)
        while not self._ended and self.time(self._held[-1]) <= time + _SLACK:
            self._advance()
        return bool(self._held) and (not self._ended or time < self._end() - _SLACK)

    def _end(self) -> Fraction:
        """Seconds at which the latest frame ends, if it is the last one."""
        frame = self._held[-1]
        assert isinstance(frame.carrier, av.VideoFrame)
        rate = self.info.frame_rate
        lasts = frame.carrier.duration * frame.time_base or (1 / rate if rate else frame.time_base)
        return self.time(frame) + lasts

    def _seek_pays(self, time: Fraction) -> bool:
        """Whether a seek to `time` is cheaper than decoding."""
        at = self.time(self._held[-1])
        if not self._timed or time - at <= _NEAR:
            return False
        index = self._file.video.index_entries
        ticks = round((time + (self._first or 0)) / time_base(self._file.video.time_base))
        if not len(index) or index[len(index) - 1].timestamp < ticks:  # no index, or one that is read as needed
            return time - at > _KEY_DISTANCE
        place = index.search_timestamp(ticks)
        if place < 0:
            return False
        key = index[place].timestamp * time_base(self._file.video.time_base) - (self._first or 0)
        return key > at + _NEAR

    def _jump(self, time: Fraction, leads: Sequence[Fraction]) -> None:
        """Seek to a little before `time`; hold no frames past the video's end."""
        for lead in leads:
            start = (self._first or 0) + time - lead
            if start <= self._origin or not self._timed:
                break
            try:
                self._open(start)
            except InputError:
                continue  # no frame begins there or later: seek further back
            if self._held and self.time(self._held[0]) <= time + _SLACK:
                return
        self._open(None)

    def _container_length(self) -> Fraction | None:
        """The container's duration. Matroska's may count from 0 or from the first frame: None unless both agree."""
        video, container, first = self._file.video, self._file.container, self._first or Fraction(0)
        if not self._timed or ("matroska" in container.format.name and first > 1):
            return None
        if video.duration:
            base = time_base(video.time_base)
            begin = first if video.start_time is None else video.start_time * base
            return begin + video.duration * base - first
        total = container.duration
        return self._origin + Fraction(total, 1_000_000) - first if total else None

"""Reading a video: frames of one stream in presentation order, and packets of all other streams.

Times are integers of the stream's time base up to the edge; a time in seconds is a `Fraction`.

    with Source("in.mp4") as source:
        frames = [event for event in source.events() if isinstance(event, Frame)]
"""

import os
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Self

import torch
from av.packet import Packet

from vidrts.errors import InputError, Interrupted, SourceBrokenError, UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, PixelFormat, StreamInfo
from vidrts.media.containers import Decoded, Place, place
from vidrts.media.input import CopiedPacket, Input
from vidrts.media.pipes.stdio import StandardInput
from vidrts.media.pixel_formats import known
from vidrts.media.planes import plane_views
from vidrts.media.read.damage import LossReport
from vidrts.media.read.deinterlace import FieldProbe, progressive
from vidrts.media.read.demuxer import Demuxer, OpenDemuxer
from vidrts.media.read.encryption import refuse_encrypted
from vidrts.media.read.ffmpeg_demuxer import FFmpegDemuxer
from vidrts.media.read.filter_chain import FilterChain
from vidrts.media.read.frame_limit import shortened
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.sample_limit import clamped
from vidrts.media.read.trim import Cut
from vidrts.media.tag_changes import color_change, ratio
from vidrts.media.tags import color_tags, corrected
from vidrts.messages import Tell, ignore


class Source:
    """An open video file, the URL of one, or stdin. Passive; one thread. Leaving the `with` closes it.

    Raises `InputError` for anything but a readable video. Decodes the first frame on opening, so that `input` is final;
    raises `Interrupted` if `stop_signal` returns a signal number meanwhile. `on_message` gets messages as they arise.
    """

    input: Input
    """Properties of the source."""

    def __init__(
        self,
        path: str | os.PathLike[str] | StandardInput,
        options: DecodeOptions | None = None,
        *,
        on_message: Tell = ignore,
        stop_signal: Callable[[], int | None] = lambda: None,
        demuxer: OpenDemuxer = FFmpegDemuxer,
    ):
        self.path: Place = place(path)
        self.options = options or DecodeOptions()
        self._tell = on_message
        self._stop_signal = stop_signal
        self._first: Frame | None = None
        self._reference: StreamInfo | None = None
        """What the tags of frames are held against; None: the first frame."""
        self._stages: Iterator[Frame | CopiedPacket] = iter(())
        self._given = 0
        self._filters: FilterChain | None = None
        if self.options.filters is not None:
            threads = self.options.threads
            self._filters = FilterChain(self.options.filters, self.path, threads=threads, tell=self._tell)
        try:
            self.demuxer: Demuxer = demuxer(self.path, self.options, self._tell, self._check_stopped)
        except InputError:
            self._check_stopped()
            raise
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def info(self) -> StreamInfo:
        """Of the stream that comes as frames."""
        return self.input.info

    def events(self, streams: Collection[int] | None = None) -> Iterator[Frame | CopiedPacket]:
        """Frames in presentation order and the packets of other streams, each once. Call it once.

        streams: indices of the other streams to yield; None: all. Raises `InputError` where size or format change, for
        encrypted streams, and with `strict` on damage; `SourceBrokenError`, after the last whole frame, where stdin or
        a connection breaks off, with `strict` also where a file does.
        """
        for event in self._events:
            if isinstance(event, Frame):
                self._given += 1
                yield event
            elif streams is None or event.index in streams:
                refuse_encrypted(self.path, event.packet)
                yield event
        self._check_complete()

    def close(self) -> None:
        """Close the file; safe to call twice. Another thread must have closed `events()` first."""
        if isinstance(self._stages, Generator):
            self._stages.close()
        self.demuxer.close()

    def cancel(self) -> None:
        """Stop waiting for stdin: `events` ends. Thread-safe."""
        if isinstance(self.path, StandardInput):
            self.path.cancel()

    @property
    def lost(self) -> LossReport:
        """Damage so far."""
        return self.demuxer.lost

    def _open(self) -> None:
        """Decode up to the first kept frame, and set `input` from it."""
        origin = self.demuxer.start_time
        start, end = self.options.start, self.options.end
        begin = None if start is None else origin + start
        self._cut = Cut(begin=begin, end=None if end is None else origin + end, decoded=self.demuxer.index,
                        alone=self.demuxer.alone, frames=self.options.frames)  # fmt: skip
        self._stages = self._framed(self._prepared(self.demuxer.frames(begin, seek=bool(start))))
        held: list[Frame | CopiedPacket] = []
        covers: dict[int, bytes] = {}
        for event in self._stages:
            held.append(event)
            if isinstance(event, Frame):
                self._first = event
                break
            if self.demuxer.is_cover(event.index):
                covers[event.index] = bytes(event.packet)
        if self._first is None:
            self._check_stopped()
            self._check_complete()
            raise InputError(f"{self.path}: {self._cut.no_frames(origin) or self.demuxer.no_frames()}")
        self.input = replace(self.demuxer.describe(self._first, self._cut), covers=covers)
        if self.options.frames is not None:
            self.input = shortened(self.input, self._first, self.options.frames)
        if self._filters is not None and self._filters.turned:
            self.input = replace(self.input, display_matrix=None, info=replace(self.input.info, rotation=0))
        self._events = chain(held, self._stages)

    def _prepared(self, decoded: Iterator[Decoded]) -> Iterator[Decoded]:
        """The range that is kept: deinterlaced, filtered, and deinterlaced if the filters are meant for fields."""
        base, filters = self.demuxer.time_base, self._filters

        def deinterlaced(events: Iterator[Decoded]) -> Iterator[Decoded]:
            return progressive(events, self.path, base, self.options.interlaced, self._tell)

        if filters is None:
            return self._cut.apply(deinterlaced(decoded), base)
        cut = self._cut.apply(decoded if filters.for_fields else deinterlaced(decoded), base)
        return deinterlaced(filters.filtered(cut, self.demuxer, self._cut, self.options.color))

    def _check_complete(self) -> None:
        """Raise `SourceBrokenError` if the source was truncated."""
        if (why := self.demuxer.truncation(self._given)) is not None:
            raise SourceBrokenError(f"{self.path}: {why}")

    def _check_stopped(self) -> None:
        """Raise `Interrupted` on a stop signal; after the first frame the consumer checks."""
        if self._first is None and (number := self._stop_signal()) is not None:
            raise Interrupted("stopped before the first frame; nothing was written", number)

    def _framed(self, events: Iterator[Decoded]) -> Iterator[Frame | CopiedPacket]:
        """FFmpeg's frames as `Frame`, shifted to the output's clock."""
        base = self.demuxer.time_base
        probe = FieldProbe(base)
        known_color = self.options.color if self._filters is None else ColorTags()  # the filters have it
        offset: int | None = None
        first: Frame | StreamInfo | None = self._reference
        for event in events:
            if isinstance(event, Packet):
                yield CopiedPacket(event.stream_index, event, self._cut.early(event))
                continue
            if offset is None:
                offset = round(self._cut.shift / base)  # exact: the shift is a frame's own time
            sar = self.demuxer.aspect_ratio(event.pts or 0)
            if self._filters is not None:
                sar = self._filters.aspect_ratio(sar)
            event.pts = (event.pts or 0) - offset
            try:
                fmt = known(event.format.name)
            except UnsupportedFormatError as error:
                raise UnsupportedFormatError(f"{self.path}: {error}") from None
            frame = Frame(
                planes=self._limited(plane_views(event, fmt), fmt, event.pts * base),
                format=fmt,
                color=corrected(color_tags(event, fmt), known_color),
                pts=event.pts,
                time_base=base,
                field_order=probe.order(event),
                sar=sar,
                carrier=event,
            )
            first = first or frame
            if self.options.strict:
                self._check_tags(first, frame)
            yield frame

    def _limited(self, planes: tuple[torch.Tensor, ...], fmt: PixelFormat, time: Fraction) -> tuple[torch.Tensor, ...]:
        """The planes without samples above the highest value, which are counted; `time`: of the output's clock."""
        if not self.demuxer.raw:
            return planes
        planes, count = clamped(planes, fmt)
        if count:
            at = time + self._cut.shift - self.demuxer.start_time
            if self.options.strict:
                what = f"{count} sample(s) above {fmt.most}, the highest value of {fmt.name}"
                raise InputError(f"{self.path}: damaged at {float(at):.3f} s: {what} (--strict)")
            self.lost.above += count
            self.lost.note(at)
        return planes

    def _check_tags(self, first: Frame | StreamInfo, frame: Frame) -> None:
        """Raise `InputError` where the tags of a frame contradict those of the first."""
        changes = [color_change(first.color, frame.color, frame.format)] if frame.color != first.color else []
        if frame.sar not in (0, first.sar):
            changes.append(f"sample aspect ratio {ratio(first.sar)} to {ratio(frame.sar)}")
        if told := ", ".join(filter(None, changes)):
            at = float(frame.pts * frame.time_base + self._cut.shift - self.demuxer.start_time)
            advice = "enhance both parts separately, with -to and -ss"
            raise InputError(f"{self.path}: tags change at {at:.3f} s (--strict): {told}; {advice}")

"""The other streams of a film whose frames are known: read once more without decoding."""

import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import av
from av.packet import Packet

from vidrts.media.containers import AnyPacket, Decoded, Place, time_base
from vidrts.media.input import CopiedPacket, Input
from vidrts.media.read.damage import LossReport
from vidrts.media.read.encryption import refuse_encrypted
from vidrts.media.read.ffmpeg_demuxer import FFmpegDemuxer
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.read.trim import Cut
from vidrts.messages import Tell, ignore


class _KnownFrames:
    """Stands for a `VideoDecoder`: frames without a picture, each once the packets before it were read.

    `times`: pts of the frames that are kept, rising; `end`: of one behind them, None without.
    """

    def __init__(self, base: Fraction, times: Sequence[int], end: int | None):
        self.time_base = base
        self.lost = LossReport()
        self._times = times
        self._given = 0
        self._end = end
        self._begun = False
        self._frame = av.VideoFrame(16, 16, "gray")

    def frames(self, packet: AnyPacket | None) -> Iterator[av.VideoFrame]:
        """The frames up to a packet; None: all that are left."""
        at = None if packet is None else packet.pts if packet.dts is None else packet.dts
        if packet is not None and not self._begun:
            if not packet.is_keyframe:
                return
            self._begun = True
            if packet.pts is not None and (not self._times or packet.pts < self._times[0]):
                yield self._at(packet.pts)
        while self._given < len(self._times):
            if packet is not None and (at is None or self._times[self._given] > at):
                break
            self._given += 1
            yield self._at(self._times[self._given - 1])
        if self._end is not None and at is not None and at >= self._end:
            yield self._at(self._end)
            self._end = None

    def no_frames(self) -> str:
        """Of a film that has frames."""
        return "no frame"

    def _at(self, pts: int) -> av.VideoFrame:
        self._frame.pts, self._frame.duration = pts, 1
        return self._frame


class _Demuxer(FFmpegDemuxer):
    """Decodes nothing."""

    def knows(self, times: Sequence[int], end: int | None) -> None:
        """The pts of the frames, in ticks of the file."""
        self._times, self._end = times, end

    def _restarted(self, begin: Fraction | None, *, sought: bool = False) -> Iterator[Decoded]:
        self._broken = False
        self._decoder = _KnownFrames(time_base(self.video.time_base), self._times, self._end)  # type: ignore[assignment]
        return self._decoded()


class OtherStreams(Source):
    """The packets of the other streams of `whole`, an opened film, as `Source.events` gives them.

    `times`: pts of the film's frames as its output has them, rising.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: DecodeOptions,
        whole: Input,
        times: Sequence[int],
        *,
        on_message: Tell = ignore,
        stop_signal: Callable[[], int | None] = lambda: None,
    ):
        self._whole = whole
        base = whole.info.time_base
        moved = round(whole.shift / base)
        end = None if whole.end is None else -int(-whole.end // base)

        def opened(place: Place, options: DecodeOptions, tell: Tell, check: Callable[[], None]) -> _Demuxer:
            demuxer = _Demuxer(place, options, tell, check)
            demuxer.knows([pts + moved for pts in times], end)
            return demuxer

        super().__init__(path, options, on_message=on_message, stop_signal=stop_signal, demuxer=opened)

    def packets(self, streams: set[int]) -> Iterator[CopiedPacket | Fraction]:
        """Packets of these streams, by ffprobe's index; between them the times of frames, seconds of the output."""
        for event in self._others:
            if isinstance(event, Fraction):
                yield event
            elif event.index in streams:
                refuse_encrypted(self.path, event.packet)
                yield event

    def _open(self) -> None:
        whole = self._whole
        self.input = whole
        self._cut = Cut(begin=whole.begin, end=whole.end, decoded=self.demuxer.index, alone=self.demuxer.alone)
        begin = None if self.options.start is None else whole.begin
        read = self.demuxer.frames(begin, seek=bool(self.options.start))
        self._others = self._named(self._cut.apply(read, self.demuxer.time_base))

    def _check_stopped(self) -> None:
        """The consumer checks."""

    def _named(self, events: Iterator[Decoded]) -> Iterator[CopiedPacket | Fraction]:
        base = self.demuxer.time_base
        for event in events:
            if isinstance(event, Packet):
                yield CopiedPacket(event.stream_index, event, self._cut.early(event))
            else:
                yield (event.pts or 0) * base - self._cut.shift

"""Transcoding of audio and text subtitles that a container does not support."""

import io
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import Container, OutputContainer
from av.stream import Stream
from av.subtitles.subtitle import SubtitleSet

from vidrts.media.containers import AnyPacket, FFmpegErrors, av_call, time_base
from vidrts.media.write import channel_layout
from vidrts.media.write.audio_damage import AudioLedger
from vidrts.media.write.audio_frames import AudioFrames
from vidrts.media.write.text_timeline import TextTimeline
from vidrts.messages import Tell, ignore

_LATE = 1
"""Seconds by which a text may come after its pictures in the source."""

_TICKS = 90_000, 1_000_000
"""Least and most ticks per second of mov's text tracks; the muxer takes gaps of up to 2**31 ticks."""

_TEXT = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
_BIT_RATES = {"aac": 96_000, "libopus": 80_000, "libmp3lame": 128_000, "ac3": 112_000}
"""Bits per second and channel, for transparent quality."""


ENCODERS = ("aac", "libopus", "libmp3lame", "ac3", "eac3", "flac", "alac", "pcm_s16le", "pcm_s24le")
"""The audio encoders listed in errors; any other of FFmpeg's works, too."""


def text_codec(muxer: str) -> str | None:
    """The encoder of text subtitles for a container; None if it supports none."""
    return _TEXT.get(muxer)


def audio_stream(
    output: OutputContainer, source: Stream, codec: str, layout: str, bit_rate: int | None = None
) -> AudioStream:
    """A stream of `output` with an encoder for the sound of `source`, in `layout`: same rate where it can.

    `bit_rate`: in bits per second; None: transparent.
    """
    context = cast(AudioStream, source).codec_context
    with av_call():
        rates = av.Codec(codec, "w").audio_rates
    rate = int(context.sample_rate)
    if rates and rate not in rates:
        rate = min((r for r in rates if r >= rate), default=max(rates))
    with av_call():
        stream = cast(AudioStream, output.add_stream(codec, rate=rate))
        stream.codec_context.layout = layout
    if bit_rate is not None:
        stream.codec_context.bit_rate = bit_rate
    elif codec in _BIT_RATES:
        stream.codec_context.bit_rate = _BIT_RATES[codec] * stream.codec_context.channels
    return stream


class AudioEncoder:
    """Decodes and encodes the packets of one audio stream; times are kept. Stateful.

    `begin`, `end`: seconds on the source's clock between which samples are kept, exactly; packets before `begin` prime
    the decoder. `ledger` counts damage; `strict`: decoders conceal none. `tell` gets a message if the sound changes.
    """

    def __init__(
        self, source: Stream, output: Stream, ledger: AudioLedger, *, strict: bool = False,
        begin: Fraction | None = None, end: Fraction | None = None, tell: Tell = ignore,
    ):  # fmt: skip
        self._decoder = cast(AudioStream, source).codec_context
        if strict and not self._decoder.is_open:
            self._decoder.options = {"err_detect": "explode"}
        self._ledger = ledger
        self._output = cast(AudioStream, output)
        self._frames = AudioFrames(self._output.codec_context, source.index, begin, end, tell)

    @staticmethod
    def layout(source: Stream, codec: str, muxer: str, bit_rate: int | None = None) -> str:
        """The channel layout in which `codec` encodes the sound of `source`.

        Raises FFmpeg's error if the codec does not exist, cannot be opened or is not supported in the container.
        """
        failure: BaseException | None = None
        for layout in channel_layout.candidates(cast(AudioStream, source).codec_context.layout):
            try:
                with av.open(io.BytesIO(), "w", format=muxer) as trial:
                    audio_stream(trial, source, codec, layout, bit_rate)
                    with av_call():
                        trial.start_encoding()
            except FFmpegErrors as error:
                failure = failure or error
            else:
                return layout
        assert failure is not None
        raise failure

    def encode(self, packet: AnyPacket | None, *, early: bool = False) -> Iterator[AnyPacket]:
        """Transcode a packet; damaged ones yield nothing and are counted, unless they are `early`. None drains.

        So do empty ones, which are no damage: FLAC in NUT ends with one, and to a decoder it would mean the end.
        """
        if packet is not None and not packet.size:
            return
        frames: list[Any] = []
        try:
            with av_call():
                frames = self._decoder.decode(packet)
        except FFmpegErrors as error:
            if not early:
                self._ledger.refused(packet, error)
        else:
            self._ledger.decoded(packet, frames, early=early)
        for frame in frames:
            for kept in self._frames.frames(frame):
                yield from self._output.encode(kept)
        if packet is None:
            for kept in self._frames.drain():
                yield from self._output.encode(kept)
            yield from self._output.encode(None)


class SubtitleEncoder:
    """Transcodes text subtitles, with the styles that the target supports. Stateful, for one stream.

    For mp4 and mov, texts that overlap are cut and merged; each is yielded once it is known what it overlaps.
    """

    def __init__(self, source: Stream, output: Stream):
        self._source = source
        self._output = output
        self._base = time_base(source.time_base)
        self._timeline = TextTimeline() if output.codec_context.name == "mov_text" else None
        self._reached = 0

    @staticmethod
    def possible(source: Stream) -> bool:
        """Whether the stream's decoder opens."""
        try:
            with av_call():
                source.codec_context.open(strict=False)
        except FFmpegErrors:
            return False
        return True

    @staticmethod
    def stream(output: OutputContainer, source: Stream, codec: str) -> Stream:
        """A stream of `output` with an encoder that knows the styles of `source`."""
        decoder: Any = source.codec_context
        with av_call():
            decoder.open(strict=False)
            stream = output.add_stream(codec)
        context: Any = stream.codec_context
        context.subtitle_header = decoder.subtitle_header
        context.time_base = Fraction(1, _finest(source.container)) if codec == "mov_text" else source.time_base
        return stream

    def encode(self, packet: AnyPacket | None) -> Iterator[AnyPacket]:
        """Transcode a packet; what cannot be decoded yields nothing. None drains."""
        if packet is None:
            if self._timeline is not None:
                yield from self._texts(self._timeline.rest(self._reached))
            return
        if not packet.size:
            return
        decoder: Any = self._source.codec_context
        try:
            with av_call():
                subtitle = decoder.decode2(packet)
        except FFmpegErrors:
            return
        if subtitle is None:
            return
        if self._timeline is None or packet.pts is None:
            yield from self._encoded(subtitle, packet.pts, packet.duration)
            return
        duration = packet.duration or round(Fraction(subtitle.end_display_time, 1000) / self._base)
        end = packet.pts + duration if duration else None
        yield from self._texts(self._timeline.add(packet.pts, end, [rect.ass for rect in subtitle.rects if rect.ass]))

    def until(self, time: Fraction) -> Iterator[AnyPacket]:
        """The texts that ended before `time`, seconds on the source's clock that its pictures have reached."""
        if self._timeline is not None:
            self._reached = math.floor(time / self._base)
            yield from self._texts(self._timeline.until(math.floor((time - _LATE) / self._base)))

    def _texts(self, texts: Iterable[tuple[int, int, bytes]]) -> Iterator[AnyPacket]:
        for start, end, event in texts:
            yield from self._encoded(SubtitleSet.create(event, 0, end - start), start, end - start)

    def _encoded(self, subtitle: SubtitleSet, pts: int | None, duration: int | None) -> Iterator[AnyPacket]:
        encoder: Any = self._output.codec_context
        try:
            with av_call():
                made = encoder.encode_subtitle(subtitle)
        except FFmpegErrors:
            return
        if made.size:
            made.pts, made.dts, made.duration = pts, pts, duration
            made.time_base = self._base
            yield made


def _finest(container: Container) -> int:
    """Ticks per second of a text track that no other track exceeds.

    mov's muxer compares ticks of different tracks: where another one has more, it puts an empty text after every text,
    and in fragments may abort the process.
    """
    ticks = [stream.time_base.denominator for stream in container.streams if stream.time_base]
    ticks += [stream.codec_context.sample_rate for stream in container.streams.audio if stream.codec_context]
    least, most = _TICKS
    return min(max(least, *ticks), most)

"""Transcoding of audio and text subtitles that a container does not support."""

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.stream import Stream

from vidrts.media.containers import AnyPacket, FFmpegErrors, time_base

_TEXT = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
_BIT_RATES = {"aac": 96_000, "libopus": 80_000, "libmp3lame": 128_000, "ac3": 112_000}
"""Bits per second and channel, for transparent quality."""


ENCODERS = ("aac", "libopus", "libmp3lame", "ac3", "eac3", "flac", "alac", "pcm_s16le", "pcm_s24le")
"""The audio encoders listed in errors; any other of FFmpeg's works, too."""


def text_codec(muxer: str) -> str | None:
    """The encoder of text subtitles for a container; None if it supports none."""
    return _TEXT.get(muxer)


def audio_stream(output: OutputContainer, source: Stream, codec: str) -> AudioStream:
    """A stream of `output` with an encoder for the sound of `source`: same rate and channels where it can."""
    context = cast(AudioStream, source).codec_context
    rates = av.Codec(codec, "w").audio_rates
    rate = int(context.sample_rate)
    if rates and rate not in rates:
        rate = min((r for r in rates if r >= rate), default=max(rates))
    per_channel = _BIT_RATES.get(codec, 0)
    layout = context.layout.name
    if codec == "libopus" and layout in ("5.1(side)", "5.0(side)"):
        layout = layout.removesuffix("(side)")  # the same loudspeakers by the only name that Opus has for them
    stream = cast(AudioStream, output.add_stream(codec, rate=rate))
    stream.codec_context.layout = layout
    if per_channel:
        stream.codec_context.bit_rate = per_channel * max(1, context.channels)
    return stream


class AudioTrim:
    """Keeps the samples from `begin` to `end`, seconds on the file's clock; None: no limit. Stateful."""

    def __init__(self, begin: Fraction | None, end: Fraction | None):
        self._begin = begin
        self._end = end
        self._graph: Graph | None = None
        self._like: tuple[int, str, str] | None = None

    def frames(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """What is left of a frame."""
        if frame.pts is None or (self._begin is None and self._end is None):
            yield frame
            return
        like = (frame.sample_rate, frame.format.name, frame.layout.name)
        if self._graph is None or self._like != like:
            self._graph, self._like = self._made(frame), like
        try:
            self._graph.push(frame)
        except av.EOFError:  # past the end
            return
        while True:
            try:
                yield cast(AudioFrame, self._graph.pull())
            except (av.BlockingIOError, av.EOFError):
                return

    def _made(self, frame: AudioFrame) -> Graph:
        """The filter for frames like this one; it counts in samples."""
        limits = {
            key: str(math.ceil(time * frame.sample_rate))
            for key, time in (("start_pts", self._begin), ("end_pts", self._end))
            if time is not None
        }
        graph = Graph()
        source = graph.add_abuffer(
            sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name,
            time_base=time_base(frame.time_base),
        )  # fmt: skip
        trim = graph.add("atrim", **limits)
        source.link_to(trim)
        trim.link_to(graph.add("abuffersink"))
        graph.configure()
        return graph


class AudioEncoder:
    """Decodes and encodes the packets of one audio stream; times are kept. Stateful.

    `begin`, `end`: seconds on the source's clock between which samples are kept, exactly; packets before `begin` prime
    the decoder.
    """

    def __init__(self, source: Stream, output: Stream, begin: Fraction | None = None, end: Fraction | None = None):
        self._decoder = cast(AudioStream, source).codec_context
        self._output = cast(AudioStream, output)
        self._trim = AudioTrim(begin, end)

    @staticmethod
    def check(source: Stream, codec: str, muxer: str) -> None:
        """Raise FFmpeg's error if `codec` does not exist, cannot be opened or is not supported in the container."""
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            audio_stream(trial, source, codec)
            trial.start_encoding()

    def encode(self, packet: AnyPacket | None) -> Iterator[AnyPacket]:
        """Transcode a packet; damaged ones yield nothing. None drains."""
        try:
            frames: list[Any] = self._decoder.decode(packet)
        except FFmpegErrors:
            frames = []
        for frame in frames:
            for kept in self._trim.frames(frame):
                yield from self._output.encode(kept)
        if packet is None:
            yield from self._output.encode(None)


class SubtitleEncoder:
    """Transcodes text subtitles, with the styles that the target supports."""

    def __init__(self, source: Stream, output: Stream):
        self._source = source
        self._output = output

    @staticmethod
    def possible(source: Stream) -> bool:
        """Whether the stream's decoder opens."""
        try:
            source.codec_context.open(strict=False)
        except FFmpegErrors:
            return False
        return True

    @staticmethod
    def stream(output: OutputContainer, source: Stream, codec: str) -> Stream:
        """A stream of `output` with an encoder that knows the styles of `source`."""
        decoder: Any = source.codec_context
        decoder.open(strict=False)
        stream = output.add_stream(codec)
        context: Any = stream.codec_context
        context.subtitle_header = decoder.subtitle_header
        context.time_base = source.time_base
        return stream

    def encode(self, packet: AnyPacket | None) -> Iterator[AnyPacket]:
        """Transcode a packet; what cannot be decoded yields nothing."""
        if packet is None or not packet.size:
            return
        decoder: Any = self._source.codec_context
        encoder: Any = self._output.codec_context
        try:
            subtitle = decoder.decode2(packet)
            made = None if subtitle is None else encoder.encode_subtitle(subtitle)
        except FFmpegErrors:
            return
        if made is None or not made.size:
            return
        made.pts, made.dts, made.duration = packet.pts, packet.pts, packet.duration
        made.time_base = time_base(packet.time_base)
        yield made

"""Mapping of all other streams to the output: copy, transcode or leave out, and remuxing of their packets.

`plan` tests by writing a header to memory whether the container supports a stream; what it does not support is
transcoded or left out, with a message each.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream

from vidrts.errors import OptionError, OutputError
from vidrts.media.containers import AnyPacket, FFmpegErrors, av_call, reason, time_base, unheard
from vidrts.media.input import Input
from vidrts.media.languages import language, same
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import aac, channel_layout
from vidrts.media.write.audio_damage import AudioLedger
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.transcode import ENCODERS, AudioEncoder, SubtitleEncoder, text_codec
from vidrts.messages import Code, Message, Tell, ignore

Action = Literal["copy", "audio", "subtitle", "cover"]


@dataclass(frozen=True)
class Route:
    """The action for one stream: `copy`, transcode `audio` or text `subtitle`, attach a `cover`."""

    stream: Stream
    action: Action
    codec: str = ""
    """The encoder, for a conversion."""
    layout: str = ""
    """The channel layout, for a conversion of audio."""


def plan(source: Input, target: OutputFormat, options: EncodeOptions, tell: Tell) -> list[Route]:
    """A route for every other stream that is kept, in file order.

    Raises `OutputError` if no audio is left although it was not excluded, `OptionError` for an unknown audio encoder.
    """
    if options.audio_codec not in (None, "copy"):
        _check_audio_codec(options.audio_codec)
    routes: list[Route] = []
    lost_sound: list[Message] = []
    lines: list[Message] = []
    for stream in source.others:
        if not selected(stream, options):
            continue
        if unheard(stream):
            lines.append(_line(Code.SOUND_NOT_FOUND, stream, target))
            continue
        route, line = _route(stream, target, options, source)
        if route is not None:
            routes.append(route)
        if line is not None:
            lines.append(line)
            if stream.type == "audio" and route is None:
                lost_sound.append(line)
    sound = [s for s in source.others if s.type == "audio" and not unheard(s)]
    if options.audio and sound and not any(r.stream.type == "audio" for r in routes):
        what = "; ".join(lost_sound)
        if not lost_sound:
            held = ", ".join(map(language, sound))
            what = f"no audio in {', '.join(options.audio_languages or ())}; available: {held}"
        raise OutputError(f"no audio left in {target.name}: {what}; --no-audio allows that")
    lines += _missing(source, "audio", options.audio_languages or ())
    lines += _missing(source, "subtitle", options.subtitle_languages or ())
    for line in lines:
        tell(line)
    return routes


def selected(stream: Stream, options: EncodeOptions) -> bool:
    """Whether the stream is selected."""
    if stream.type == "audio":
        return options.audio and _in_languages(stream, options.audio_languages)
    if stream.type == "subtitle":
        return options.subtitles and _in_languages(stream, options.subtitle_languages)
    return True


def _in_languages(stream: Stream, languages: tuple[str, ...] | None) -> bool:
    """Whether a stream has one of the languages; None: any. Untagged streams are "und"."""
    return languages is None or any(same(language(stream), requested) for requested in languages)


def _missing(source: Input, kind: str, requested: tuple[str, ...]) -> Iterator[Message]:
    """A message for requested languages without a stream."""
    there = [language(s) for s in source.others if s.type == kind]
    missing = [tag for tag in requested if not any(same(tag, held) for held in there)]
    if missing:
        held = ", ".join(dict.fromkeys(there)) or "none"
        option = {"audio": "--audio", "subtitle": "--subtitles"}[kind]
        yield Message(Code.LANGUAGE_MISSING, option=option, missing=",".join(missing), type=kind, languages=held)


def _route(
    stream: Stream, target: OutputFormat, options: EncodeOptions, source: Input
) -> tuple[Route | None, Message | None]:
    """The route of a selected stream, and a message about it."""
    if stream.type == "data" and stream.discard == Discard.all:
        return None, None  # QuickTime's chapter track: the chapters make a new one, a copy would break the header
    if stream.type == "data" and _written_with_video(stream, target, source):
        return None, None
    if stream.disposition & Disposition.attached_pic and target.muxer == "matroska":
        return Route(stream, "cover"), None  # a copied stream would be a video track
    copies = options.audio_codec in (None, "copy") or stream.type != "audio"
    if copies and can_copy(stream, target):
        return Route(stream, "copy"), None
    if stream.type == "audio" and stream.codec_context is not None and options.audio_codec != "copy":
        return _convert_audio(stream, target, options.audio_codec)
    if stream.type == "subtitle" and stream.codec_context is not None and not stream.codec_context.codec.bitmap_sub:
        codec = text_codec(target.muxer)
        if codec is not None and SubtitleEncoder.possible(stream):
            return Route(stream, "subtitle", codec), _line(Code.SUBTITLE_CONVERTED, stream, target, encoder=codec)
    textless = _is_bitmap(stream) and target.muxer != "mpegts"
    return None, _line(Code.BITMAP_LEFT_OUT if textless else Code.STREAM_LEFT_OUT, stream, target)


def _written_with_video(stream: Stream, target: OutputFormat, source: Input) -> bool:
    """Whether it is a timecode track whose value a video track keeps: as such a track in mp4 and mov, else as a tag."""
    value = stream.metadata.get("timecode")
    if value is None or target.muxer == "mpegts":
        return False
    videos = [source.video.metadata]
    if target.muxer == "matroska":  # mp4's muxer needs a frame rate, which copied tracks lack
        videos += [other.metadata for other in source.others if other.type == "video"]
    return any(tags.get("timecode") == value for tags in videos)


def _line(code: Code, stream: Stream, target: OutputFormat, **values: str) -> Message:
    """A message about a stream."""
    about = {"type": stream.type, "index": stream.index, "codec": _codec(stream), "container": target.name}
    return Message(code, **about, **values)


def _convert_audio(stream: Stream, target: OutputFormat, requested: str | None) -> tuple[Route | None, Message | None]:
    """The route of audio that is transcoded."""
    tried = [requested] if requested else {"webm": ["libopus"], "matroska": ["flac", "aac"]}.get(target.muxer, ["aac"])
    line: Message | None = None
    if requested is not None and not _holds(target, requested):
        held = ", ".join(name for name in ENCODERS if _holds(target, name))
        other = "" if target.muxer == "matroska" else ", or use .mkv"
        raise OptionError(f"-c:a {requested}: not supported in {target.name}; expected {held}{other}")
    for codec in tried:
        try:
            layout = AudioEncoder.layout(stream, codec, target.muxer)
        except FFmpegErrors as error:
            line = _line(Code.AUDIO_NOT_ENCODED, stream, target, encoder=codec, reason=reason(error))
            continue
        before = channel_layout.ordered(cast(AudioStream, stream).codec_context.layout)
        if channel_layout.is_mixed(cast(AudioStream, stream).codec_context.layout, layout):
            line = _line(Code.AUDIO_MIXED, stream, target, encoder=codec, before=before.name, layout=layout)
        else:
            line = None if requested else _line(Code.AUDIO_CONVERTED, stream, target, encoder=codec)
        return Route(stream, "audio", codec, layout), line
    return None, line


@cache
def _holds(target: OutputFormat, encoder: str) -> bool:
    """Whether the container holds what an audio encoder makes of plain sound; tested by writing a header to memory.

    True for an encoder that does not open with plain sound anywhere.
    """
    if target.muxer == "mpegts":
        return av.Codec(encoder, "w").canonical_name in _MPEGTS
    return _takes(target.muxer, encoder) or not _takes("mpegts", encoder)  # that muxer refuses none


def _takes(muxer: str, encoder: str) -> bool:
    """Whether a muxer writes a header for an encoder of plain sound."""
    rates = av.Codec(encoder, "w").audio_rates or (48_000,)
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial, av_call():
            stream = cast(AudioStream, trial.add_stream(encoder, rate=48_000 if 48_000 in rates else max(rates)))
            stream.codec_context.layout = "stereo"
            trial.start_encoding()
    except FFmpegErrors:
        return False
    return True


def _check_audio_codec(codec: str) -> None:
    """Raise `OptionError` for an unknown audio encoder."""
    try:
        found = av.Codec(codec, "w").type == "audio"
    except (ValueError, av.FFmpegError):
        found = False
    if not found:
        raise OptionError(f"-c:a {codec}: unknown audio encoder; expected one of {', '.join(ENCODERS)}, copy")


def can_copy(stream: Stream, target: OutputFormat) -> bool:
    """Whether the container supports the stream as it is; tested by writing a header to memory."""
    if stream.type == "unknown" or (stream.type not in ("attachment", "data") and stream.codec_context is None):
        return False
    if _unplayable(stream, target):
        return False
    if aac.must_strip_headers(stream, target) and aac.decoder_config(stream.codec_context) is None:
        return False
    written = io.BytesIO()
    try:
        with av.open(written, "w", format=target.muxer, container_options=dict(target.options)) as trial:
            if stream.type != "video" or target.muxer == "mpegts":  # Blu-ray's has numbers for one video stream
                with av_call():
                    video = trial.add_stream("libvpx" if target.muxer == "webm" else "mpeg4", rate=25)
                video.width, video.height = 16, 16
                video.pix_fmt = "yuv420p"
            copy = copied_stream(trial, stream, target)
            with av_call():
                trial.start_encoding()
            if stream.type == "data":
                trial.mux(_data_packet(copy))
        return stream.type != "data" or target.muxer == "mpegts" or _holds_data(written)
    except FFmpegErrors:
        return False


def _data_packet(stream: Stream) -> AnyPacket:
    """A packet of data, as a trial: muxers take headers of data that they then cannot describe."""
    packet = Packet(bytes(16))
    packet.stream, packet.time_base = stream, time_base(stream.time_base)
    packet.pts = packet.dts = 0
    packet.duration = 1
    return packet


def _holds_data(written: io.BytesIO) -> bool:
    """Whether a file opens and has a packet of a data stream. Raises FFmpeg's errors."""
    with av.open(io.BytesIO(written.getvalue()), "r") as container:
        return any(packet.stream.type == "data" and packet.size for packet in container.demux())


_MPEGTS = {
    "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vvc",
    "aac", "aac_latm", "ac3", "eac3", "mp1", "mp2", "mp3", "dts", "truehd", "opus",
    "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "timed_id3", "klv", "smpte_klv",
}  # fmt: skip
"""Codecs that MPEG-TS players support; the muxer writes any other as private data."""


def _unplayable(stream: Stream, target: OutputFormat) -> bool:
    """Whether the muxer accepts the header but writes what no player can read, or fails at the end."""
    muxer = target.muxer
    if muxer == "mpegts":
        if _codec(stream) == "hdmv_pgs_subtitle" and ("mpegts_m2ts_mode", "1") not in target.options:
            return True  # only the streams of Blu-ray say what it is
        return stream.type == "attachment" or _codec(stream) not in _MPEGTS
    if muxer in ("mov", "mp4") and stream.type == "data" and "timecode" in stream.metadata:
        return True  # the muxer creates a timecode track from the metadata
    if muxer == "mp4" and isinstance(stream, AudioStream) and _codec(stream).startswith("pcm_"):
        # The header must name each channel.
        return not channel_layout.is_ordered(channel_layout.ordered(stream.codec_context.layout))
    return muxer in ("mov", "nut") and bool(stream.disposition & Disposition.attached_pic)


def copied_stream(output: OutputContainer, stream: Stream, target: OutputFormat) -> Stream:
    """A stream of `output` for the packets of `stream`, copied or stripped of ADTS headers."""
    if stream.type in ("attachment", "data"):
        with av_call():
            return output.add_stream_from_template(stream)
    with av_call():
        copied = output.add_stream_from_template(stream, opaque=True)
    if aac.must_strip_headers(stream, target):
        copied.codec_context.extradata = aac.decoder_config(stream.codec_context)
    if isinstance(stream, AudioStream) and not channel_layout.is_ordered(stream.codec_context.layout):
        cast(AudioCodecContext, copied.codec_context).layout = channel_layout.ordered(stream.codec_context.layout)
    return copied


def _is_bitmap(stream: Stream) -> bool:
    """Whether it is a bitmap subtitle (PGS, VobSub, DVB)."""
    return stream.type == "subtitle" and stream.codec_context is not None and stream.codec_context.codec.bitmap_sub


def _codec(stream: Stream) -> str:
    """The name of the stream's codec."""
    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    return str(getattr(stream, "name", None) or "unknown codec")


class PacketRemapper:
    """Remuxes packets of one routed stream to the output's time base. Stateful, one per stream.

    `shift`: seconds subtracted from all timestamps; `begin`, `end`: the range of transcoded audio, None for all. Makes
    dts increase as the muxer requires. Damage of audio is counted in `ledger`. `tell` gets messages as they arise.
    """

    def __init__(
        self,
        route: Route,
        output: Stream,
        source: Input,
        shift: Fraction,
        *,
        kind: OutputFormat,
        begin: Fraction | None = None,
        end: Fraction | None = None,
        tell: Tell = ignore,
    ):
        self._least = 1 if kind.strict and route.stream.type in ("audio", "video") else 0
        self.output = output
        self._route = route
        self._shift = shift
        self._last: int | None = None
        self._next: int | None = None
        self._encoder: AudioEncoder | SubtitleEncoder | None = None
        self.ledger: AudioLedger | None = None
        if route.stream.type == "audio":
            self.ledger = AudioLedger(route.stream, source.path, copied=route.action == "copy", strict=source.strict)
        copied = route.action == "copy" and aac.must_strip_headers(route.stream, kind)
        self._stripper = aac.HeaderStripper(route.stream) if copied else None
        if route.action == "audio":
            assert self.ledger is not None
            self._encoder = AudioEncoder(
                route.stream, output, self.ledger, strict=source.strict, begin=begin, end=end, tell=tell
            )
        elif route.action == "subtitle":
            self._encoder = SubtitleEncoder(route.stream, output)

    def packets(self, packet: AnyPacket | None, *, early: bool = False) -> Iterator[AnyPacket]:
        """The packets to mux for a source packet; None drains an encoder.

        `early`: the packet lies before the trimmed range; only an encoder uses it.
        """
        if self._route.action == "cover" or (early and not isinstance(self._encoder, AudioEncoder)):
            return
        if packet is not None and self.ledger is not None and not early:
            self.ledger.came(packet)
        if isinstance(self._encoder, AudioEncoder):
            yield from map(self._stamped, self._encoder.encode(packet, early=early))
        elif self._encoder is not None:
            yield from map(self._stamped, self._encoder.encode(packet))
        elif packet is not None:
            yield from map(self._stamped, self._stripper.packets(packet) if self._stripper else [packet])

    def until(self, time: Fraction) -> Iterator[AnyPacket]:
        """The packets to mux once the pictures have reached `time`, seconds on the source's clock."""
        if isinstance(self._encoder, SubtitleEncoder):
            yield from map(self._stamped, self._encoder.until(time))

    def _stamped(self, packet: AnyPacket) -> AnyPacket:
        """The packet with the output's stream and times."""
        base = time_base(packet.time_base if packet.time_base.numerator else self.output.time_base)
        offset = round(self._shift / base)
        if packet.pts is not None:
            packet.pts -= offset
        if packet.dts is not None:
            packet.dts -= offset
        packet.stream = self.output
        packet.rescale_ts(self.output.time_base)
        if packet.dts is None and self._route.stream.type != "video":
            packet.dts = packet.pts if packet.pts is not None else self._next
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.dts is not None:
            if self._last is not None and packet.dts < self._last + self._least:
                packet.dts = self._last + self._least
                packet.pts = max(packet.pts or 0, packet.dts)
            self._last = packet.dts
            self._next = packet.dts + (packet.duration or 1)
        return packet

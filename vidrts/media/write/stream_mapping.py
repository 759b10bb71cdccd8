"""All streams but the enhanced one: what becomes of each in the target's container, and its packets on their way.

`plan` decides, by writing a header into memory, whether the container takes a stream as it is; what it does not take
is converted or left out, with one line each.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
from av.container import OutputContainer
from av.stream import Discard, Disposition, Stream

from vidrts.errors import OutputError
from vidrts.media.containers import AnyPacket, FFmpegErrors, reason, time_base
from vidrts.media.input import Input
from vidrts.media.languages import language, same
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import aac
from vidrts.media.write.transcode import ENCODERS, AudioEncoder, SubtitleEncoder, text_codec
from vidrts.messages import Code, Message, Tell

Action = Literal["copy", "audio", "subtitle", "cover"]


@dataclass(frozen=True, kw_only=True)
class StreamSelection:
    """What the person wants of the other streams; part of `EncodeOptions`."""

    audio: bool = True
    subtitles: bool = True
    audio_codec: str | None = None
    audio_languages: tuple[str, ...] | None = None
    subtitle_languages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Route:
    """What becomes of one stream: `copy` its packets, convert `audio` or a text `subtitle`, attach a `cover`."""

    stream: Stream
    action: Action
    codec: str = ""
    """The encoder, for a conversion."""


def plan(source: Input, target: OutputFormat, selection: StreamSelection, tell: Tell) -> list[Route]:
    """A route for every stream beside the enhanced one that is carried, in file order.

    Raises `OutputError` where all sound would be lost that was not to be left out.
    """
    routes: list[Route] = []
    lost_sound: list[Message] = []
    lines: list[Message] = []
    for stream in source.others:
        if not _wished(stream, selection):
            continue
        route, line = _route(stream, target, selection, source)
        if route is not None:
            routes.append(route)
        if line is not None:
            lines.append(line)
            if stream.type == "audio" and route is None:
                lost_sound.append(line)
    sound = [s for s in source.others if s.type == "audio"]
    if selection.audio and sound and not any(r.stream.type == "audio" for r in routes):
        what = "; ".join(lost_sound)
        if not lost_sound:
            held = ", ".join(map(language, sound))
            what = f"no audio in {', '.join(selection.audio_languages or ())}; available: {held}"
        raise OutputError(f"no audio left in {target.name}: {what}; --no-audio allows that")
    lines += _missing(source, "audio", selection.audio_languages or ())
    lines += _missing(source, "subtitle", selection.subtitle_languages or ())
    for line in lines:
        tell(line)
    return routes


def _wished(stream: Stream, selection: StreamSelection) -> bool:
    """Whether the person wants the stream at all."""
    if stream.type == "audio":
        return selection.audio and _spoken(stream, selection.audio_languages)
    if stream.type == "subtitle":
        return selection.subtitles and _spoken(stream, selection.subtitle_languages)
    return True


def _spoken(stream: Stream, languages: tuple[str, ...] | None) -> bool:
    """Whether a stream has one of the languages; None: all are wanted. No tag counts as "und"."""
    return languages is None or any(same(language(stream), wanted) for wanted in languages)


def _missing(source: Input, kind: str, wanted: tuple[str, ...]) -> Iterator[Message]:
    """A line for languages that were asked for and that no stream of a kind has."""
    there = [language(s) for s in source.others if s.type == kind]
    missing = [tag for tag in wanted if not any(same(tag, held) for held in there)]
    if missing:
        held = ", ".join(dict.fromkeys(there)) or "none"
        option = {"audio": "--audio", "subtitle": "--subtitles"}[kind]
        yield Message(Code.LANGUAGE_MISSING, option=option, missing=",".join(missing), type=kind, languages=held)


def _route(
    stream: Stream, target: OutputFormat, selection: StreamSelection, source: Input
) -> tuple[Route | None, Message | None]:
    """The route of a wanted stream, and what a person must be told of it."""
    if stream.type == "data" and (stream.discard == Discard.all or stream.name == "bin_data") and source.chapters:
        return None, None  # QuickTime's chapter track: the chapters make a new one, a copy would break the header
    copies = selection.audio_codec in (None, "copy") or stream.type != "audio"
    if copies and can_copy(stream, target):
        return Route(stream, "copy"), None
    if stream.disposition & Disposition.attached_pic and target.muxer == "matroska":
        return Route(stream, "cover"), None
    if stream.type == "audio" and stream.codec_context is not None and selection.audio_codec != "copy":
        return _convert_audio(stream, target, selection.audio_codec)
    if stream.type == "subtitle" and stream.codec_context is not None and not stream.codec_context.codec.bitmap_sub:
        codec = text_codec(target.muxer)
        if codec is not None and SubtitleEncoder.possible(stream):
            return Route(stream, "subtitle", codec), _line(Code.SUBTITLE_CONVERTED, stream, target, encoder=codec)
    return None, _line(Code.BITMAP_LEFT_OUT if _is_bitmap(stream) else Code.STREAM_LEFT_OUT, stream, target)


def _line(code: Code, stream: Stream, target: OutputFormat, **values: str) -> Message:
    """A line about a stream."""
    about = {"type": stream.type, "index": stream.index, "codec": _codec(stream), "container": target.name}
    return Message(code, **about, **values)


def _convert_audio(
    stream: Stream, target: OutputFormat, wanted: str | None
) -> tuple[Route | None, Message | None]:  # fmt: skip
    """The route of sound that is encoded anew."""
    if wanted is not None:
        _check_audio_codec(wanted)
    tried = [wanted] if wanted else {"webm": ["libopus"], "matroska": ["flac", "aac"]}.get(target.muxer, ["aac"])
    line: Message | None = None
    for codec in tried:
        foreign = codec in av.codecs_available and av.Codec(codec, "w").canonical_name not in _MPEGTS
        if target.muxer == "mpegts" and foreign:
            line = _line(Code.AUDIO_NOT_HELD, stream, target, encoder=codec)
            continue
        try:
            AudioEncoder.check(stream, codec, target.muxer)
        except FFmpegErrors as error:
            line = _line(Code.AUDIO_NOT_ENCODED, stream, target, encoder=codec, reason=reason(error))
            continue
        line = None if wanted else _line(Code.AUDIO_CONVERTED, stream, target, encoder=codec)
        return Route(stream, "audio", codec), line
    return None, line


def _check_audio_codec(codec: str) -> None:
    """Raise `OutputError` where FFmpeg has no such audio encoder."""
    try:
        found = av.Codec(codec, "w").type == "audio"
    except (ValueError, av.FFmpegError):
        found = False
    if not found:
        raise OutputError(f"-c:a {codec}: unknown audio encoder; expected one of {', '.join(ENCODERS)}, copy")


def can_copy(stream: Stream, target: OutputFormat) -> bool:
    """Whether the container takes the stream as it is. Known only by trying: a header is written into memory."""
    if stream.type == "unknown" or (stream.type not in ("attachment", "data") and stream.codec_context is None):
        return False
    if _spoiled(stream, target.muxer):
        return False
    if aac.wanted(stream, target) and aac.config(stream.codec_context) is None:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=target.muxer) as trial:
            if stream.type != "video":
                video = trial.add_stream("libvpx" if target.muxer == "webm" else "mpeg4", rate=25)
                video.width, video.height = 16, 16
                video.pix_fmt = "yuv420p"
            copied_stream(trial, stream, target)
            trial.start_encoding()
    except FFmpegErrors:
        return False
    return True


_MPEGTS = {
    "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vvc",
    "aac", "aac_latm", "ac3", "eac3", "mp1", "mp2", "mp3", "dts", "truehd", "opus",
    "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "timed_id3", "klv", "smpte_klv",
}  # fmt: skip
"""Codecs that an MPEG-TS player can know; the muxer takes every other as private data that nothing can play."""


def _spoiled(stream: Stream, muxer: str) -> bool:
    """Whether the muxer takes the stream's header but then writes what no player finds, or fails at the end."""
    if muxer == "mpegts":
        return stream.type == "attachment" or _codec(stream) not in _MPEGTS
    if muxer in ("mov", "mp4") and stream.type == "data" and "timecode" in stream.metadata:
        return True  # the muxer makes a timecode track of its own from the metadata
    return muxer == "mov" and bool(stream.disposition & Disposition.attached_pic)


def copied_stream(output: OutputContainer, stream: Stream, target: OutputFormat) -> Stream:
    """A stream of `output` that takes the packets of `stream` as they are, or without their ADTS headers."""
    if stream.type in ("attachment", "data"):
        return output.add_stream_from_template(stream)
    copied = output.add_stream_from_template(stream, opaque=True)
    if aac.wanted(stream, target):
        copied.codec_context.extradata = aac.config(stream.codec_context)
    return copied


def _is_bitmap(stream: Stream) -> bool:
    """Whether a subtitle is made of pictures (PGS, VobSub, DVB)."""
    return stream.type == "subtitle" and stream.codec_context is not None and stream.codec_context.codec.bitmap_sub


def _codec(stream: Stream) -> str:
    """The stream's codec as people know it."""
    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    return str(getattr(stream, "name", None) or "unknown codec")


class PacketRemapper:
    """Brings packets of one routed stream onto the output's clock. Stateful, one for each stream.

    `shift`: seconds taken off all times; `begin`, `end`: what is kept of sound that is encoded anew, None for all.
    Decode times are made to increase in the output's ticks as far as the muxer wants it: a source that does not keep
    to that would end the run otherwise.
    """

    def __init__(
        self,
        route: Route,
        output: Stream,
        shift: Fraction,
        *,
        kind: OutputFormat,
        begin: Fraction | None = None,
        end: Fraction | None = None,
    ):
        self._least = 1 if kind.strict and route.stream.type in ("audio", "video") else 0
        self.output = output
        self._route = route
        self._shift = shift
        self._last: int | None = None
        self._next: int | None = None
        self._encoder: AudioEncoder | SubtitleEncoder | None = None
        copied = route.action == "copy" and aac.wanted(route.stream, kind)
        self._stripper = aac.Stripper(route.stream) if copied else None
        if route.action == "audio":
            self._encoder = AudioEncoder(route.stream, output, begin, end)
        elif route.action == "subtitle":
            self._encoder = SubtitleEncoder(route.stream, output)

    def packets(self, packet: AnyPacket | None, *, early: bool = False) -> Iterator[AnyPacket]:
        """The packets to be muxed for one of the source; None at the end drains an encoder.

        `early`: the packet lies before the part that is kept, and only an encoder has a use for it.
        """
        if self._route.action == "cover" or (early and not isinstance(self._encoder, AudioEncoder)):
            return
        if self._encoder is not None:
            yield from map(self._stamped, self._encoder.encode(packet))
        elif packet is not None:
            yield from map(self._stamped, self._stripper.packets(packet) if self._stripper else [packet])

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

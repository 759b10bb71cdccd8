"""Mapping of all other streams to the output: copy, transcode or leave out.

`plan` tests by writing a header to memory whether the container supports a stream; what it does not support is
transcoded or left out, with a message each.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

import av
from av.audio.stream import AudioStream
from av.stream import Discard, Disposition, Stream

from vidrts.errors import OptionError, OutputError
from vidrts.media.containers import FFmpegErrors, av_call, reason, unheard
from vidrts.media.input import Input
from vidrts.media.languages import language, same
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import channel_layout
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.stream_copy import MPEGTS, can_copy, codec_name, is_bitmap
from vidrts.media.write.transcode import ENCODERS, AudioEncoder, SubtitleEncoder, text_codec
from vidrts.messages import Code, Message, Tell

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
        if options.audio_bit_rate is not None and av.Codec(str(options.audio_codec), "w").lossless:
            raise OptionError(f"-b:a: not supported by {options.audio_codec}, which is lossless")
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
    if stream.type == "data" and written_with_video(stream, target, source):
        return None, None
    if stream.disposition & Disposition.attached_pic and target.muxer == "matroska":
        return Route(stream, "cover"), None  # a copied stream would be a video track
    copies = options.audio_codec in (None, "copy") or stream.type != "audio"
    if copies and can_copy(stream, target):
        unused = stream.type == "audio" and options.audio_bit_rate is not None
        return Route(stream, "copy"), _line(Code.AUDIO_RATE_UNUSED, stream, target) if unused else None
    if stream.type == "audio" and stream.codec_context is not None and options.audio_codec != "copy":
        return _convert_audio(stream, target, options.audio_codec, options.audio_bit_rate)
    if stream.type == "subtitle" and stream.codec_context is not None and not stream.codec_context.codec.bitmap_sub:
        codec = text_codec(target.muxer)
        if codec is not None and SubtitleEncoder.possible(stream):
            return Route(stream, "subtitle", codec), _line(Code.SUBTITLE_CONVERTED, stream, target, encoder=codec)
    textless = is_bitmap(stream) and target.muxer != "mpegts"
    return None, _line(Code.BITMAP_LEFT_OUT if textless else Code.STREAM_LEFT_OUT, stream, target)


def written_with_video(stream: Stream, target: OutputFormat, source: Input) -> bool:
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
    about = {"type": stream.type, "index": stream.index, "codec": codec_name(stream), "container": target.name}
    return Message(code, **about, **values)


def _convert_audio(
    stream: Stream, target: OutputFormat, requested: str | None, bit_rate: int | None
) -> tuple[Route | None, Message | None]:
    """The route of audio that is transcoded."""
    tried = [requested] if requested else {"webm": ["libopus"], "matroska": ["flac", "aac"]}.get(target.muxer, ["aac"])
    line: Message | None = None
    if requested is not None and not _holds(target, requested):
        held = ", ".join(name for name in ENCODERS if _holds(target, name))
        other = "" if target.muxer == "matroska" else ", or use .mkv"
        raise OptionError(f"-c:a {requested}: not supported in {target.name}; expected {held}{other}")
    for codec in tried:
        try:
            layout = AudioEncoder.layout(stream, codec, target.muxer, bit_rate)
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
        return av.Codec(encoder, "w").canonical_name in MPEGTS
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

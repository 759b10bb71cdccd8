"""What a target decided before the first frame: encoder, pixel format, colour, and what becomes of each stream."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from av.stream import Discard, Stream

from vidrts.frame import ColorTags
from vidrts.media.containers import unheard
from vidrts.media.input import Input
from vidrts.media.languages import language
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write.encoders import Encoder
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.stream_copy import codec_name
from vidrts.media.write.stream_mapping import Route, selected, written_with_video

Fate = Literal["enhanced", "copied", "converted", "attached", "left out"]
_FATES: dict[str, Fate] = {"copy": "copied", "audio": "converted", "subtitle": "converted", "cover": "attached"}
_SPOKEN = ("crf", "cq", "qp", "preset", "tune", "profile", "deadline", "cpu-used")


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """What becomes of a stream of the source."""

    index: int
    """ffprobe's."""
    type: str
    """video, audio, subtitle, data or attachment."""
    codec: str
    language: str
    """"und" where there is none."""
    fate: Fate
    detail: str = ""
    """What it is converted to, or why it is left out."""


@dataclass(frozen=True, kw_only=True)
class WritePlan:
    """How the enhanced stream is written, and what becomes of every stream."""

    container: str
    encoder: str | None
    """FFmpeg's name; None: y4m and raw video, which are not encoded."""
    quality: str
    """In words, as "crf 16, preset medium"."""
    settings: Mapping[str, str]
    """All options that the encoder is opened with."""
    width: int
    height: int
    format: str
    """FFmpeg's name of the pixel format."""
    color: ColorTags
    streams: tuple[StreamPlan, ...]
    """In the source's order."""
    index_first: bool = False
    """At the end the file is written once more, with its index in front (faststart)."""


def quality(encoder: Encoder, settings: Mapping[str, str], bit_rate: int | None) -> str:
    """The quality in words; `settings`: the options that the encoder is opened with; `bit_rate`: bits per second."""
    asked = f"{bit_rate / 1000:g}k" if bit_rate is not None else settings.get("b")
    words = [f"bit rate {asked}"] if asked is not None else []
    words += [f"{key} {settings[key]}" for key in _SPOKEN if key in settings]
    return ", ".join(words) or encoder.default_quality


def streams(
    source: Input, options: EncodeOptions, kind: OutputFormat, routes: Iterable[Route]
) -> tuple[StreamPlan, ...]:
    """What becomes of each stream of `source`; `routes` has those that are kept."""
    kept = {route.stream.index: route for route in routes}
    found = [_enhanced(source)]
    for stream in source.others:
        if (route := kept.get(stream.index)) is not None:
            found.append(_other(stream, _FATES[route.action], ", ".join(filter(None, (route.codec, route.layout)))))
        else:
            found.append(_other(stream, "left out", _reason(stream, source, options, kind)))
    return tuple(sorted(found, key=lambda stream: stream.index))


def frames_alone(source: Input, container: str) -> tuple[StreamPlan, ...]:
    """What becomes of each stream where the output holds frames only."""
    others = [_other(stream, "left out", f"{container} holds frames only") for stream in source.others]
    return tuple(sorted([_enhanced(source), *others], key=lambda stream: stream.index))


def _enhanced(source: Input) -> StreamPlan:
    video = source.video
    return StreamPlan(
        index=video.index, type="video", codec=source.info.codec, language=language(video), fate="enhanced"
    )


def _other(stream: Stream, fate: Fate, detail: str) -> StreamPlan:
    return StreamPlan(
        index=stream.index, type=stream.type, codec=codec_name(stream), language=language(stream), fate=fate,
        detail=detail,
    )  # fmt: skip


def _reason(stream: Stream, source: Input, options: EncodeOptions, kind: OutputFormat) -> str:
    """Why a stream is left out."""
    if not selected(stream, options):
        wanted = options.audio if stream.type == "audio" else options.subtitles
        option = {"audio": "audio", "subtitle": "subtitles"}[stream.type]
        return f"--{option}" if wanted else f"--no-{option}"
    if unheard(stream):
        return "no packets found"
    if stream.type == "data" and stream.discard == Discard.all:
        return "chapters are written anew"
    if stream.type == "data" and written_with_video(stream, kind, source):
        return "its timecode is kept with the video"
    return f"not supported in {kind.name}"

"""What an output does not carry of its source: one line for people for each kind of loss.

What becomes of whole streams is told by `stream_mapping.plan`.
"""

from collections.abc import Iterable

from av.stream import Disposition, Stream

from vidrts.media import color_names
from vidrts.media.containers import OutputFormat
from vidrts.media.input import Input, VideoTrack
from vidrts.media.languages import language, written
from vidrts.media.tags import HDR10_ENCODERS, MOV_KEYS, OWN_KEYS, STATISTICS, kept_metadata
from vidrts.media.write.encoders import Choice
from vidrts.media.write.stream_mapping import Route

type AnyStream = Stream | VideoTrack

_SPOKEN = {"dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing_impaired", "visual_impaired",
           "clean_effects", "captions", "descriptions"}  # fmt: skip
"""Dispositions that a person chooses a track by; "default" is the first track's anyway where it cannot be written."""
_MATROSKA = {"dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired"}
_HELD_DISPOSITIONS = {
    "matroska": _MATROSKA,
    "webm": {"forced"},
    "mp4": {"dub", "comment", "forced", "hearing_impaired", "visual_impaired", "captions", "descriptions"},
    "mov": set[str](),
    "mpegts": {"hearing_impaired", "visual_impaired", "clean_effects"},
    "nut": {"dub", "original", "comment", "lyrics", "karaoke"},
}
"""What comes back from FFmpeg 9's muxers by its own demuxers."""
_SUBTITLES_HOLD = {"matroska": {"descriptions"}, "webm": {"captions", "descriptions"}}

_OWN_PLACE = {"language", "title", "name", "creation_time", "alpha_mode", "timecode", "filename", "mimetype"}
"""Metadata of streams that is told elsewhere or stands in another place."""


def picture(source: Input, choice: Choice, kind: OutputFormat) -> list[str]:
    """A line for each thing about the picture that the encoder or the container does not carry."""
    lines = []
    encoder = choice.encoder
    for name in source.hdr.dynamic:  # FFmpeg 9 writes none of them from what frames carry (tried with x265, svtav1)
        lines.append(f"{name} metadata is lost: {encoder.name} does not write it")
    if (source.hdr.primaries or source.hdr.light) and encoder.name not in HDR10_ENCODERS:
        lines.append(f"HDR10 metadata (mastering display, light levels) is lost: {encoder.name} does not write it")
    if source.captions and not encoder.captions:
        lines.append(f"closed captions are lost: {encoder.name} does not write them")
    if source.info.field_order != "progressive" and encoder.fields is None:
        lines.append(f"{encoder.name} codes interlaced frames as whole ones; only the container says that they are")
    if source.display_matrix is not None and source.info.rotation and kind.muxer in ("mpegts", "nut"):
        lines.append(f"the rotation by {source.info.rotation} degrees is lost: {kind.name} cannot hold it")
    if kind.muxer == "nut" and (said := color_names.words(source.info.color)):
        lines.append(f"NUT does not say the colour; the ffmpeg after it wants, for its output, {said}")
    if kind.muxer == "nut" and source.info.sar not in (0, 1):  # its muxer reads what PyAV gives no way to set
        lines.append(f"the aspect ratio is lost in NUT; the ffmpeg after it wants -vf setsar={source.info.sar}")
    return lines


def tags(source: Input, routes: Iterable[Route], kind: OutputFormat) -> list[str]:
    """A line for each kind of chapter, name, language or disposition that the container does not hold."""
    streams: list[AnyStream] = [source.video]
    streams += [r.stream for r in routes if r.action != "cover" and r.stream.type != "attachment"]
    streams.sort(key=lambda stream: stream.index)
    lost = []
    if kind.muxer == "mpegts":
        if count := len(source.chapters):
            lost.append(f"{count} chapter{'s' * (count > 1)}")
        # The title becomes the name of the service.
        names = sorted(k for k in kept_metadata(source.metadata, "file", kind.muxer) if not _held_by_ts(k))
        lost += [f"metadata {', '.join(names)}"] if names else []
    lost += _stream_tags(streams, kind)
    lost += _languages(streams, kind)
    lost += _dispositions(streams, kind)
    return [f"{kind.name} does not hold {what}: lost" for what in lost]


def _held_by_ts(key: str) -> bool:
    return key.lower() in ("title", "service_name", "service_provider")


def _stream_tags(streams: list[AnyStream], kind: OutputFormat) -> list[str]:
    """Titles of tracks and their other metadata."""
    if kind.muxer in ("matroska", "webm", "nut"):
        return []
    lost = []
    titled = [s for s in streams if s.metadata.get("title") or s.metadata.get("name")]
    if titled and kind.muxer == "mpegts":
        lost.append(f"the title of stream {_listed(titled)}")
    held = _OWN_PLACE | OWN_KEYS | STATISTICS | MOV_KEYS
    others = {key: None for s in streams for key in s.metadata if key.lower().split("-")[0] not in held}
    if others:
        lost.append(f"metadata {', '.join(others)} of streams")
    return lost


def _languages(streams: list[AnyStream], kind: OutputFormat) -> list[str]:
    """Languages that the container has no code for; mpegts has none for video."""
    gone = []
    for stream in streams:
        tag = language(stream)
        deaf = kind.muxer == "mpegts" and stream.type not in ("audio", "subtitle")
        if tag != "und" and not deaf and written(tag, kind.muxer) is None:
            gone.append(f"the language {tag} of stream {stream.index}")
    return [", ".join(gone)] if gone else []


def _dispositions(streams: list[AnyStream], kind: OutputFormat) -> list[str]:
    """What tracks are for, such as "forced" or "comment"."""
    found: dict[str, list[AnyStream]] = {}
    for stream in streams:
        held = set(_HELD_DISPOSITIONS[kind.muxer])
        if stream.type == "subtitle":
            held |= _SUBTITLES_HOLD.get(kind.muxer, set())
        if kind.muxer == "mpegts" and stream.type != "audio":
            held = set()
        for name in sorted(_SPOKEN - held):
            if stream.disposition & Disposition[name]:
                found.setdefault(name, []).append(stream)
    return [f"the disposition {name} of stream {_listed(of)}" for name, of in found.items()]


def _listed(streams: list[AnyStream]) -> str:
    return ", ".join(str(stream.index) for stream in streams)

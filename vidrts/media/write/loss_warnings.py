"""Messages for what an output loses of its source; `stream_mapping.plan` reports streams."""

from collections.abc import Iterable, Iterator

from av.stream import Disposition, Stream

from vidrts.media import color_names
from vidrts.media.input import Input, VideoTrack
from vidrts.media.languages import language, written
from vidrts.media.output_formats import OutputFormat
from vidrts.media.tags import HDR10_ENCODERS, MOV_KEYS, OWN_KEYS, STATISTICS, kept_metadata, too_long, unheld
from vidrts.media.write import side_data
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.stream_mapping import Route
from vidrts.messages import Code, Message

type AnyStream = Stream | VideoTrack

_SPOKEN = {"dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing_impaired", "visual_impaired",
           "clean_effects", "captions", "descriptions"}  # fmt: skip
"""Dispositions that matter for choosing a track; "default" is implied by the order."""
_MATROSKA = {"dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired"}
_HELD_DISPOSITIONS = {
    "matroska": _MATROSKA,
    "webm": {"forced"},
    "mp4": {"dub", "comment", "forced", "hearing_impaired", "visual_impaired", "captions", "descriptions"},
    "mov": set[str](),
    "mpegts": {"hearing_impaired", "visual_impaired", "clean_effects"},
    "nut": {"dub", "original", "comment", "lyrics", "karaoke"},
}
"""Dispositions that survive FFmpeg 9's muxers and demuxers."""
_SUBTITLES_HOLD = {"matroska": {"descriptions"}, "webm": {"captions", "descriptions"}}

_OWN_PLACE = {"language", "title", "name", "creation_time", "alpha_mode", "timecode", "filename", "mimetype"}
"""Stream metadata that is reported or stored elsewhere."""


def picture(source: Input, choice: Choice, kind: OutputFormat) -> list[Message]:
    """A message for each property of the picture that encoder or container lose."""
    lines = []
    encoder = choice.encoder
    for name in source.hdr.dynamic:  # FFmpeg 9 writes none of them from what frames carry (tried with x265, svtav1)
        lines.append(Message(Code.DYNAMIC_HDR_LOST, kind=name, encoder=encoder.name))
    if (source.hdr.primaries or source.hdr.light) and encoder.name not in HDR10_ENCODERS:
        lines.append(Message(Code.HDR10_LOST, encoder=encoder.name))
    if source.captions and not encoder.captions:
        lines.append(Message(Code.CAPTIONS_LOST, encoder=encoder.name))
    lines += side_data.lost(source.side_data, encoder.name, kind.muxer, kind.name)
    if source.info.field_order != "progressive" and encoder.fields is None:
        lines.append(Message(Code.FIELDS_CODED_AS_FRAMES, encoder=encoder.name))
    if source.display_matrix is not None and source.info.rotation and kind.muxer in ("mpegts", "nut"):
        lines.append(Message(Code.ROTATION_LOST, degrees=source.info.rotation, container=kind.name))
    if kind.muxer == "nut" and (options := color_names.ffmpeg_options(source.info.color)):
        lines.append(Message(Code.COLOUR_NOT_HELD, container=kind.name, options=options))
    if kind.muxer == "nut" and source.info.sar not in (0, 1):  # its muxer reads what PyAV gives no way to set
        lines.append(Message(Code.SAR_LOST, container=kind.name, sar=str(source.info.sar)))
    return lines


def tags(source: Input, routes: Iterable[Route], kind: OutputFormat) -> list[Message]:
    """A message for chapters, names, languages and dispositions that the container loses."""
    streams: list[AnyStream] = [source.video]
    streams += [r.stream for r in routes if r.action != "cover" and r.stream.type != "attachment"]
    streams.sort(key=lambda stream: stream.index)
    lost = []
    if kind.muxer == "mpegts":
        if count := len(source.chapters):
            lost.append(Message(Code.CHAPTERS_LOST, container=kind.name, count=count))
        kept = kept_metadata(source.metadata, "file", kind.muxer)
        names = sorted({*unheld(kept, kind.muxer), *too_long(kept, kind.muxer)})
        if names:
            lost.append(Message(Code.METADATA_LOST, container=kind.name, keys=", ".join(names)))
    return [*lost, *_stream_tags(streams, kind), *_languages(streams, kind), *_dispositions(streams, kind)]


def _stream_tags(streams: list[AnyStream], kind: OutputFormat) -> Iterator[Message]:
    """Titles of tracks and their other metadata."""
    if kind.muxer in ("matroska", "webm", "nut"):
        return
    titled = [s for s in streams if s.metadata.get("title") or s.metadata.get("name")]
    if titled and kind.muxer == "mpegts":
        yield Message(Code.TITLES_LOST, container=kind.name, streams=_listed(titled))
    held = (_OWN_PLACE | OWN_KEYS | STATISTICS | MOV_KEYS) - ({"timecode"} if kind.muxer == "mpegts" else set())
    others = {
        key: None
        for s in streams
        for key, value in s.metadata.items()
        if key.lower().split("-")[0] not in held
        and not (isinstance(s, VideoTrack) and side_data.is_packing(key, value))
    }
    if others:
        yield Message(Code.STREAM_METADATA_LOST, container=kind.name, keys=", ".join(others))


def _languages(streams: list[AnyStream], kind: OutputFormat) -> Iterator[Message]:
    """Languages that the container cannot store; mpegts has none for video."""
    for stream in streams:
        tag = language(stream)
        deaf = kind.muxer == "mpegts" and stream.type not in ("audio", "subtitle")
        if tag != "und" and not deaf and written(tag, kind.muxer) is None:
            yield Message(Code.LANGUAGE_LOST, container=kind.name, language=tag, stream=stream.index)


def _dispositions(streams: list[AnyStream], kind: OutputFormat) -> Iterator[Message]:
    """Dispositions such as "forced" or "comment"."""
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
    for name, of in found.items():
        yield Message(Code.DISPOSITION_LOST, container=kind.name, disposition=name, streams=_listed(of))


def _listed(streams: list[AnyStream]) -> str:
    return ", ".join(str(stream.index) for stream in streams)

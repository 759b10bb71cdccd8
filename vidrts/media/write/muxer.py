"""Setting up the output container: streams, tags, chapters, encoder."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import OutputContainer
from av.stream import Disposition, Stream

from vidrts import memory
from vidrts.errors import OptionError
from vidrts.media import mov_flags
from vidrts.media.containers import CLOCKED, FFmpegErrors, av_call, cannot_be_written, open_source, time_base
from vidrts.media.input import Input
from vidrts.media.output_formats import OutputFormat
from vidrts.media.tags import kept_metadata, too_long, unheld
from vidrts.media.write import given_metadata, scheduling
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.stream_copy import copied_stream
from vidrts.media.write.stream_mapping import Route
from vidrts.media.write.transcode import SubtitleEncoder, audio_stream
from vidrts.media.write.video_encoder import VideoEncoder
from vidrts.messages import Code, Message, Tell

if TYPE_CHECKING:
    from av.container.core import Chapter

    from vidrts.media.write.destination import Writable

_BUFFER_SIZE = 1 << 20
"""Bytes per write."""

_LATE = 1
"""Seconds after which a source's first packet is no delay of a stream, but where its clock stands."""

_MOV_KEYS = {"title", "artist", "album", "comment", "genre", "copyright", "date", "location", "creation_time", "make",
             "model"}  # fmt: skip
_USUAL_KEYS = {
    "mov": _MOV_KEYS,
    "mp4": _MOV_KEYS - {"make", "model"} | {
        "album_artist", "composer", "description", "synopsis", "show", "episode_id", "network", "lyrics", "grouping",
        "keywords", "track", "disc", "compilation", "gapless_playback", "hd_video", "media_type", "episode_sort",
        "season_number",
    },
}  # fmt: skip
"""Keys that the muxer writes by default; others need -movflags use_metadata_tags."""


class Muxer:
    """Creates a container, adds its streams and writes its header; `Target` then owns the parts.

    `repeatable`: see `Target`.
    """

    def __init__(
        self,
        to: "str | Writable",
        kind: OutputFormat,
        source: Input,
        options: EncodeOptions,
        routes: list[Route],
        *,
        repeatable: bool = False,
    ):
        self._kind = kind
        self._source = source
        self._options = options
        self._routes = routes
        self.notes: list[Message] = []
        self.shift = self._clock_start()
        metadata = given_metadata.over(kept_metadata(source.metadata, "file", kind.muxer), options.metadata)
        settings = dict(kind.options)
        if repeatable:  # no random identifiers, no version of FFmpeg
            settings["fflags"] = "+bitexact"
        if kind.muxer in ("mp4", "mov"):
            # Edit lists, which say where a stream starts, count in this; FFmpeg's default is milliseconds.
            ticks = source.info.time_base.denominator
            settings["movie_timescale"] = str(ticks * max(1, -(-90_000 // ticks)))
        told = unheld(source.metadata, kind.muxer)  # by `loss_warnings`
        if lost := [key for key in unheld(metadata, kind.muxer) if key not in told]:
            self.notes.append(Message(Code.METADATA_LOST, container=kind.name, keys=", ".join(lost)))
        usual = _USUAL_KEYS.get(kind.muxer)
        odd = [key for key in metadata if usual and key.lower().split("-")[0] not in usual]
        if odd:
            # use_metadata_tags leaves out cover art, which is written among the usual keys.
            if any(r.action == "copy" and r.stream.disposition & Disposition.attached_pic for r in routes):
                line = Message(Code.METADATA_LOST_BESIDE_COVER, keys=", ".join(odd), container=kind.name)
                self.notes.append(line)
            else:
                settings["movflags"] = settings.get("movflags", "") + "+use_metadata_tags"
        if options.muxer_flags is not None and kind.muxer not in ("mp4", "mov"):
            self.notes.append(Message(Code.MOVFLAGS_UNUSED, container=kind.name))
        elif flags := mov_flags.for_muxer(options.muxer_flags):
            settings["movflags"] = settings.get("movflags", "") + flags
        with av_call():
            self.container: OutputContainer = av.open(
                to, "w", format=kind.muxer, container_options=settings, buffer_size=_BUFFER_SIZE
            )
        long = too_long(metadata, kind.muxer)
        self.container.metadata.update({k: v for k, v in metadata.items() if k not in long})
        self.container.set_chapters(self._chapters())

    def _clock_start(self) -> Fraction:
        """Seconds subtracted from all timestamps: an mp4 of a source whose clock starts late would begin with a gap."""
        source = self._source
        start = source.start_time
        if source.begin is not None or self._kind.muxer not in ("mp4", "mov") or not start:
            return Fraction(0)
        # Live recordings start anywhere in any container; mov and mp4 alone say so on purpose, by an edit list.
        late = start > _LATE and "mp4" not in source.demuxers
        if not late and not any(name in CLOCKED for name in source.demuxers):
            return Fraction(0)
        base = source.info.time_base
        self.notes.append(Message(Code.TIMESTAMPS_SHIFTED, shift=-float(start), container=self._kind.name))
        return round(start / base) * base

    def _chapters(self) -> "list[Chapter]":
        """The source's chapters, moved and cut as the streams are."""
        made: list[Chapter] = []
        moved, end = self._source.shift + self.shift, self._source.end
        for chapter in self._source.chapters:
            base = time_base(chapter["time_base"])
            if end is not None and chapter["start"] * base >= end:
                continue
            stop = chapter["end"] if end is None else min(chapter["end"], round(end / base))
            offset = round(moved / base)
            if self._source.begin is not None and stop <= offset:
                continue
            begin = chapter["start"] - offset
            if self._source.begin is not None:
                begin = max(0, begin)
            made.append({**chapter, "start": begin, "end": stop - offset})
        return made

    def add(self, choice: Choice, scale: int, tell: Tell) -> tuple[VideoEncoder, list[Stream | None]]:
        """Add all streams in the source's order: the enhanced one, and one for each route (None: an attachment)."""
        routes = self._routes
        before = [r for r in routes if r.stream.index < self._source.video.index]
        outputs = [self._other(route) for route in before]
        track = VideoEncoder(
            self.container, self._kind, self._source, self._options, choice, scale=scale, shift=self.shift, tell=tell
        )
        self.notes += track.notes
        outputs += [self._other(route) for route in routes[len(before) :]]
        self.notes += given_metadata.to_streams(self.container, self._kind, self._options.stream_metadata)
        return track, outputs

    def _other(self, route: Route) -> Stream | None:
        """The output's stream for a route."""
        stream = route.stream
        if route.action == "cover":
            codec = stream.codec_context.codec.canonical_name
            kind = {"mjpeg": "jpeg"}.get(codec, codec)
            ending = {"mjpeg": "jpg"}.get(codec, codec)
            name = stream.metadata.get("filename") or f"cover.{ending}"
            attached = self.container.add_attachment(name, f"image/{kind}", self._cover(stream.index))
            attached.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() == "title"})
            return None
        if route.action == "audio":
            made: Stream = audio_stream(self.container, stream, route.codec, route.layout, self._options.audio_bit_rate)
        elif route.action == "subtitle":
            made = SubtitleEncoder.stream(self.container, stream, route.codec)
        else:
            made = copied_stream(self.container, stream, self._kind)
        made.metadata.update(kept_metadata(stream.metadata, "stream", self._kind.muxer))
        made.disposition = stream.disposition
        return made

    def _cover(self, index: int) -> bytes:
        """The picture of a cover stream, read from a second opening: the packets are read in another thread."""
        if (seen := self._source.covers.get(index)) is not None:
            return seen
        with open_source(self._source.path) as again:
            for packet in again.demux(again.streams[index]):
                if packet.size:
                    return bytes(packet)
        return b""

    def start(self, track: VideoEncoder) -> None:
        """Write the header, which opens the encoder; raises `OptionError` for unknown options and refused values."""
        try:
            with track.encoder.call("opening"), scheduling.kept(), av_call():
                self.container.start_encoding()
        except FFmpegErrors as error:
            if not memory.lacking(error) and not cannot_be_written(error):
                track.check_values()
            raise
        unknown: dict[str, Any] = track.stream.codec_context.options
        if unknown:
            raise OptionError(f"-e {', '.join(unknown)}: unknown option of {track.encoder.name}")

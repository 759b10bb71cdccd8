"""The output file: its name while it is written, its streams, tags, chapters, and the opening of its encoder."""

import errno
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
from av.codec.context import Flags, ThreadType
from av.container import OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vidrts.errors import OptionError, OutputError
from vidrts.frame import matrix_by_height
from vidrts.media import aspect
from vidrts.media.codecs import Choice, encoder_options
from vidrts.media.containers import CLOCKED, OutputFormat, open_source, time_base
from vidrts.media.convert import SubtitleEncoder, audio_stream
from vidrts.media.decode import Source
from vidrts.media.passthrough import Route, copied_stream
from vidrts.media.planes import FrameBuilder
from vidrts.media.tags import HDR10_ENCODERS, kept_metadata, set_stream_color

if TYPE_CHECKING:
    from av.container.core import Chapter

    from vidrts.media.encode import EncodeOptions

_MPEG_RATES = (
    Fraction(24_000, 1001), Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50),
    Fraction(60_000, 1001), Fraction(60),
)  # fmt: skip
"""The frame rates of MPEG-2 (ISO/IEC 13818-2 table 6-4); MPEG-4 takes them too."""

_FASTEST = 240
"""Frames per second beyond which a guessed rate is a clock, not a rate; svtav1 refuses more."""

LONGEST_NAME = 240
"""Bytes of a file name; most systems take 255, and a partial name is up to 13 longer."""

_MP4_KEYS = {
    "title", "artist", "album_artist", "album", "comment", "genre", "copyright", "composer", "date", "description",
    "synopsis", "show", "episode_id", "network", "lyrics", "grouping", "keywords", "creation_time", "track", "disc",
    "compilation", "gapless_playback", "location", "hd_video", "media_type", "episode_sort", "season_number", "rating",
    "account_type", "sort_name", "purchase_date", "podcast",
}  # fmt: skip
"""Keys that the mp4 muxer writes where players look for them; others need its other way of writing metadata."""


def check(path: Path, source: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` where `path` must not or cannot be written."""
    try:
        taken = os.path.lexists(path)
        if path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path}: is the source itself; give another name for the output")
        if path.is_dir():
            raise OutputError(f"{path}: is a folder, wanted a file name")
    except OSError as error:
        raise OutputError(f"{path}: is no usable file name: {error.strerror}") from error
    if (length := len(os.fsencode(path.name))) > LONGEST_NAME:
        raise OutputError(f"{path}: the file name has {length} bytes, wanted at most {LONGEST_NAME}")
    if taken and not overwrite:
        raise OutputError(f"{path}: exists already (-y overwrites)")
    check_writable(path)


def check_writable(path: Path) -> None:
    """Raise `OutputError` where nothing can be written beside `path`."""
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: the folder {folder} cannot be written to")


def temporary(path: Path, mark: str) -> Path:
    """The hidden name of a file being written, in the final folder, so that renaming is one step."""
    stem = os.fsencode(path.stem)[:60].decode(errors="ignore")
    return path.with_name(f".{stem}.{os.getpid()}-{mark}.vidrts{path.suffix}")


def rename(written: Path, final: Path, *, overwrite: bool) -> None:
    """Give a written file another name; raises OSError, FileExistsError where it may not replace what has that name."""
    if overwrite:
        written.replace(final)
        return
    try:
        os.link(written, final)  # fails where the name exists, unlike a rename
        written.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, "File exists") from None
        written.rename(final)


class OpenedFile:
    """A container being set up: made, given its streams, started. Then its parts belong to `Target`."""

    def __init__(
        self,
        path: Path,
        kind: OutputFormat,
        source: Source,
        options: "EncodeOptions",
        routes: list[Route],
        scale: int,
    ):
        self._kind = kind
        self._source = source
        self._options = options
        self._routes = routes
        self._scale = scale
        self.color = source.info.color
        if scale != 1 and source.info.format.model == "yuv" and self.color.matrix in (2, 3):
            # A player judges an untagged picture by its height, which changes here: say what it was taken for.
            self.color = replace(self.color, matrix=matrix_by_height(source.info.height))
        self.notes: list[str] = []
        self.aspect: tuple[int, int, Fraction] | None = None
        """Arguments of `aspect.write` for when the file is complete."""
        self.shift = self._clock_start()
        metadata = {**kept_metadata(source.container.metadata, "file", kind.muxer), **options.metadata}
        settings = dict(kind.options)
        if kind.muxer in ("mp4", "mov"):
            # Edit lists, which say where a stream starts, count in this; FFmpeg's default is milliseconds.
            ticks = source.info.time_base.denominator
            settings["movie_timescale"] = str(ticks * max(1, -(-90_000 // ticks)))
        odd = [key for key in metadata if key.lower().split("-")[0] not in _MP4_KEYS]
        if kind.muxer in ("mp4", "mov") and odd:
            # The muxer's way of writing any key has no place for cover art, which lies among the usual keys.
            if any(r.action == "copy" and r.stream.disposition & Disposition.attached_pic for r in routes):
                self.notes.append(f"metadata {', '.join(odd)} is lost: {kind.name} cannot hold it beside cover art")
            else:
                settings["movflags"] = "+use_metadata_tags"
        self.container: OutputContainer = av.open(f"file:{path}", "w", format=kind.muxer, container_options=settings)
        self.container.metadata.update(metadata)
        self.container.set_chapters(self._chapters())

    def _clock_start(self) -> Fraction:
        """Seconds taken off all times: a transmitter's clock would become a pause at the start of an mp4."""
        source = self._source
        names = source.container.format.name.split(",")
        start = Fraction(source.container.start_time or 0, 1_000_000)
        if source.options.start is not None or self._kind.muxer not in ("mp4", "mov") or start <= 0:
            return Fraction(0)
        if not any(name in CLOCKED for name in names):
            return Fraction(0)
        base = source.info.time_base
        self.notes.append(f"the source's clock starts at {float(start):.3f} s, {self._kind.name} starts at 0: "
                          "all streams are moved alike")  # fmt: skip
        return round(start / base) * base

    def _chapters(self) -> "list[Chapter]":
        """The source's chapters, moved and cut as the streams are."""
        made: list[Chapter] = []
        moved, end = self._source.shift + self.shift, self._source.cut.end
        for chapter in self._source.container.chapters():
            base = time_base(chapter["time_base"])
            if end is not None and chapter["start"] * base >= end:
                continue
            stop = chapter["end"] if end is None else min(chapter["end"], round(end / base))
            offset = round(moved / base)
            if self._source.cut.begin is not None and stop <= offset:
                continue
            begin = chapter["start"] - offset
            if self._source.cut.begin is not None:
                begin = max(0, begin)
            made.append({**chapter, "start": begin, "end": stop - offset})
        return made

    def add(self, choice: Choice) -> tuple[VideoStream, list[Stream | None]]:
        """Add all streams in the source's order: the enhanced one, and one for each route (None: an attachment)."""
        routes = self._routes
        before = [r for r in routes if r.stream.index < self._source.video.index]
        outputs = [self._other(route) for route in before]
        video = self._video(choice)
        outputs += [self._other(route) for route in routes[len(before) :]]
        return video, outputs

    def _other(self, route: Route) -> Stream | None:
        """The output's stream for a route."""
        stream = route.stream
        if route.action == "cover":
            name = stream.codec_context.codec.canonical_name
            kind = {"mjpeg": "jpeg"}.get(name, name)
            ending = {"mjpeg": "jpg"}.get(name, name)
            self.container.add_attachment(f"cover.{ending}", f"image/{kind}", self._cover(stream.index))
            return None
        if route.action == "audio":
            made: Stream = audio_stream(self.container, stream, route.codec)
        elif route.action == "subtitle":
            made = SubtitleEncoder.stream(self.container, stream, route.codec)
        else:
            made = copied_stream(self.container, stream)
        made.metadata.update(kept_metadata(stream.metadata, "stream", self._kind.muxer))
        made.disposition = stream.disposition
        return made

    def _cover(self, index: int) -> bytes:
        """The picture of a cover stream; read by an opening of its own, for the packets run in another thread."""
        with open_source(self._source.path) as again:
            for packet in again.demux(again.streams[index]):
                if packet.size:
                    return bytes(packet)
        return b""

    def _video(self, choice: Choice) -> VideoStream:
        """The enhanced stream with its encoder, not yet open."""
        info, options, encoder = self._source.info, self._options, choice.encoder
        rate = info.frame_rate or Fraction(25)
        rate = min(rate, Fraction(_FASTEST)).limit_denominator(1_000_000)
        if encoder.rate_based:
            rate = min(_MPEG_RATES, key=lambda standard: abs(standard - rate))
            self.notes.append(f"{encoder.name} counts whole frames: times are rounded to {float(rate):.3f} frames/s")
        base = 1 / rate if encoder.rate_based else info.time_base
        stream = cast(VideoStream, self.container.add_stream(encoder.name, rate=rate))
        context = stream.codec_context
        context.width, context.height = info.width * self._scale, info.height * self._scale
        context.pix_fmt = choice.format.name
        context.time_base = base
        context.thread_type = ThreadType.AUTO
        context.thread_count = options.threads
        context.flags |= Flags.frame_duration
        if options.bit_rate is not None:
            context.bit_rate = options.bit_rate
        convert = self._conversion(choice)
        self.builder = FrameBuilder(info.format, (context.width, context.height), choice.format, convert)
        if choice.format.model == "rgb":
            self.color = replace(self.color, matrix=0, range=2)
        set_stream_color(stream, self.color, info.sar, info.field_order)
        if self._kind.muxer in ("mp4", "mov") and encoder.name in ("libx265", "hevc_nvenc"):
            context.codec_tag = "hvc1"  # the tag that Apple's players want; the default is hev1
        extra = dict(options.options)
        params = self._source.hdr.encoder_params(encoder.name)
        if info.field_order != "progressive" and encoder.name in ("libx264", "mpeg2video"):
            extra["flags"] = "+ildct+ilme" + extra.get("flags", "")
            if encoder.name == "libx264":
                params.append("tff=1" if info.field_order == "tff" else "bff=1")
        if options.threads and encoder.name in ("libx265", "libsvtav1"):
            params.append(f"{'pools' if encoder.name == 'libx265' else 'lp'}={options.threads}")
        stream.codec_context.options = encoder_options(
            encoder, crf=options.crf, bit_rate=options.bit_rate, preset=options.preset, tune=options.tune,
            params=params, extra=extra,
        )  # fmt: skip
        kept = kept_metadata(self._source.video.metadata, "enhanced", self._kind.muxer)
        if not choice.format.alpha:
            for key in [key for key in kept if key.lower() == "alpha_mode"]:
                del kept[key]
                self.notes.append("the alpha plane is lost: FFmpeg's decoder of this stream does not decode it")
        stream.metadata.update(kept)
        stream.disposition = self._source.video.disposition
        if self._kind.muxer in ("matroska", "webm") and info.sar not in (0, 1):
            self.aspect = (context.width, context.height, info.sar)
            stream.metadata["title"] = stream.metadata.get("title", "") + aspect.ROOM
        if self._source.display_matrix is not None:
            stream.set_display_matrix(self._source.display_matrix)
        return stream

    def _conversion(self, choice: Choice) -> str | None:
        """The filter for a pixel format that does not hold the same picture (-pix_fmt); sets `color` accordingly."""
        held, wanted = self._source.info.format, choice.format
        if held.samples == wanted.samples:
            return None
        if "gray" in (held.model, wanted.model) and held.model != wanted.model:
            raise OptionError(f"-pix_fmt {wanted.name}: {held.name} is not converted between gray and colour")
        flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        full = held.full_range or self.color.range == 2
        matrix = self.color.matrix if self.color.matrix not in (0, 2, 3) else None
        if matrix is None:
            matrix = matrix_by_height(self._source.info.height)
        name = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}.get(matrix)
        if name is None:
            raise OptionError(f"-pix_fmt {wanted.name}: the source's colour matrix {matrix} cannot be converted")
        if (held.model == "rgb") == (wanted.model == "rgb"):
            keep = "full" if full else "limited"
            return f"scale=flags={flags}:in_range={keep}:out_range={keep}"
        if wanted.model == "rgb":
            return f"scale=flags={flags}:in_color_matrix={name}:in_range={'full' if full else 'limited'}:out_range=full"
        self.color = replace(self.color, matrix=matrix, range=1, siting=1)
        return f"scale=flags={flags}:out_color_matrix={name}:in_range=full:out_range=limited"

    def start(self, video: VideoStream) -> None:
        """Write the header, which opens the encoder; raises `OptionError` for options that nobody took."""
        self.container.start_encoding()
        unknown: dict[str, Any] = video.codec_context.options
        if unknown:
            raise OptionError(f"{video.codec_context.name} has no option {', '.join(unknown)} (-e key=value)")


def warnings(source: Source, choice: Choice, kind: OutputFormat) -> list[str]:
    """A line for each thing about the picture that the encoder or the container does not carry."""
    lines = []
    encoder = choice.encoder
    for name in source.hdr.dynamic:  # FFmpeg 9 writes none of them from what frames carry (tried with x265, svtav1)
        lines.append(f"{name} metadata is lost: {encoder.name} does not write it")
    if (source.hdr.primaries or source.hdr.light) and encoder.name not in HDR10_ENCODERS:
        lines.append(f"HDR10 metadata (mastering display, light levels) is lost: {encoder.name} does not write it")
    if source.captions and not encoder.captions:
        lines.append(f"closed captions are lost: {encoder.name} does not write them")
    if source.info.field_order != "progressive" and encoder.name not in ("libx264", "mpeg2video", "ffv1"):
        lines.append(f"{encoder.name} codes interlaced frames as whole ones; only the container says that they are")
    if source.display_matrix is not None and source.info.rotation and kind.muxer == "mpegts":
        lines.append(f"the rotation by {source.info.rotation} degrees is lost: {kind.name} cannot hold it")
    return lines

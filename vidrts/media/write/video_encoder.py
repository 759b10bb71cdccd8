"""The enhanced stream of the output: setting up its encoder, and encoding frames to packets."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
from av import VideoCodecContext
from av.codec.context import Flags, ThreadType
from av.container import OutputContainer
from av.video.stream import VideoStream

from vidrts.frame import ColorTags, Frame, matrix_by_height
from vidrts.media import x265
from vidrts.media.containers import AnyPacket, av_call, time_base
from vidrts.media.input import Input
from vidrts.media.output_formats import OutputFormat
from vidrts.media.planes import FrameBuilder
from vidrts.media.tags import kept_metadata, set_color, set_encoder_color
from vidrts.media.write import color_losses, matroska_sar, side_data
from vidrts.media.write.conversion import Conversion
from vidrts.media.write.decoding_times import DecodingTimes
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.encoder_options import encoder_options, fitting_slices
from vidrts.media.write.encoder_params import given_params, try_params
from vidrts.media.write.field_flags import FieldFlags
from vidrts.media.write.mark import encoder_tag
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.picture_colors import rgb_lost
from vidrts.media.write.refused_values import check_values
from vidrts.media.write.tag_changes import TagChanges
from vidrts.messages import Code, Message, Tell
from vidrts.native_calls import each_within

_MPEG_RATES = (
    Fraction(24_000, 1001), Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50),
    Fraction(60_000, 1001), Fraction(60),
)  # fmt: skip
"""The frame rates of MPEG-2 (ISO/IEC 13818-2 table 6-4); MPEG-4 takes them too."""

_FASTEST = 240
"""Frames per second above which a guessed rate is a time base, not a rate; SVT-AV1 rejects more."""


_LOOKING_AHEAD = ("libx264", "libx264rgb", "libx265")
"""Encoders that delay dozens of frames unless tuned for zero latency."""

_HELD = 1024
"""Durations that are remembered; no encoder delays as many frames."""


class VideoEncoder:
    """A video stream of `container` with an encoder for the frames of `source`. Stateful; one for each target.

    `shift`: seconds subtracted from all timestamps; `tell` gets messages during encoding. Raises `OptionError` for what
    the encoder does not take; the encoder itself is opened when the container's header is written.
    """

    def __init__(
        self,
        container: OutputContainer,
        kind: OutputFormat,
        source: Input,
        options: EncodeOptions,
        choice: Choice,
        *,
        scale: int,
        shift: Fraction,
        tell: Tell,
    ):
        self.encoder, self.format = choice.encoder, choice.format
        self.notes: list[Message] = []
        """Messages of the set-up."""
        self.aspect: tuple[int, int, Fraction] | None = None
        """Arguments of `matroska_sar.write` for when the file is complete."""
        self._kind = kind
        self._source = source
        self._options = options
        self._scale = scale
        self.shift = round(shift / source.info.time_base)
        """Ticks subtracted from all pts."""
        origin = source.start_time - source.shift - shift
        self._fields = FieldFlags(self.encoder, source.info.field_order, tell, origin)
        # Other containers store an encoder's headers, and with them the tags, once for the whole film.
        self._changes = TagChanges(source, tell, follows=kind.muxer == "mpegts")
        self.settings: dict[str, str] = {}
        """All options that the encoder is opened with."""
        self._durations: dict[int, int] = {}
        self._decoding = DecodingTimes()
        self._first_dts: int | None = None
        self._first_pts: int | None = None
        self._last_pts = self._end = 0
        self._rate = self._encoded_rate()
        with av_call():
            self.stream = cast(VideoStream, container.add_stream(self.encoder.name, rate=self._rate))
        self._context = self.stream.codec_context
        self._configure(source.info.color, source.info.sar)
        self._try_params()
        if source.pictures and options.pixel_format is None and self.format.model != source.info.format.model:
            self.notes.append(rgb_lost(source.info.format, self.format, self._color, kind))
        if lost := color_losses.message(self._color, self.format, self.encoder, kind):
            self.notes.append(lost)
        self._describe(self.stream)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._context.width, self._context.height

    @property
    def color(self) -> ColorTags:
        """The tags that are written."""
        return self._color

    @property
    def time_base(self) -> Fraction:
        """Of its packets."""
        return time_base(self._context.time_base)

    @property
    def frames(self) -> bool:
        """Whether a frame was encoded."""
        return self._first_pts is not None

    # Setting up ---------------------------------------------------------------------------------------------------

    def _encoded_rate(self) -> Fraction:
        """Frames/s for the encoder."""
        rate = self._source.info.frame_rate or Fraction(25)
        rate = min(rate, Fraction(_FASTEST)).limit_denominator(1_000_000)
        if self.encoder.rate_based:
            rate = min(_MPEG_RATES, key=lambda standard: abs(standard - rate))
            self.notes.append(Message(Code.TIMES_ROUNDED, encoder=self.encoder.name, rate=float(rate)))
        return rate

    def _configure(self, color: ColorTags, sar: Fraction) -> None:
        """Set up the encoder, which is not yet open, for frames with these tags."""
        info, options, encoder, context = self._source.info, self._options, self.encoder, self._context
        self._color = color
        if self._scale != 1 and info.format.model == "yuv" and color.matrix in (2, 3):
            # Players guess the matrix of untagged video by its height, which changes here: tag what was assumed.
            self._color = replace(color, matrix=matrix_by_height(info.height))
        context.width, context.height = info.width * self._scale, info.height * self._scale
        context.pix_fmt = self.format.name
        context.time_base = 1 / self._rate if encoder.rate_based else info.time_base
        context.thread_type = ThreadType.AUTO
        context.thread_count = options.threads
        context.flags |= Flags.frame_duration
        if options.bit_rate is not None:
            context.bit_rate = options.bit_rate
        self._builder = FrameBuilder(info.format, (context.width, context.height), self.format, self._conversion())
        if self.format.model == "rgb":
            self._color = replace(self._color, matrix=0, range=self._color.range or 2)
        set_encoder_color(context, self._color, sar, info.field_order)
        if self._kind.muxer in ("mp4", "mov") and encoder.name in ("libx265", "hevc_nvenc"):
            context.codec_tag = "hvc1"  # Apple's players need this tag; the default is hev1
        context.options = self.settings = self._encoder_options((context.width, context.height), options.options)

    def _try_params(self) -> None:
        """Hear what the encoder says of the parameters that were given for its library."""
        given, context = self._options.options, self._context
        if params := given_params(given):
            others = {key: value for key, value in given.items() if key not in params}
            without = self._encoder_options((context.width, context.height), others)
            words = " ".join(f"{key}={given[key]}" for key in params)
            self.notes += try_params(context, context.options, without, words)

    def check_values(self) -> None:
        """After the encoder did not open: raise `OptionError` for a value of -e that it does not take."""
        self._renew()  # one that failed has no codec
        size = self._context.width, self._context.height
        check_values(self._context, self._options.options, lambda given: self._encoder_options(size, given))

    def _renew(self) -> None:
        """Go on with another encoder of the same kind, for the tags that `_changes` has now."""
        made = av.CodecContext.create(self.encoder.name, "w")
        assert isinstance(made, VideoCodecContext)
        self._context = made
        made.framerate = self._rate
        self._configure(self._changes.color, self._changes.sar)

    def _encoder_options(self, size: tuple[int, int], given: Mapping[str, str]) -> dict[str, str]:
        """The encoder's options: the user's, with `given` by -e, HDR10 metadata, interlaced coding."""
        info, options, encoder = self._source.info, self._options, self.encoder
        extra = dict(given)
        params = self._source.hdr.encoder_params(encoder.name)
        if encoder.name == "libx265":
            params += x265.params(size[0])
        if info.field_order != "progressive" and encoder.fields:
            extra["flags"] = encoder.fields + extra.get("flags", "")
            if encoder.name == "libx264":
                params.append("tff=1" if info.field_order == "tff" else "bff=1")
        if options.threads and encoder.name in ("libx265", "libsvtav1"):
            params.append(f"{'pools' if encoder.name == 'libx265' else 'lp'}={options.threads}")
        tune = options.tune
        if options.low_latency and tune is None and "tune" not in extra and encoder.name in _LOOKING_AHEAD:
            tune = "zerolatency"
        made = encoder_options(
            encoder, crf=options.crf, bit_rate=options.bit_rate, preset=options.preset, tune=tune,
            params=params, extra=extra,
        )  # fmt: skip
        if "slices" in encoder.options and "slices" not in extra:
            count = fitting_slices(encoder, made, size, self.format.name)
            made.pop("slices")
            if count is not None:
                made["slices"] = count
        return made

    def _describe(self, stream: VideoStream) -> None:
        """Names, disposition, aspect ratio and rotation of the source's stream."""
        info, source = self._source.info, self._source.video
        kept = kept_metadata(source.metadata, "enhanced", self._kind.muxer)
        if not self.format.alpha:
            for key in [key for key in kept if key.lower() == "alpha_mode"]:
                del kept[key]
                self.notes.append(
                    Message(Code.ALPHA_NOT_HELD, format=self.format.name)
                    if info.format.alpha
                    else Message(Code.ALPHA_NOT_DECODED)
                )
        mode = side_data.stereo_mode(self._source.side_data, self._kind.muxer)
        if mode is not None:
            kept["stereo_mode"] = mode
        stream.metadata.update(kept)
        stream.metadata["encoder"] = encoder_tag(self.encoder.name)
        stream.disposition = source.disposition
        if self._kind.muxer in ("matroska", "webm") and info.sar not in (0, 1):
            beside, below = side_data.views(kept.get("stereo_mode"))
            self.aspect = (stream.codec_context.width, stream.codec_context.height, info.sar * below / beside)
            stream.metadata["title"] = stream.metadata.get("title", "") + matroska_sar.ROOM
        if self._source.display_matrix is not None:
            stream.set_display_matrix(self._source.display_matrix)

    def _conversion(self) -> Conversion | None:
        """For a pixel format that does not hold the same picture (-pix_fmt); sets the colour accordingly."""
        held = self._source.info.format
        if held.samples == self.format.samples:
            return None
        conversion = Conversion(held, self.format, self._color, self._source.info.height)
        self._color = conversion.color
        return conversion

    # Encoding -----------------------------------------------------------------------------------------------------

    def encode(self, frame: Frame) -> Iterator[AnyPacket]:
        """The packets that are ready once `frame` is there."""
        if self._changes.seen(frame):
            yield from self.rest()
            self._renew()
        made = self._builder.build(frame.planes, frame.carrier, frame.time_base)
        set_color(made, self._color)
        made.pict_type = 0  # else the encoder repeats the source's choice of key frames
        base, pts, shown = frame.time_base, frame.pts - self.shift, made.duration
        if self.encoder.rate_based:
            base = time_base(self._context.time_base)
            pts, shown = round(pts * frame.time_base / base), round(shown * frame.time_base / base)
            if self._first_pts is not None and pts <= self._last_pts:
                pts = self._last_pts + 1
        made.pts, made.duration, made.time_base = pts, shown, base
        made = self._fields.set(made, frame.field_order, base)
        if self._first_pts is None:
            self._first_pts = pts
        self._last_pts = pts
        self._durations[pts] = shown
        if len(self._durations) > _HELD:
            del self._durations[next(iter(self._durations))]
        self._end = max(self._end, pts + shown)
        self._decoding.shown(pts, shown)
        with self.encoder.call("encoding"):
            packets = self._context.encode(made)
        for packet in packets:
            packet.stream = self.stream
            yield self._timed(packet)

    def drain(self) -> Iterator[AnyPacket]:
        """The packets that the encoder still holds."""
        if not self.frames:
            return
        last: AnyPacket | None = None
        for packet in self.rest():
            if last is not None:
                yield last
            last = packet
        if last is not None:
            if self._kind.muxer in ("mp4", "mov"):
                last.duration = closed_duration(last, self._first_pts, self._first_dts, self._end)
            yield last

    def rest(self) -> Iterator[AnyPacket]:
        """What this encoder still holds."""
        if not self.frames:
            return
        held = self._context.encode_lazy(None)  # one by one, so that a signal is noticed between
        for packet in each_within(lambda: self.encoder.call("finishing"), held):
            packet.stream = self.stream
            yield self._timed(packet)

    def _timed(self, packet: AnyPacket) -> AnyPacket:
        """The packet with its frame's duration, which some encoders drop, and a valid dts."""
        shown = packet.pts
        packet.pts, packet.dts = self._decoding.times(packet.pts, packet.dts)
        if self._first_dts is None:
            self._first_dts = packet.dts
        if shown is not None and (duration := self._durations.pop(shown, 0)):
            packet.duration = duration
        return packet


def closed_duration(last: AnyPacket, first_pts: int | None, first_dts: int | None, end: int) -> int:
    """The duration of the last packet in decoding order that makes the track as long as its frames are shown.

    mp4 and mov count a track's length in decoding order: that of the frame shown last would be forgotten where another
    frame is decoded after it. `end`: the pts at which the last frame ends.
    """
    own = last.duration or 0
    if last.pts is None or last.dts is None or first_dts is None or first_pts is None:
        return own
    missing = (end - first_pts) - (last.dts - first_dts)
    return max(own, min(missing, end - last.pts))

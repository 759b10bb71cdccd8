"""Writing y4m or raw video to stdout: frames only. Messages name what these formats cannot carry.

    with RawTarget(stdout, "y4m", source.input) as target: ...

`write.open` chooses between this and `Target`.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO, cast

from vidrts.errors import OptionError
from vidrts.frame import PIXEL_FORMATS, Frame, PixelFormat
from vidrts.media.color_names import Fact, ffmpeg_options
from vidrts.media.containers import Place, write_error
from vidrts.media.input import Input
from vidrts.media.pipes import rawvideo, y4m
from vidrts.media.pipes.header import Header
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.write.frames_target import FramesTarget
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.tag_changes import TagChanges
from vidrts.media.write.write_plan import WritePlan, frames_alone
from vidrts.messages import Code, Message, Tell, ignore

_LATE = 1
"""Frames by which a timestamp may deviate from the constant rate; clocks in milliseconds stay below."""
_NAMES = {"y4m": "y4m", "raw": "raw video"}


class RawTarget(FramesTarget):
    """y4m or raw video, frame by frame to stdout. Passive; one thread. Used as `Target` is.

    Raises `OptionError` for encoder options and `UnsupportedFormatError` for pixel formats that y4m does not support.
    """

    def __init__(
        self,
        stdout: StandardOutput,
        kind: str,
        source: Input,
        options: EncodeOptions,
        *,
        scale: int = 1,
        on_message: Tell = ignore,
    ):
        _check_options(options, kind)
        self.path: Place = str(stdout)
        self._stdout = stdout
        self._tell = on_message
        self._source = source
        self._kind = kind
        self._changes = TagChanges(source, on_message)
        self._first: Fraction | None = None
        self._given = 0
        info = source.info
        held = _plain(info.format) if kind == "y4m" else info.format
        self._shift = info.format.shift - held.shift
        rate = None if source.piped == kind else source.video.guessed_rate
        self._header = header = Header(
            width=info.width * scale, height=info.height * scale, format=held, rate=rate or info.frame_rate,
            field_order="mixed" if source.mixed_fields else info.field_order, sar=info.sar,
            siting=info.color.siting or 1,  # the enhancer treats unspecified as left; in y4m it would mean centred
            range=2 if info.format.name.startswith("yuvj") else info.color.range,
        )  # fmt: skip
        self.plan = WritePlan(
            container=_NAMES[kind], encoder=None, quality="uncompressed", settings={}, width=header.width,
            height=header.height, format=held.name, color=info.color, streams=frames_alone(source, _NAMES[kind]),
        )  # fmt: skip
        """What was decided."""
        self._uneven = kind == "raw"  # raw video has no timestamps at all
        self._writer = self._opened()
        for line in self._losses():
            self._tell(line)

    @property
    def bytes_written(self) -> int:
        """Size of the output so far."""
        return self._stdout.count

    def _write_frame(self, frame: Frame) -> None:
        self._check_time(frame)
        self._changes.seen(frame)
        planes = frame.planes if not self._shift else tuple(plane >> self._shift for plane in frame.planes)
        try:
            if isinstance(self._writer, y4m.Writer):
                self._writer.write(planes, frame.field_order)
            else:
                self._writer.write(planes)
        except OSError as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error
        self._given += 1

    def keep_partial(self) -> Place | None:
        """Where the frames went; None without frames."""
        return self.path if self._given else None

    def rescue(self) -> str | None:
        """Nothing to say after an error: the frames are with the reader."""
        return None

    def reader_closed(self) -> bool:
        """Whether the reader closed the pipe."""
        return self._stdout.reader_closed()

    def _opened(self) -> y4m.Writer | rawvideo.Writer:
        """The writer; y4m's writes its header at once."""
        stream = cast(BinaryIO, self._stdout)
        try:
            return y4m.Writer(stream, self._header) if self._kind == "y4m" else rawvideo.Writer(stream, self._header)
        except OSError as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    # What is lost -------------------------------------------------------------------------------------------------

    def _losses(self) -> Iterator[Message]:
        """A message for everything that the next program must be told, or that is lost."""
        source, header = self._source, self._header
        name = _NAMES[self._kind]
        if self._kind == "raw":
            options = f"-f rawvideo -pixel_format {header.format.name} -video_size {header.width}x{header.height}"
            yield Message(Code.RAW_READ_WITH, options=f"{options} -framerate {header.rate or 25}")
        held: list[Fact] = ["range"] if self._kind == "y4m" else []
        if self._kind == "y4m" and header.format.name == "yuv420p" and header.siting <= 3:
            held.append("siting")
        color = source.info.color if header.format.model == "yuv" else replace(source.info.color, matrix=2, siting=0)
        if options := ffmpeg_options(color, held):
            yield Message(Code.COLOUR_NOT_HELD, container=name, options=options)
        if self._kind == "raw" and header.sar not in (0, 1):
            yield Message(Code.SAR_LOST, container=name, sar=str(header.sar))
        others = [s.type for s in source.others]
        if others:
            counted = ", ".join(f"{others.count(kind)} {kind}" for kind in dict.fromkeys(others))
            yield Message(Code.STREAMS_LEFT_OUT, container=name, streams=counted)
        if source.info.rotation:
            yield Message(Code.ROTATION_LOST, degrees=source.info.rotation, container=name)
        if source.hdr.primaries or source.hdr.light or source.hdr.dynamic:
            yield Message(Code.HDR_LOST, container=name)

    def _check_time(self, frame: Frame) -> None:
        """Warn once where frames leave the constant rate of the header."""
        if self._uneven or self._header.rate is None:
            return
        time = frame.pts * frame.time_base
        if self._first is None:
            self._first = time
        late = (time - self._first) * self._header.rate - self._given
        if abs(late) > _LATE:
            self._uneven = True
            self._tell(Message(Code.TIMES_LOST, time=float(time), rate=float(self._header.rate)))


def _plain(fmt: PixelFormat) -> PixelFormat:
    """The equivalent planar format whose range is a tag; `fmt` itself if there is none."""
    alike = (f for f in PIXEL_FORMATS.values() if f.samples == fmt.samples and f.layout == "planar" and not f.shift)
    return next((f for f in alike if not f.name.startswith("yuvj")), fmt)


def _check_options(options: EncodeOptions, kind: str) -> None:
    """Raise `OptionError` for encoder options."""
    others = {"-c:v": options.video_codec, "-pix_fmt": options.pixel_format, "-c:a": options.audio_codec}
    given = [*options.encoder_settings, *(option for option, value in others.items() if value is not None)]
    if given:
        raise OptionError(f"{', '.join(given)}: {kind} is not encoded; use -f matroska or another container")

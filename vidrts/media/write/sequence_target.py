"""Writing the frames of a video as numbered pictures, each a complete file or none.

    with SequenceTarget(Path("out/%05d.png"), source.input, EncodeOptions()) as target: ...

`write.open` chooses between this and `Target`.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import torch

from vidrts import color, colorplan
from vidrts.errors import OptionError, OutputError
from vidrts.frame import ColorTags, Frame, PixelFormat, pixel_format
from vidrts.media.containers import Place
from vidrts.media.input import Input
from vidrts.media.pictures import sequence
from vidrts.media.pictures.formats import SUFFIXES
from vidrts.media.pictures.metadata import Metadata
from vidrts.media.pictures.read import Picture
from vidrts.media.pictures.write import check_quality, quality_words
from vidrts.media.write import output_path
from vidrts.media.write.conversion import Conversion
from vidrts.media.write.frames_target import FramesTarget
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.picture_file import save
from vidrts.media.write.tag_changes import TagChanges
from vidrts.media.write.write_plan import WritePlan, frames_alone
from vidrts.messages import Code, Message, Once, Tell, ignore

_FIRST = 1
"""Number of the first picture, as FFmpeg has it."""


class SequenceTarget(FramesTarget):
    """Numbered pictures, from 1. Passive; one thread. Used as `Target` is.

    RGB of full range, gray where the source is, of 8 bit, or 16 where the source has more and the format holds them.
    Names and options are checked when it is made: `OutputError`, `OptionError`. `discard`: nothing is written.
    """

    def __init__(
        self,
        path: Path,
        source: Input,
        options: EncodeOptions,
        *,
        scale: int = 1,
        discard: bool = False,
        on_message: Tell = ignore,
    ):
        pattern = output_path.final(path, options.format)
        _check_options(options, pattern)
        check_quality(pattern, options.quality)
        self.path: Place = pattern
        self._pattern, self._options, self._discard = pattern, options, discard
        self._tell = Once(on_message)
        for number in sorted(sequence.existing(pattern)):
            if number >= _FIRST:
                output_path.check(sequence.numbered(pattern, number), source.path, **self._replace)
        output_path.check(sequence.numbered(pattern, _FIRST), source.path, **self._replace)
        info = source.info
        self._changes = TagChanges(source, on_message)
        kind = SUFFIXES[pattern.suffix.lower()]
        deep = info.format.depth > 8 or info.format.floating
        if deep and kind in ("JPEG", "WebP"):
            self._tell(Message(Code.PICTURE_DEPTH_LOST, format=kind))
            deep = False
        self._convert = _Convert(info.format, info.color, info.height, 16 if deep else 8)
        self._subsampling = 2 if info.format.log2_h else 1 if info.format.log2_w else 0
        self._given = self._bytes = 0
        self.plan = WritePlan(
            container=f"{kind} pictures", encoder=kind, settings={},
            quality=quality_words(pattern, options.quality, lossless=False), width=info.width * scale,
            height=info.height * scale, format=self._convert.format.name, color=self._convert.color,
            streams=frames_alone(source, "a sequence of pictures"),
        )  # fmt: skip
        """What was decided."""
        for line in _losses(source):
            self._tell(line)

    @property
    def _replace(self) -> dict[str, bool]:
        return {"overwrite": self._options.overwrite, "own_only": self._options.own_only}

    @property
    def bytes_written(self) -> int:
        """Size of the pictures so far."""
        return self._bytes

    def _write_frame(self, frame: Frame) -> None:
        self._changes.seen(frame)
        if self._discard:
            self._convert(frame)
            return
        picture = Picture(
            frame=self._convert(frame), metadata=Metadata(), lossless=False, subsampling=self._subsampling
        )  # fmt: skip
        target = sequence.numbered(self._pattern, _FIRST + self._given)
        try:
            self._bytes += save(picture, target, self._options, self._once_of_all)
        except OutputError as error:
            if self._given:
                raise OutputError(f"{error}; the {self._given} pictures before it are written") from error
            raise
        self._given += 1

    def _once_of_all(self, line: Message) -> None:
        """A message about one picture, told of all."""
        self._tell(Message(line.code, **line.values).about(self._pattern))

    def keep_partial(self) -> Place | None:
        """Where the pictures are, each complete; None without any."""
        return self.path if self._given else None

    def rescue(self) -> str | None:
        """What is there after an error."""
        return f"the first {self._given} pictures are written" if self._given else None

    def reader_closed(self) -> bool:
        """There is no pipe."""
        return False


class _Convert:
    """Frames of a format -> frames as pictures hold them: gray or RGB of `depth` bits and full range, with alpha."""

    def __init__(self, held: PixelFormat, tags: ColorTags, height: int, depth: int) -> None:
        end = "" if depth == 8 else "16le"
        gray = held.model == "gray"
        self._plan = None
        if gray:
            self.format = pixel_format("gray" if depth == 8 else "gray16le")
            known, _ = colorplan.assume(tags, held, height)
            self._plan = colorplan.plan(known, held)
        else:
            self.format = pixel_format(f"gbr{'a' if held.alpha else ''}p{end}")
        same = held.samples == self.format.samples and not held.shift
        self._through = None if gray or same else Conversion(held, self.format, tags, height)
        self.color = ColorTags(range=2) if gray else ColorTags(matrix=0, range=2)

    def __call__(self, frame: Frame) -> Frame:
        planes: Sequence[torch.Tensor] = frame.planes
        if self._plan is not None:  # alpha of gray is not kept: `_losses` tells
            luma = color.luma_plane(planes, self._plan).mul_(self.format.most).round_().clamp_(0, self.format.most)
            planes = (luma.to(self.format.dtype),)
        elif self._through is not None:
            planes = self._through(planes)
        return Frame(
            planes=tuple(planes), format=self.format, color=self.color, pts=frame.pts, time_base=frame.time_base
        )  # fmt: skip


def _losses(source: Input) -> Iterator[Message]:
    """A message for everything that is lost."""
    info, name = source.info, "pictures"
    if others := [s.type for s in source.others]:
        counted = ", ".join(f"{others.count(kind)} {kind}" for kind in dict.fromkeys(others))
        yield Message(Code.STREAMS_NOT_IN_PICTURES, streams=counted)
    if info.format.model == "gray" and info.format.alpha:
        yield Message(Code.ALPHA_NOT_HELD, format=name)
    if info.sar not in (0, Fraction(1)):
        yield Message(Code.SAR_LOST, container=name, sar=str(info.sar))
    if info.rotation:
        yield Message(Code.ROTATION_LOST, degrees=info.rotation, container=name)
    if source.hdr.primaries or source.hdr.light or source.hdr.dynamic or info.color.hdr:
        yield Message(Code.HDR_LOST, container=name)


def _check_options(options: EncodeOptions, pattern: Path) -> None:
    """Raise `OptionError` for encoder options."""
    others = {"-c:v": options.video_codec, "-pix_fmt": options.pixel_format, "-c:a": options.audio_codec}
    given = [*options.encoder_settings, *(option for option, value in others.items() if value is not None)]
    if given:
        raise OptionError(f"{', '.join(given)}: for videos only, and {pattern} are pictures; --quality is for pictures")

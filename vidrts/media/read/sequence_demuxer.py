"""Numbered pictures as a video: one frame for each, at the rate of -framerate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av import VideoFrame

from vidrts.errors import OptionError
from vidrts.frame import Frame, StreamInfo
from vidrts.media.containers import Decoded, Place, named_stream
from vidrts.media.input import Input, VideoTrack
from vidrts.media.pictures import sequence
from vidrts.media.pictures.read import read
from vidrts.media.planes import carried
from vidrts.media.read.damage import LossReport
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.trim import Cut
from vidrts.media.tags import set_color
from vidrts.messages import Code, Message, Once, Tell

_RATE = Fraction(25)
"""Pictures per second where none are given; FFmpeg assumes the same."""


class SequenceDemuxer:
    """A `Demuxer` of the pictures of a pattern such as frames/%05d.png. The number gives the time: where some are
    missing the picture before stays longer."""

    index = 0
    raw = False
    alone = True
    start_time = Fraction(0)

    def __init__(self, path: Place, options: DecodeOptions, tell: Tell, check: Callable[[], None]) -> None:
        assert isinstance(path, Path)
        if options.stream is not None:
            named_stream(path, [self.index], options.stream)
        if options.hwaccel.startswith("cuda"):
            raise OptionError(f"--hwaccel {options.hwaccel}: {path} are pictures, which are decoded in software")
        self._path = path
        self._check = check
        self._tell = Once(tell)
        self._pictures = sequence.find(path, options.start_number, tell)
        self._rate = options.framerate or _RATE
        self.time_base = 1 / self._rate
        self.lost = LossReport()  # a damaged picture is an error

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """All pictures, or with `seek` those from `begin` on."""
        first = self._pictures.numbers[0]
        for number in self._pictures.numbers:
            pts = number - first
            if seek and begin is not None and pts < begin * self._rate:
                continue
            self._check()
            picture = read(self._pictures.file(number), ycc=True, on_message=self._tell)
            if picture.metadata.icc is not None:
                self._tell(Message(Code.PROFILE_LOST))
            frame = carried(picture.frame.planes, picture.frame.format)
            frame.pts, frame.duration, frame.time_base = pts, 1, self.time_base
            set_color(frame, picture.frame.color)
            yield frame

    def aspect_ratio(self, pts: int) -> Fraction:  # noqa: D102 - Demuxer's
        return Fraction(0)

    def display_matrix(self, frame: VideoFrame) -> None:  # noqa: D102 - Demuxer's
        return None

    def is_cover(self, index: int) -> bool:  # noqa: D102 - Demuxer's
        return False

    def no_frames(self) -> str:  # noqa: D102 - Demuxer's
        return "no pictures"

    def truncation(self, frames: int) -> str | None:  # noqa: D102 - Demuxer's
        return None

    def describe(self, first: Frame, cut: Cut) -> Input:
        """From the first picture and the numbers."""
        numbers = self._pictures.numbers
        length = (numbers[-1] - numbers[0] + 1) / self._rate
        codec = "mjpeg" if self._path.suffix.lower() in (".jpg", ".jpeg") else self._path.suffix[1:].lower()
        info = StreamInfo(
            width=first.width, height=first.height, format=first.format, color=first.color, time_base=self.time_base,
            frame_rate=self._rate, frames=len(numbers), length=length, sar=first.sar, rotation=0,
            field_order=first.field_order, codec=codec,
        )  # fmt: skip
        if cut.begin is not None or cut.end is not None:
            begin, end = cut.begin or Fraction(0), length if cut.end is None else min(length, cut.end)
            info = replace(info, frames=None, length=max(Fraction(0), end - begin))
        return Input(
            path=self._path, info=info, pictures=True, begin=cut.begin, end=cut.end, shift=cut.shift,
            video=VideoTrack(guessed_rate=self._rate),
        )  # fmt: skip

    def close(self) -> None:
        """Nothing to do: no file stays open."""

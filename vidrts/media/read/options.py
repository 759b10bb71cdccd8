"""How a source is read: `DecodeOptions`."""

import re
from dataclasses import dataclass, field, fields
from fractions import Fraction
from numbers import Rational
from typing import Literal, get_args

from vidrts.checks import check, check_flag, check_made, check_name, check_text, check_threads, is_integer
from vidrts.frame import ColorTags
from vidrts.media.pipes.header import Header

Interlaced = Literal["auto", "keep", "error"]
INTERLACED: tuple[Interlaced, ...] = get_args(Interlaced)


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How a source is read. Checked when made; raises `OptionError`."""

    stream: str | None = None
    """The stream to enhance: ffprobe's index "N" or "v:N"; None: the first default one, cover art never."""
    start: Fraction | None = None
    """Seconds from the file's start (-ss); the first frame is the first that begins there or later."""
    end: Fraction | None = None
    """Seconds on the same clock (-to); the first frame that is left out begins there or later."""
    interlaced: Interlaced = "auto"
    """auto: bwdif at frame rate where frames are flagged interlaced; keep: as they are; error: `InputError`."""
    threads: int = 0
    """Decoder threads, 0: FFmpeg chooses."""
    strict: bool = False
    """Raise `InputError` on damage instead of counting it."""
    color: ColorTags = field(default_factory=ColorTags)
    """Colour tags that override the source's; unspecified ones do not."""
    raw: Header | None = None
    """Stdin is raw video of this format."""
    framerate: Fraction | None = None
    """Of numbered pictures (-framerate), 25 if None."""
    start_number: int | None = None
    """The first of numbered pictures has this number or one of four more (-start_number), 0 if None."""
    hwaccel: str = "none"
    """Hardware decoder: none (software), cuda or cuda:N (NVDEC), auto (NVDEC if available)."""
    low_latency: bool = False
    """Output frames as soon as they are decoded, at the cost of speed."""
    frames: int | None = None
    """Stop after so many frames (-frames:v); other streams end at that time."""
    filters: str | None = None
    """FFmpeg's filters for the decoded frames (-vf), which give one frame for each and keep its time."""

    def __post_init__(self) -> None:
        named = self.stream is None or (isinstance(self.stream, str) and re.fullmatch(r"(v:)?[0-9]+", self.stream))
        check("stream", self.stream, "'N' (ffprobe's index) or 'v:N' (the N-th video stream)", bool(named))
        for name, time in (("start", self.start), ("end", self.end)):
            check(name, time, "seconds as a Fraction or an integer", time is None or isinstance(time, Rational))
        if self.end is not None:
            begin = self.start or 0
            check("end", self.end, f"a time after the start at {float(begin):g} s", self.end > begin)
        check_name("interlaced", self.interlaced, INTERLACED)
        check_threads("threads", self.threads)
        check_flag("strict", self.strict)
        check_made("color", self.color, ColorTags)
        for tag in fields(ColorTags):
            number = getattr(self.color, tag.name)
            check(f"color.{tag.name}", number, "a number of ITU-T H.273", is_integer(number) and 0 <= number <= 255)
        check("raw", self.raw, "a Header (pipes.raw_header.parse) or None", isinstance(self.raw, Header | None))
        rate = self.framerate
        fits = rate is None or (isinstance(rate, Rational) and Fraction(1, 1000) <= rate <= 1000)
        check("framerate", rate, "pictures per second as a Fraction or an integer, 0.001 to 1000, or None", fits)
        number = self.start_number
        fits = number is None or (is_integer(number) and 0 <= number < 2**31)
        check("start_number", number, "0 or more, or None", fits)
        accelerated = isinstance(self.hwaccel, str) and re.fullmatch(r"none|auto|cuda(:\d+)?", self.hwaccel)
        check("hwaccel", self.hwaccel, "none, auto, cuda or cuda:N", bool(accelerated))
        check_flag("low_latency", self.low_latency)
        count = self.frames
        check("frames", count, "a number of frames, 1 or more, or None",
              count is None or (is_integer(count) and count > 0))  # fmt: skip
        check_text("filters", self.filters, "FFmpeg's filters such as 'crop=640:360,scale=1280:-2'")
        if self.filters is not None:
            from vidrts.media.read import filter_check  # loads FFmpeg

            filter_check.check(self.filters)

"""How a source is read: `DecodeOptions`."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from vidrts.errors import OptionError
from vidrts.frame import ColorTags
from vidrts.media.pipes.header import Header


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How a source is read. Checked when made; raises `OptionError`."""

    stream: str | None = None
    """The stream to enhance: ffprobe's index "N" or "v:N"; None: the first default one, cover art never."""
    start: Fraction | None = None
    """Seconds from the file's start (-ss); the first frame is the first that begins there or later."""
    end: Fraction | None = None
    """Seconds on the same clock (-to); the first frame that is left out begins there or later."""
    interlaced: Literal["auto", "keep", "error"] = "auto"
    """auto: bwdif at frame rate where frames are flagged interlaced; keep: as they are; error: `InputError`."""
    threads: int = 0
    """Decoder threads, 0: FFmpeg chooses."""
    strict: bool = False
    """Raise `InputError` on damage instead of counting it."""
    color: ColorTags = field(default_factory=ColorTags)
    """Colour tags that override the source's; unspecified ones do not."""
    raw: Header | None = None
    """Stdin is raw video of this format."""
    hwaccel: str = "none"
    """Hardware decoder: none (software), cuda or cuda:N (NVDEC), auto (NVDEC if available)."""
    low_latency: bool = False
    """Output frames as soon as they are decoded, at the cost of speed."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"none|auto|cuda(:\d+)?", self.hwaccel):
            raise OptionError(f"hwaccel: expected none, auto, cuda or cuda:N, got {self.hwaccel!r}")

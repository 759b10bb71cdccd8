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
    """Seconds on the same clock (-to); frames that begin there or later are left out."""
    interlaced: Literal["auto", "keep", "error"] = "auto"
    """auto: bwdif at frame rate where frames are flagged interlaced; keep: as they are; error: `InputError`."""
    threads: int = 0
    """Decoder threads, 0: FFmpeg chooses."""
    strict: bool = False
    """Damage is an `InputError` instead of being skipped and counted."""
    color: ColorTags = field(default_factory=ColorTags)
    """What is known of the colour better than by the source's tags, or not from them; unspecified: as they say."""
    raw: Header | None = None
    """What comes through stdin is raw video like this."""
    hwaccel: str = "none"
    """What decodes a file: none (software), cuda or cuda:N (NVDEC), auto: that where there is one."""
    low_latency: bool = False
    """Frames are given as soon as they can be decoded, at the price of speed."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"none|auto|cuda(:\d+)?", self.hwaccel):
            raise OptionError(f"hwaccel: expected none, auto, cuda or cuda:N, got {self.hwaccel!r}")

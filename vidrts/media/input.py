"""What the write side must know of a source, as one value: it never touches the source itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from av.stream import Disposition, Stream

from vidrts.frame import StreamInfo
from vidrts.media.containers import AnyPacket, Place
from vidrts.media.tags import Hdr

if TYPE_CHECKING:
    from av.container.core import Chapter


@dataclass(frozen=True)
class CopiedPacket:
    """A packet of another stream, in the order of the file. Produced by `Source`, consumed by `Target` only."""

    index: int
    """Of its stream in the source."""
    packet: AnyPacket
    early: bool = False
    """It lies a little before the part that is kept: a decoder of sound wants it to get into step."""


@dataclass(frozen=True, kw_only=True)
class VideoTrack:
    """What a container says of the stream that is enhanced."""

    index: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    disposition: Disposition = field(default_factory=lambda: Disposition(0))
    language: str | None = None
    guessed_rate: Fraction | None = None
    """Frames/s by FFmpeg's guess."""
    type: str = "video"


@dataclass(frozen=True, kw_only=True)
class Input:
    """A source whose first frame is decoded. Times are seconds of its own clock."""

    path: Place
    info: StreamInfo
    piped: str | None = None
    """What comes through stdin: "y4m", "raw" or FFmpeg's name of the demuxer (its first); None for a file."""
    demuxers: tuple[str, ...] = ()
    """FFmpeg's names for its kind of container; of y4m and raw video none."""
    hdr: Hdr = field(default_factory=Hdr)
    display_matrix: tuple[int, ...] | None = None
    captions: bool = False
    """Closed captions lie in its frames."""
    mixed_fields: bool = False
    """The stream says that each frame has a field order of its own, and they are kept."""
    start_time: Fraction = Fraction(0)
    begin: Fraction | None = None
    """Where the part that is kept begins; None without a start (-ss)."""
    end: Fraction | None = None
    shift: Fraction = Fraction(0)
    """Taken off every time, so that a trimmed output starts at 0."""
    video: VideoTrack = field(default_factory=VideoTrack)
    others: tuple[Stream, ...] = ()
    """All other streams, in the file's order."""
    covers: Mapping[int, bytes] = field(default_factory=dict)
    """Cover art by stream index, as far as it came before the first frame."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    chapters: "tuple[Chapter, ...]" = ()

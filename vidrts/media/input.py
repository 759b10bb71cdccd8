"""`Input`: what the writer needs to know about a source, as one value."""

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
    """A packet of another stream, in file order. Produced by `Source`, consumed by `Target`."""

    index: int
    """Of its stream in the source."""
    packet: AnyPacket
    early: bool = False
    """Shortly before the trimmed range: only primes an audio decoder."""


@dataclass(frozen=True, kw_only=True)
class VideoTrack:
    """The enhanced stream, as its container describes it."""

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
    strict: bool = False
    """Damage raises `InputError` (--strict)."""
    hardware: bool = False
    """Decoded by a GPU."""
    piped: str | None = None
    """Format read from stdin: "y4m", "raw" or FFmpeg's (first) name of the demuxer; None for a file."""
    demuxers: tuple[str, ...] = ()
    """FFmpeg's names of the demuxer; none for y4m and raw video."""
    pictures: bool = False
    """Numbered pictures."""
    hdr: Hdr = field(default_factory=Hdr)
    display_matrix: tuple[int, ...] | None = None
    captions: bool = False
    """Frames carry closed captions."""
    side_data: Mapping[str, bytes] = field(default_factory=dict)
    """Of the first frame, by FFmpeg's names."""
    mixed_fields: bool = False
    """The field order may differ per frame (y4m), and is kept."""
    start_time: Fraction = Fraction(0)
    begin: Fraction | None = None
    """Start of the trimmed range (-ss), or None."""
    end: Fraction | None = None
    shift: Fraction = Fraction(0)
    """Subtracted from all timestamps, so that a trimmed output starts at 0."""
    video: VideoTrack = field(default_factory=VideoTrack)
    others: tuple[Stream, ...] = ()
    """All other streams, in file order."""
    covers: Mapping[int, bytes] = field(default_factory=dict)
    """Cover art that came before the first frame, by stream index."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    chapters: "tuple[Chapter, ...]" = ()

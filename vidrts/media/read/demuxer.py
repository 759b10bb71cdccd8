"""Where frames and packets come from: what `Source` wants of FFmpeg's demuxers and of our own readers alike."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Protocol

from vidrts.frame import Frame
from vidrts.media.containers import Decoded, Place
from vidrts.media.input import Input
from vidrts.media.read.damage import LossReport
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.trim import Cut
from vidrts.messages import Tell


class Demuxer(Protocol):
    """An open file or pipe, read from where `frames` says. One thread."""

    @property
    def index(self) -> int:
        """Of the stream that comes as frames."""

    @property
    def start_time(self) -> Fraction:
        """Seconds at which the file's own clock starts."""

    @property
    def time_base(self) -> Fraction:
        """Of the frames; known once `frames` was called."""

    @property
    def lost(self) -> LossReport:
        """What could not be read so far."""

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """Frames with sound pts, and the packets of other streams: all of them, or from a key frame before `begin`
        (seconds of the file's clock) where `seek` is said and possible. What lies before `begin` is not missed."""

    def is_cover(self, index: int) -> bool:
        """Whether a stream is cover art."""

    def nothing(self) -> str:
        """Why there is no frame."""

    def broken(self, frames: int) -> str | None:
        """How the source broke off after so many frames; None for a good end, or one whose damage `lost` counts."""

    def describe(self, first: Frame, cut: Cut) -> Input:
        """What is known of the source once its first kept frame is there."""

    def close(self) -> None:
        """Close the file; safe to call twice."""


type OpenDemuxer = Callable[[Place, DecodeOptions, Tell, Callable[[], None]], Demuxer]
"""Opens a place. Takes what hears lines for people, and what is called for each packet and may raise."""

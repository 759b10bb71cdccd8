"""`Demuxer`: the interface of FFmpeg's demuxers and of our y4m and raw readers to `Source`."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Protocol

from av import VideoFrame

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
    def raw(self) -> bool:
        """Whether samples come as they are stored, checked by no decoder."""

    @property
    def alone(self) -> bool:
        """Whether there are no other streams."""

    @property
    def lost(self) -> LossReport:
        """Damage so far."""

    def frames(self, begin: Fraction | None, *, seek: bool) -> Iterator[Decoded]:
        """Frames with valid pts, and packets of other streams: all, or with `seek`, if possible, from a key frame
        before `begin` (seconds of the file's clock). Frames lost before `begin` are not counted."""

    def aspect_ratio(self, pts: int) -> Fraction:
        """The sample aspect ratio of the frame with this pts; 0 when unknown."""

    def display_matrix(self, frame: VideoFrame) -> tuple[int, ...] | None:
        """How players turn the pictures, by a decoded frame or the container; see `tags.display_matrix`."""

    def is_cover(self, index: int) -> bool:
        """Whether a stream is cover art."""

    def no_frames(self) -> str:
        """Why there are no frames at all."""

    def truncation(self, frames: int) -> str | None:
        """How the source was truncated, after so many frames; None for a proper end, or damage that `lost` counts."""

    def describe(self, first: Frame, cut: Cut) -> Input:
        """The `Input`, once the first kept frame is decoded."""

    def close(self) -> None:
        """Close the file; safe to call twice."""


type OpenDemuxer = Callable[[Place, DecodeOptions, Tell, Callable[[], None]], Demuxer]
"""Opens a source. Takes the receiver of messages, and a check that is called for each packet and may raise."""

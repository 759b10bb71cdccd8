"""The key frames of a file, as far as its index tells without reading the film."""

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidrts.media.containers import FFmpegErrors, choose_video, open_source, time_base
from vidrts.media.input import Input

_INDEXED = ("matroska", "mov", "avi")
"""Demuxers whose files have an index; those of others note what they happened to read."""
_FAR = 1 << 40
"""Ticks beyond every film: where the reader of Matroska has to look its index up."""


@dataclass(frozen=True)
class KeyFrames:
    """Times of a video stream's key frames in seconds of the file's clock, rising, and where the video ends.

    No times: the file has no index. `end` None: unknown.
    """

    times: tuple[Fraction, ...]
    end: Fraction | None

    def nearest(self, time: Fraction, most: Fraction) -> Fraction | None:
        """The key frame nearest to `time`, at most `most` seconds away."""
        place = bisect_left(self.times, time)
        near = min(self.times[max(0, place - 1) : place + 1], key=lambda key: abs(key - time), default=None)
        return None if near is None or abs(near - time) > most else near


def key_frames(path: Path, source: Input) -> KeyFrames:
    """The key frames of the enhanced stream of `source`, opened from `path`. Raises `InputError`."""
    with open_source(path) as container:
        stream = choose_video(path, container, str(source.video.index))
        base = time_base(stream.time_base)
        end: Fraction | None = None
        if stream.duration:
            end = ((stream.start_time or 0) + stream.duration) * base
        elif container.duration:
            end = Fraction((container.start_time or 0) + container.duration, 1_000_000)
        if container.format.name.split(",")[0] not in _INDEXED:
            return KeyFrames((), end)
        if len(stream.index_entries) < 2:
            with suppress(*FFmpegErrors):
                container.seek(_FAR, stream=stream)
        keys = sorted({entry.timestamp for entry in stream.index_entries if entry.is_keyframe})
        # mov's index counts in decoding times; the first frame is shown as much later as the others.
        delay = 0
        if container.format.name.startswith("mov") and keys and source.begin is None and keys[0] <= 0:
            delay = -keys[0] + (stream.start_time or 0)
        return KeyFrames(tuple((key + delay) * base for key in keys), end)

"""The sample aspect ratio of each frame: the container's, or the stream's own, which may change within it."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import av
from av.video.stream import VideoStream

from vidrts.media.containers import fraction


class AspectRatios:
    """Sample aspect ratios of a stream's frames, 0 where unknown. Made before the first frame is decoded.

    A ratio of the container that is not the stream's own counts for all frames, as for FFmpeg. PyAV's frames have no
    ratio; that of the decoder may be ahead of the frames that it still holds, and a new one begins with a key frame.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stated = fraction(stream.sample_aspect_ratio) or Fraction(0)
        own = fraction(stream.codec_context.sample_aspect_ratio) or Fraction(0)
        self._constant = own != self._stated
        self.restart()

    def restart(self) -> None:
        """Forget all frames: a new decoder begins."""
        self._current = self._stated
        self._kept: deque[Fraction] = deque()
        self._times: list[int] = []
        self._ratios = [self._stated]

    def of(self, frames: Sequence[av.VideoFrame], context: av.VideoCodecContext) -> list[Fraction]:
        """The ratios of the frames that the decoder `context` gave last, in presentation order."""
        now = fraction(context.sample_aspect_ratio)
        changes = not self._constant and now is not None and now != self._current
        first = max((k for k, frame in enumerate(frames) if frame.key_frame), default=None) if changes else None
        found = []
        for number in range(len(frames)):
            if number == first and now is not None:
                self._current = now
            found.append(self._current)
        return found

    def kept(self, ratio: Fraction) -> None:
        """A frame with this ratio is kept; its pts follows."""
        self._kept.append(ratio)

    def stamped(self, pts: int) -> None:
        """The first kept frame that has no pts yet has this one."""
        ratio = self._kept.popleft()
        if ratio != self._ratios[-1]:
            self._times.append(pts)
            self._ratios.append(ratio)

    def at(self, pts: int) -> Fraction:
        """The ratio of the frame with this pts."""
        return self._ratios[bisect_right(self._times, pts)]

"""The enhanced stream of a target, made of packets that encoders with equal settings gave, one for each segment."""

from collections.abc import Iterable, Iterator, Sequence

from vidrts.media.containers import AnyPacket
from vidrts.media.write.packet_file import EncodedPacket
from vidrts.media.write.video_encoder import VideoEncoder, closed_duration

type Times = tuple[int | None, int | None]
"""pts and dts of a packet."""


def rising(segments: Iterable[Sequence[Times]]) -> list[int | None]:
    """The dts of all packets of a film, in decoding order, from the times of its segments.

    An encoder's dts stay as they are where they rise and are no later than pts. Where a segment is too short for its
    encoder's delay, or distances of frames change, they do not: then they become the nearest that fit between the dts
    before and what follows.
    """
    times = [each for segment in segments for each in segment]
    latest: list[int | None] = [None] * len(times)
    bound: int | None = None
    for place in range(len(times) - 1, -1, -1):
        pts, dts = times[place]
        if pts is not None and dts is not None:
            bound = pts if bound is None else min(pts, bound - 1)
            latest[place] = bound
    made: list[int | None] = []
    last: int | None = None
    for (_, dts), most in zip(times, latest, strict=True):
        if dts is not None and most is not None:
            dts = min(most, dts if last is None else max(dts, last + 1))
            last = dts
        made.append(dts)
    return made


class JoinedTrack:
    """Finished packets in place of those of `track`'s own encoder, which gets no frame. Stateful."""

    def __init__(self, track: VideoEncoder, *, closes: bool):
        self._track = track
        self._closes = closes
        self._held: AnyPacket | None = None
        self._first_dts: int | None = None
        self._first_pts: int | None = None
        self._end = 0

    def packets(self, part: EncodedPacket, dts: int | None) -> Iterator[AnyPacket]:
        """The packets that may be muxed once `part` is there; `dts`: its own in the film."""
        made = part.packet()
        made.dts = dts
        made.stream = self._track.stream
        made.time_base = self._track.time_base
        if part.pts is not None:
            self._first_pts = part.pts if self._first_pts is None else min(self._first_pts, part.pts)
            self._end = max(self._end, part.pts + part.duration)
        if self._first_dts is None:
            self._first_dts = dts
        if self._held is not None:
            yield self._held
        self._held = made

    def drain(self) -> Iterator[AnyPacket]:
        """The last packet."""
        last, self._held = self._held, None
        if last is None:
            return
        if self._closes:
            last.duration = closed_duration(last, self._first_pts, self._first_dts, self._end)
        yield last

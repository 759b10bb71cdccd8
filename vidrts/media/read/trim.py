"""Trimming: frame-exact video, and packets of other streams for the same range."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

import av
from av.stream import Disposition

from vidrts.media.containers import AnyPacket, Decoded, packet_time, seconds, time_base

_TOLERANCE = Fraction(1, 1_000_000)
"""FFmpeg rounds a file's start to microseconds: tolerance in seconds."""

_MAX_WAIT = 5
"""Seconds past the end after which sparse or ended streams are no longer waited for."""


LEAD_IN = Fraction(1, 4)
"""Seconds of audio before the start that are read to prime a decoder (AAC one packet, Opus 80 ms, MP3 up to nine)."""


@dataclass
class Cut:
    """The range of a file that is kept, in seconds of its own clock. Stateful, for one run.

    With a `begin`, timestamps are shifted so that the first kept frame is at 0; audio stays in sync.
    """

    begin: Fraction | None = None
    end: Fraction | None = None
    decoded: int = -1
    """Index of the decoded stream."""
    alone: bool = False
    """There are no other streams."""
    frames: int | None = None
    """How many frames are kept; `end` is set once they are."""
    shift: Fraction = Fraction(0)
    """Seconds subtracted from all timestamps; known after the first frame."""
    before: Fraction | None = None
    """Seconds of the last frame before the range."""
    after: Fraction | None = None
    """Seconds of the first frame after it."""
    _running: set[int] = field(default_factory=set)

    def apply(self, events: Iterator[Decoded], frame_base: Fraction) -> Iterator[Decoded]:
        """Frames and packets in the range. `frame_base`: time base of the frames."""
        if self.begin is None and self.end is None and self.frames is None:
            yield from events
            return
        open_yet = self.begin is None
        pending: list[AnyPacket] = []
        finished: set[int] = set()
        video_over = False
        kept = 0
        held: list[AnyPacket] = []  # with `frames`: until it is known whether they lie before the end
        for event in events:
            if isinstance(event, av.VideoFrame):
                time = (event.pts or 0) * frame_base
                if self.begin is not None and time < self.begin - _TOLERANCE:
                    self.before = time
                    continue
                if kept == self.frames and (self.end is None or time < self.end):
                    self.end = time
                if self.end is not None and time >= self.end - _TOLERANCE:
                    self.after = time if self.after is None else self.after
                    if not open_yet:
                        return
                    if not video_over:
                        yield from filter(self._inside, held)
                        finished |= {packet.stream_index for packet in held if _beyond(packet, self.end)}
                        held.clear()
                    if self.alone:
                        return
                    video_over = True
                    continue
                if self.end is not None:
                    event.duration = min(event.duration, round((self.end - time) / frame_base))
                if not open_yet:
                    open_yet = True
                    self.shift = time
                    yield from self._opening(pending)
                    pending.clear()
                yield event
                kept += 1
                if self.frames is not None:
                    due = [packet for packet in held if _last_time(packet) <= time]
                    held = [packet for packet in held if _last_time(packet) > time]
                    yield from due
                continue
            if not open_yet:
                pending.append(event)
            elif self.frames is not None and not video_over:
                if self._inside(event):
                    held.append(event)
            elif self._inside(event):
                yield event
            at = packet_time(event)
            if self.end is not None and at is not None and at >= self.end:
                finished.add(event.stream_index)
                dense = {s.index for s in event.stream.container.streams if s.type in ("audio", "video")}
                if video_over and (at >= self.end + _MAX_WAIT or dense - finished <= {self.decoded}):
                    return
        yield from filter(self._inside, held)

    def no_frames(self, origin: Fraction) -> str | None:
        """Why no frame is in the range, in seconds from `origin`; None if there were no frames outside of it either."""
        before, after = (
            None if time is None else f"{float(time - origin):.3f} s" for time in (self.before, self.after)
        )
        if before is None and after is None:
            return None
        if before is None:
            where = f"the first frame that can be decoded is at {after}"
        elif after is None:
            where = f"the last frame that can be decoded is at {before}"
        else:
            where = f"there are frames at {before} and {after}, none between"
        return f"no frames in the selected range; {where}; check -ss, -to, -t"

    def _opening(self, pending: list[AnyPacket]) -> Iterator[AnyPacket]:
        """The packets that came before the first kept frame and are still needed.

        A bitmap subtitle without a duration lasts until the next one: the last before the start is moved to it.
        """
        standing: dict[int, AnyPacket] = {}
        others = []
        for packet in pending:
            at = packet_time(packet)
            if packet.stream.type == "subtitle" and not packet.duration and at is not None and at < self.shift:
                standing[packet.stream_index] = packet
            else:
                others.append(packet)
        for packet in standing.values():
            packet.pts = packet.dts = round(self.shift / time_base(packet.time_base))
            yield packet
        yield from filter(self._inside, others)

    def early(self, packet: AnyPacket) -> bool:
        """Whether it is an audio packet within `LEAD_IN` before the first kept frame."""
        at = packet_time(packet)
        if self.begin is None or at is None or packet.stream.type != "audio":
            return False
        return self.shift - LEAD_IN <= at < self.shift

    def _inside(self, packet: AnyPacket) -> bool:
        """Whether a packet is kept; a subtitle still on screen at the start or the end is cut there.

        So is whatever else lasts beyond the end, except sound, whose packets are copied whole.
        """
        stream = packet.stream
        at = packet_time(packet)
        if at is None or stream.disposition & Disposition.attached_pic:
            return True
        if self.end is not None:
            if at >= self.end:
                return False
            if packet.duration and stream.type != "audio":
                packet.duration = min(packet.duration, ceil((self.end - at) / time_base(packet.time_base)))
        if self.begin is None:
            return True
        if stream.type == "video" and stream.index not in self._running:
            if at < self.shift or not packet.is_keyframe:
                return False
            self._running.add(stream.index)
            return True
        if at >= self.shift or self.early(packet):
            return True
        base = time_base(packet.time_base)
        over = round((self.shift - at) / base)
        if stream.type == "subtitle" and packet.duration and packet.duration > over:
            packet.pts = (packet.pts or 0) + over
            packet.dts = packet.pts
            packet.duration -= over
            return True
        return False


def _beyond(packet: AnyPacket, end: Fraction) -> bool:
    """Whether a packet begins at `end` or later."""
    at = packet_time(packet)
    return at is not None and at >= end


def _last_time(packet: AnyPacket) -> Fraction:
    """Seconds until which a packet is shown; sound, which is never cut: at which it begins."""
    at = packet_time(packet)
    if at is None:
        return Fraction(-1)
    return at if packet.stream.type == "audio" else at + seconds(packet.duration or 0, packet.time_base)

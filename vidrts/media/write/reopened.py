"""Held against what was written: a finished file, opened again before it gets its name. Packets only.

written = Written()
written.note(packet)  # each, before it is muxed
if (fault := written.fault(path, enhanced)) is not None: ...
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from vidrts.media.containers import AnyPacket, FFmpegErrors, reason
from vidrts.media.time_span import TimeSpan

WHOLE = 2 << 30
"""Bytes up to which every packet is read; of larger files the index and both ends."""
_ROUNDED = Fraction(5, 1000)
"""Seconds by which containers round: Matroska counts in milliseconds."""
_SOUND = 1
"""Seconds by which the end of sound may differ: its packets are split and joined, and edit lists cut them."""
_WRAP = 90_000
"""Seconds of MPEG-TS beyond which times are not compared: its clock starts again after 95,443 s."""
_START, _END = 32, 3
"""What is read of the ends of a large file: pictures at its start, seconds before its last one."""


@dataclass
class Track:
    """Packets of one stream, in the order in which they are shown."""

    kind: str
    """"video", "audio" and so on; "attachment" for cover art, too."""
    packets: int = 0
    times: TimeSpan = field(default_factory=TimeSpan)

    def add(self, packet: AnyPacket) -> None:
        """Count a packet."""
        self.packets += 1
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is not None:
            self.times.add(ticks, packet.time_base)


class Written:
    """What was given to a muxer. Stateful, one for each file."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}

    def note(self, packet: AnyPacket) -> None:
        """Count a packet, which has the output's stream; not one without payload, as FLAC's encoder ends with."""
        if not packet.size:
            return
        index = packet.stream.index
        if index not in self._tracks:
            self._tracks[index] = Track(_kind(packet.stream))
        self._tracks[index].add(packet)

    def fault(self, path: Path, enhanced: int, *, whole: int = WHOLE) -> str | None:
        """What the file at `path` lacks, in words; None if it holds all: its streams, their ends, and every picture.

        enhanced: index of the stream whose packets are counted one by one; whole: bytes up to which all are read.
        """
        try:
            with av.open(f"file:{path}") as container:
                if (missing := self._missing(container)) is not None:
                    return missing
                compared = self._compared if path.stat().st_size <= whole else self._compared_ends
                return compared(container, enhanced)
        except FFmpegErrors as error:
            return f"it cannot be opened: {reason(error)}"

    def _of(self, kind: str) -> dict[int, Track]:
        return {index: track for index, track in sorted(self._tracks.items()) if track.kind == kind}

    def _missing(self, container: InputContainer) -> str | None:
        """Streams that were written and are not there; of cover art players make what they like."""
        for kind in dict.fromkeys(track.kind for track in self._tracks.values()):
            expected, found = len(self._of(kind)), sum(stream.type == kind for stream in container.streams)
            if found < expected and kind != "attachment":
                return f"expected {expected} {kind} stream(s), got {found}"
        return None

    def _compared(self, container: InputContainer, enhanced: int) -> str | None:
        tracks = [Track(_kind(stream)) for stream in container.streams]
        for packet in container.demux():
            if packet.size:
                tracks[packet.stream_index].add(packet)
        wanted = self._tracks[enhanced]
        pictures = [track for track in tracks if track.kind == "video"]
        got = next((track for track in pictures if track.packets == wanted.packets), None)
        if got is None:
            return f"expected {wanted.packets} frames, got {max((t.packets for t in pictures), default=0)}"
        if container.format.name == "mpegts":
            # Its demuxer drops what is no sound in a damaged stream, which was copied as it was.
            return _misplaced(wanted.times.length, got.times.length, _ROUNDED, wraps=True)
        if (line := _misplaced(wanted.times.length, got.times.length, _ROUNDED)) is not None:
            return line
        found = [track for track in tracks if track.kind == "audio" and track.packets]
        sound = list(self._of("audio").values())
        if len(found) < len(sound):
            return f"expected {len(sound)} audio stream(s) with packets, got {len(found)}"
        lines = (_misplaced(_between(wanted, w), _between(got, g), _SOUND)
                 for w, g in zip(sound, found, strict=False))  # fmt: skip
        return next((f"audio: {line}" for line in lines if line is not None), None)

    def _compared_ends(self, container: InputContainer, enhanced: int) -> str | None:
        wanted = self._tracks[enhanced]
        videos = [stream for stream in container.streams if _kind(stream) == "video"]
        if not videos:
            return "no video stream"
        stream = videos[min(list(self._of("video")).index(enhanced), len(videos) - 1)]
        if stream.frames and stream.frames != wanted.packets:
            return f"expected {wanted.packets} frames, got {stream.frames} in its index"
        got = Track("video")
        for packet in container.demux(stream):
            if packet.size:
                got.add(packet)
            if got.packets == _START:
                break
        first, length = got.times.first, wanted.times.length
        if first is None or length is None:
            return "no frames with times"
        end = first + length - _END
        container.seek(max(0, int(end * 1_000_000)))
        for packet in container.demux(stream):
            if packet.size:
                got.add(packet)
        return _misplaced(wanted.times.length, got.times.length, _ROUNDED, wraps=container.format.name == "mpegts")


def _kind(stream: Stream) -> str:
    return "attachment" if stream.disposition & Disposition.attached_pic else stream.type


def _between(picture: Track, sound: Track) -> Fraction | None:
    """Seconds from the first picture to the last sound: edit lists cut what is before that picture."""
    first, last = picture.times.first, sound.times.last
    return None if first is None or last is None else last - first


def _misplaced(
    length: Fraction | None, found: Fraction | None, slack: Fraction | int, *, wraps: bool = False
) -> str | None:  # fmt: skip
    """Where the last packet lies elsewhere than it should after the first one; muxers may move all streams alike.

    length, found: seconds between the two as wanted, and as they are; wraps: the clock starts again in long films, of
    which nothing is said.
    """
    if length is None or found is None or abs(found - length) <= slack or (wraps and length > _WRAP):
        return None
    return f"expected the last time {float(length):.3f} s after the first, got {float(found):.3f} s"


def has_pictures(path: Path) -> bool:
    """Whether the file opens and its first video stream has packets."""
    try:
        with av.open(f"file:{path}") as container:
            return any(packet.size for packet in container.demux(container.streams.video[0]))
    except (*FFmpegErrors, IndexError):
        return False

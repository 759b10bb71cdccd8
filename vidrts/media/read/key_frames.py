"""The key frames of a file by its index, which is read without reading the film."""

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from vidrts.errors import InputError
from vidrts.media.containers import AnyPacket, FFmpegErrors, choose_video, open_source, time_base
from vidrts.media.input import Input
from vidrts.media.read.discontinuity import Continuity, may_jump
from vidrts.messages import Message

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
    """The key frames of the enhanced stream of `source`, opened from `path`. Raises `InputError`.

    Transport streams and their kin, whose clock may jump, have no index: they are read once, without decoding; one
    whose clock does jump is refused, since no time says where in it a frame is.
    """
    with open_source(path) as container:
        stream = choose_video(path, container, str(source.video.index))
        base = time_base(stream.time_base)
        end: Fraction | None = None
        if stream.duration:
            end = ((stream.start_time or 0) + stream.duration) * base
        elif container.duration:
            end = Fraction((container.start_time or 0) + container.duration, 1_000_000)
        if may_jump(container):
            return _read(path, container, stream)
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


def _read(path: Path, container: InputContainer, stream: VideoStream) -> KeyFrames:
    """By the packets of the whole file."""
    told: list[Message] = []
    continuity = Continuity(container, told.append)
    base = time_base(stream.time_base)
    keys: set[Fraction] = set()
    end: Fraction | None = None

    def note(packet: AnyPacket) -> None:
        nonlocal end
        if packet.stream_index == stream.index and packet.pts is not None:
            time = packet.pts * base
            end = max(end or time, time + (packet.duration or 0) * base)
            if packet.is_keyframe:
                keys.add(time)

    with suppress(*FFmpegErrors):  # the part that can be read is the film
        for packet in container.demux():
            for checked in continuity.push(packet) if packet.size else ():
                note(checked)
    for packet in continuity.flush():
        note(packet)
    if stream.index in continuity.moved:
        said = f" ({told[0]})" if told else ""
        raise InputError(
            f"{path}: its clock jumps{said}, so that it cannot be cut into segments: leave out --segment and --resume, "
            "or write it anew first: ffmpeg -i IN -map 0 -c copy OUT.mkv"
        )
    return KeyFrames(tuple(sorted(keys)), end)

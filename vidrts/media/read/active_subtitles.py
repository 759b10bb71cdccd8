"""Subtitles on screen at the start of a trimmed range; their packets may precede the key frame before it."""

from collections.abc import Callable
from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from vidrts.media.containers import AnyPacket, FFmpegErrors, packet_time, time_base

_LOOK_BACK = 30
"""Seconds before the start that are searched for subtitles still on screen."""


def subtitles_before(
    container: InputContainer, video: VideoStream, begin: Fraction, check: Callable[[], None]
) -> list[AnyPacket] | None:
    """Packets of subtitles that may be on screen at `begin` (seconds of the file's clock), in order.

    None if there are no subtitles or the file cannot be read there. Leaves the read position undefined; `check` is
    called for each packet and may raise.
    """
    if not container.streams.subtitles:
        return None
    found = []
    try:
        back = max(begin - _LOOK_BACK, Fraction(container.start_time or 0, 1_000_000))
        container.seek(int(back / time_base(video.time_base)), stream=video)
        for packet in container.demux():
            check()
            at = packet_time(packet)
            if at is not None and at >= begin and packet.stream_index == video.index:
                break
            if at is not None and at < begin and packet.size and packet.stream.type == "subtitle":
                found.append(packet)
    except FFmpegErrors:
        return None
    return found

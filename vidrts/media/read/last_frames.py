"""The last frames of a stream whose decoder stops at damage while it is drained.

With frame threads a decoder learns of damage only when later packets are sent or it is drained, and PyAV ends draining
at the first error: what follows the damage would be lost. It is decoded again, without frame threads.
"""

import av
from av import VideoCodecContext
from av.codec.context import ThreadType

from vidrts.media.containers import AnyPacket, FFmpegErrors, av_call

_MOST = 128 << 20
"""Bytes of packets that are kept; a longer group of pictures is not decoded again."""


class LastFrames:
    """Keeps the packets since the last key frame. Stateful, one per decoder; `context` is that decoder's."""

    def __init__(self, context: VideoCodecContext):
        self._context = context
        self._codec = context.codec.name  # a decoder that could not be opened has none any more
        self._packets: list[AnyPacket] | None = None
        """None: none until the next key frame."""
        self._bytes = 0

    def sent(self, packet: AnyPacket) -> None:
        """A packet was sent to the decoder."""
        if packet.is_keyframe:
            self._packets, self._bytes = [], 0
        if self._packets is None:
            return
        self._packets.append(packet)
        self._bytes += packet.size
        if self._bytes > _MOST:
            self._packets = None

    def after(self, pts: int | None) -> list[av.VideoFrame]:
        """The frames of these packets that are shown after `pts`, in the decoder's order; damaged packets give none."""
        if self._packets is None:
            return []
        made = av.CodecContext.create(self._codec, "r")
        assert isinstance(made, VideoCodecContext)
        made.extradata = self._context.extradata
        made.thread_type = ThreadType.SLICE
        found: list[av.VideoFrame] = []
        for packet in (*self._packets, None):
            try:
                with av_call():
                    found += made.decode(packet)
            except FFmpegErrors:
                continue
        return [frame for frame in found if frame.pts is not None and (pts is None or frame.pts > pts)]

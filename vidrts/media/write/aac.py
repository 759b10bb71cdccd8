"""AAC of MPEG-TS, copied: each packet has an ADTS header; other containers have one AudioSpecificConfig for the track.

FFmpeg's muxers strip the headers and then seek back to write the config, which a pipe does not allow. There it is
written first (ISO/IEC 14496-3, section 1.6.2), from the decoder's parameters.
"""

from collections.abc import Iterator
from typing import TypeGuard

from av import AudioCodecContext, AudioStream
from av.bitstream import BitStreamFilterContext
from av.stream import Stream

from vidrts.media.containers import AnyPacket
from vidrts.media.output_formats import OutputFormat

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 8: 7}
_OBJECTS = {"Main": 1, "LC": 2, "SSR": 3, "LTP": 4, "HE-AAC": 2, "HE-AACv2": 2}
"""FFmpeg's profile -> audio object type of the core; decoders find HE's extensions in the packets."""


def must_strip_headers(stream: Stream, target: OutputFormat) -> TypeGuard[AudioStream]:
    """Whether the ADTS headers of `stream` must be stripped for `target`."""
    return (
        isinstance(stream, AudioStream)
        and not target.seekable
        and target.muxer in ("matroska", "mp4")
        and stream.codec_context.codec.canonical_name == "aac"
        and not stream.codec_context.extradata
    )


def decoder_config(context: AudioCodecContext) -> bytes | None:
    """The AudioSpecificConfig; None for audio that ADTS cannot describe."""
    rate, channels = context.sample_rate, context.channels
    if context.profile in ("HE-AAC", "HE-AACv2"):  # the decoder gives twice the core's rate
        rate //= 2
    if context.profile == "HE-AACv2":  # and two channels of one
        channels = 1
    kind = _OBJECTS.get(context.profile or "")
    if kind is None or rate not in _RATES or channels not in _CHANNELS:
        return None
    return (kind << 11 | _RATES.index(rate) << 7 | _CHANNELS[channels] << 3).to_bytes(2)


class HeaderWatch:
    """Notices the first packet whose ADTS header says other sound than the first one's. Stateful, for one stream."""

    def __init__(self) -> None:
        self._first: tuple[int, ...] | None = None
        self._noticed = False

    @staticmethod
    def needed(stream: Stream, target: OutputFormat) -> bool:
        """Whether the container has one description for all packets of `stream`, which have each its own."""
        return (
            isinstance(stream, AudioStream)
            and target.muxer in ("matroska", "mp4", "mov")
            and stream.codec_context.codec.canonical_name == "aac"
            and not stream.codec_context.extradata
        )

    def changes(self, packet: AnyPacket) -> bool:
        """Whether it is that packet."""
        head = bytes(memoryview(packet)[:4])
        if self._noticed or len(head) < 4 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
            return False
        said = head[2] & 0xFD, head[3] & 0xC0  # profile, rate and channels, without the private bit
        self._first = self._first or said
        self._noticed = said != self._first
        return self._noticed


class HeaderStripper:
    """Strips the ADTS headers of one stream. Stateful."""

    def __init__(self, stream: Stream) -> None:
        self._filter = BitStreamFilterContext("aac_adtstoasc", stream)

    def packets(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """The packet without its header; an empty one, which to the filter means the end, yields nothing."""
        if not packet.size:
            return
        base = packet.time_base  # the filter empties the packet
        for stripped in self._filter.filter(packet):
            stripped.time_base = base
            yield stripped

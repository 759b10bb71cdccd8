"""Timestamp jumps of transport streams: concatenated files, cut recordings, a clock that wrapped.

FFmpeg's demuxers return such timestamps as they are; ffmpeg corrects them, and so does this.
"""

from fractions import Fraction

from av.container import InputContainer
from av.format import Flags

from vidrts.media.containers import AnyPacket, time_base
from vidrts.messages import Code, Message, Tell

_FORWARD = 10
"""Seconds that may pass without a packet (lost reception); as FFmpeg's -dts_delta_threshold."""
_BACKWARD = Fraction(1, 10)
"""Seconds by which dts may go back."""
_WRAP = Fraction(1 << 33, 90_000)
"""Period of the clock in seconds; FFmpeg adds it to timestamps before the first."""
_REMEMBERED = 3
"""Offsets that are tried: after a jump, packets of other streams may still precede it."""
_REPORTED = 5


class Continuity:
    """Makes the timestamps of all streams continuous across jumps. Stateful, one per file.

    One offset applies to all streams, so that audio and video stay in sync; the first packet after a jump determines
    it: it follows its own stream's last packet. Formats without such jumps pass unchanged.
    """

    def __init__(self, container: InputContainer, tell: Tell):
        self._possible = bool(Flags.ts_discont & Flags(container.format.flags))
        self._tell = tell
        self._offsets = [Fraction(0)]
        self._expected: dict[int, Fraction] = {}
        self._latest: Fraction | None = None
        self._jumps = 0

    def corrected(self, packet: AnyPacket) -> AnyPacket:
        """The packet with continuous timestamps."""
        ticks = packet.dts if packet.dts is not None else packet.pts
        if not self._possible or ticks is None:
            return packet
        base = time_base(packet.time_base)
        time = ticks * base
        dense = packet.stream.type in ("audio", "video")
        if (expected := self._expected.get(packet.stream_index)) is not None:
            offset = self._offset(time, expected, _BACKWARD, dense=dense)
        else:  # a stream's first packet, seen beside another stream's latest
            offset = self._offset(time, self._latest, Fraction(_FORWARD), dense=dense)
        if offset:
            moved = round(offset / base)
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        if dense:
            self._latest = time + offset
            self._expected[packet.stream_index] = self._latest + (packet.duration or 0) * base
        return packet

    def _offset(self, time: Fraction, expected: Fraction | None, early: Fraction, *, dense: bool) -> Fraction:
        """The offset to add to a packet's time; a new one if no known offset makes it continuous.

        `early`: seconds by which it may precede the expected time.
        """
        if expected is None:
            return self._offsets[-1]
        fitting = [o for o in reversed(self._offsets) if -early <= time + o - expected <= _FORWARD]
        if fitting:
            return fitting[0]
        if not dense:  # subtitles are sparse: take the offset that brings them nearest
            return min(reversed(self._offsets), key=lambda o: abs(time + o - expected))
        self._jumps += 1
        if self._jumps <= _REPORTED:
            code = Code.TIMESTAMP_JUMP if self._jumps < _REPORTED else Code.LAST_TIMESTAMP_JUMP
            jump = time + self._offsets[-1] - expected
            jump -= _WRAP if jump > _WRAP / 2 else 0
            self._tell(Message(code, jump=float(jump), time=float(expected)))
        self._offsets = [*self._offsets, expected - time][-_REMEMBERED:]
        return self._offsets[-1]

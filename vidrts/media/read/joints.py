"""Joints of whole transport streams, which FFmpeg's demuxer takes for lost packets.

Where one file follows another, the continuity counters begin anew, and the last pictures before are marked as corrupt.
Whether they are whole is for the decoder to say.
"""

from collections.abc import Iterator
from fractions import Fraction

from av.container import InputContainer

from vidrts.media.containers import AnyPacket, seconds
from vidrts.media.read.discontinuity import BACKWARD, FORWARD

_BETWEEN = 3
"""Packets of pictures that may lie between the mark and the joint: parsers give packets late."""
_MOST = 1000
"""Packets that are held while waiting."""


class Joints:
    """Takes the mark from pictures just before a key frame at which their clock jumps. Stateful, one per pass.

    Must see the packets before `Continuity` corrects their times. Sound keeps its marks: its packets say their length,
    so that a joint alone marks none.
    """

    def __init__(self, container: InputContainer):
        self._possible = container.format.name == "mpegts"
        self._due: dict[int, Fraction] = {}
        self._held: list[AnyPacket] = []
        """Packets from the first mark on."""
        self._marked: list[AnyPacket] = []
        self._since = 0

    def push(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """The packets that are ready once `packet` is there."""
        if self._possible and packet.stream.type == "video":
            own = bool(self._marked) and packet.stream_index == self._marked[0].stream_index
            if self._jumps(packet) and packet.is_keyframe and own:
                for marked in self._marked:
                    marked.is_corrupt = False
                yield from self.flush()
                own = False
            if packet.is_corrupt and (own or not self._marked):
                self._marked.append(packet)
                self._since = 0
            elif own:
                self._since += 1
        self._held.append(packet)
        if not self._marked or self._since > _BETWEEN or len(self._held) >= _MOST:
            yield from self.flush()

    def flush(self) -> Iterator[AnyPacket]:
        """The packets that are held."""
        held, self._held, self._marked, self._since = self._held, [], [], 0
        yield from held

    def _jumps(self, packet: AnyPacket) -> bool:
        """Whether a packet is not where its stream's last one ends."""
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None:
            return False
        due = self._due.get(packet.stream_index)
        self._due[packet.stream_index] = seconds(ticks + (packet.duration or 0), packet.time_base)
        return due is not None and not due - BACKWARD <= seconds(ticks, packet.time_base) <= due + FORWARD

"""The order in which packets reach the muxer."""

from collections import deque
from collections.abc import Callable
from fractions import Fraction

from vidrts.media.containers import AnyPacket, seconds

_LIMIT = 256 << 20
"""Bytes that are held back; beyond these the oldest packet goes ahead of the encoder."""


class Interleaver:
    """Passes packets to `mux` by time: one of another stream once the enhanced stream has reached its dts.

    An encoder delays dozens of frames, at one frame/s a minute. The muxer itself waits for ten seconds of a stream and
    then writes what it has, so that sound would lie far ahead of its pictures in the file. Stateful, for one output.
    """

    def __init__(self, mux: Callable[[AnyPacket], None]):
        self._mux = mux
        self._held: dict[int, deque[tuple[Fraction, AnyPacket]]] = {}
        self._size = 0

    def encoded(self, packet: AnyPacket) -> None:
        """A packet of the enhanced stream, in decoding order."""
        if packet.dts is not None:
            reached = _decoded_at(packet, packet.dts)
            for queue in self._held.values():
                while queue and queue[0][0] <= reached:
                    self._release(queue)
        self._mux(packet)

    def other(self, packet: AnyPacket) -> None:
        """A packet of another stream, in that stream's order."""
        queue = self._held.setdefault(packet.stream_index, deque())
        if packet.dts is not None:
            at = _decoded_at(packet, packet.dts)
        elif queue:
            at = queue[-1][0]
        else:
            self._mux(packet)
            return
        queue.append((at, packet))
        self._size += packet.size
        while self._size > _LIMIT:
            self._release(min(filter(None, self._held.values()), key=lambda held: held[0][0]))

    def flush(self) -> None:
        """Pass on all that is held back: the enhanced stream is complete."""
        for queue in self._held.values():
            while queue:
                self._release(queue)

    def _release(self, queue: deque[tuple[Fraction, AnyPacket]]) -> None:
        _, packet = queue.popleft()
        self._size -= packet.size
        self._mux(packet)


def _decoded_at(packet: AnyPacket, dts: int) -> Fraction:
    """Seconds."""
    return seconds(dts, packet.time_base)

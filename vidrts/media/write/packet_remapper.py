"""Packets of the source's other streams, copied or transcoded, on the output's clock."""

from collections.abc import Iterator
from fractions import Fraction

from av.stream import Stream

from vidrts.media.containers import AnyPacket, packet_time, time_base
from vidrts.media.input import Input
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import aac
from vidrts.media.write.audio_damage import AudioLedger
from vidrts.media.write.stream_mapping import Route
from vidrts.media.write.transcode import AudioEncoder, SubtitleEncoder
from vidrts.messages import Code, Message, Tell, ignore


class PacketRemapper:
    """Remuxes packets of one routed stream to the output's time base. Stateful, one per stream.

    `shift`: seconds subtracted from all timestamps; `begin`, `end`: the range of transcoded audio, None for all. Makes
    dts increase as the muxer requires. Damage of audio is counted in `ledger`. `tell` gets messages as they arise.
    """

    def __init__(
        self,
        route: Route,
        output: Stream,
        source: Input,
        shift: Fraction,
        *,
        kind: OutputFormat,
        begin: Fraction | None = None,
        end: Fraction | None = None,
        tell: Tell = ignore,
    ):
        self._least = 1 if kind.strict and route.stream.type in ("audio", "video") else 0
        self.output = output
        self._route = route
        self._shift = shift
        self._last: int | None = None
        self._next: int | None = None
        self._encoder: AudioEncoder | SubtitleEncoder | None = None
        self.ledger: AudioLedger | None = None
        if route.stream.type == "audio":
            self.ledger = AudioLedger(route.stream, source.path, copied=route.action == "copy", strict=source.strict)
        watched = route.action == "copy" and aac.HeaderWatch.needed(route.stream, kind)
        self._watch = aac.HeaderWatch() if watched else None
        self._kind = kind
        self._tell = tell
        copied = route.action == "copy" and aac.must_strip_headers(route.stream, kind)
        self._stripper = aac.HeaderStripper(route.stream) if copied else None
        if route.action == "audio":
            assert self.ledger is not None
            self._encoder = AudioEncoder(
                route.stream, output, self.ledger, strict=source.strict, begin=begin, end=end, tell=tell
            )
        elif route.action == "subtitle":
            self._encoder = SubtitleEncoder(route.stream, output)

    def packets(self, packet: AnyPacket | None, *, early: bool = False) -> Iterator[AnyPacket]:
        """The packets to mux for a source packet; None drains an encoder.

        `early`: the packet lies before the trimmed range; only an encoder uses it.
        """
        if self._route.action == "cover" or (early and not isinstance(self._encoder, AudioEncoder)):
            return
        if packet is not None and self.ledger is not None and not early:
            self.ledger.came(packet)
        if isinstance(self._encoder, AudioEncoder):
            yield from map(self._stamped, self._encoder.encode(packet, early=early))
        elif self._encoder is not None:
            yield from map(self._stamped, self._encoder.encode(packet))
        elif packet is not None:
            if self._watch is not None and self._watch.changes(packet):
                at = float(packet_time(packet) or 0)
                self._tell(Message(Code.COPIED_SOUND_CHANGES, index=self._route.stream.index, codec="aac", time=at,
                                   container=self._kind.name))  # fmt: skip
            yield from map(self._stamped, self._stripper.packets(packet) if self._stripper else [packet])

    def until(self, time: Fraction) -> Iterator[AnyPacket]:
        """The packets to mux once the pictures have reached `time`, seconds on the source's clock."""
        if isinstance(self._encoder, SubtitleEncoder):
            yield from map(self._stamped, self._encoder.until(time))

    def _stamped(self, packet: AnyPacket) -> AnyPacket:
        """The packet with the output's stream and times."""
        base = time_base(packet.time_base if packet.time_base.numerator else self.output.time_base)
        offset = round(self._shift / base) if self._shift else 0
        if packet.pts is not None:
            packet.pts -= offset
        if packet.dts is not None:
            packet.dts -= offset
        packet.stream = self.output
        packet.rescale_ts(self.output.time_base)
        if packet.dts is None and self._route.stream.type != "video":
            packet.dts = packet.pts if packet.pts is not None else self._next
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.dts is not None:
            if self._last is not None and packet.dts < self._last + self._least:
                packet.dts = self._last + self._least
                packet.pts = max(packet.pts or 0, packet.dts)
            self._last = packet.dts
            self._next = packet.dts + (packet.duration or 1)
        return packet

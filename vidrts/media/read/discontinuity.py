"""Timestamp jumps of transport streams: concatenated files, cut recordings, a clock that wrapped.

FFmpeg's demuxers return such timestamps as they are; ffmpeg corrects them, and so does this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.format import Flags

from vidrts.media.containers import AnyPacket, seconds, time_base
from vidrts.messages import Code, Message, Tell

FORWARD = 10
"""Seconds that may pass without a packet (lost reception); as FFmpeg's -dts_delta_threshold."""
BACKWARD = Fraction(1, 10)
"""Seconds by which dts may go back."""
_EXACT = Fraction(1, 50)
"""Seconds between a packet and the expected time, where a stream goes on as if nothing had happened."""
_WRAP = Fraction(1 << 33, 90_000)
"""Period of the clock in seconds; FFmpeg adds it to timestamps before the first."""
_WAIT = 5
"""Seconds that are read after a jump of one stream to see whether the others jump, too."""
_GOES_ON = 1
"""Seconds that a stream must go on beside one that jumps, so that the clock has not jumped: a multiplex is no further
apart."""
_MOST = 10_000
"""Packets that are held while waiting."""
_REMEMBERED = 3
"""Offsets that are tried where a packet does not follow with its stream's own."""
_REPORTED = 5


@dataclass
class _Clock:
    """A stream of audio or video: `offset` is added to its times, `expected` is when its next packet is due."""

    offset: Fraction
    expected: Fraction


@dataclass
class _Jump:
    """A stream that does not go on: its first packet elsewhere, and the times of that and the next, by the file."""

    packet: AnyPacket
    first: Fraction
    next: Fraction


class Continuity:
    """Makes the timestamps of all streams continuous across jumps. Stateful, one per file.

    The clock has jumped only if all streams of audio and video jump. One offset then applies to all of them, so that
    they stay in sync: the smallest with which none of them goes back (sound by 0.1 s at most). Where one stream stops
    and the others go on, it has a gap; where it alone goes back, it gets an offset of its own. Formats without such
    jumps pass unchanged.
    """

    def __init__(self, container: InputContainer, tell: Tell):
        self._possible = may_jump(container)
        self.moved: set[int] = set()
        """Indices of streams whose times were changed."""
        self._tell = tell
        self._offsets = [Fraction(0)]
        self._clocks: dict[int, _Clock] = {}
        self._latest: Fraction | None = None
        self._reported = 0
        self._held: list[AnyPacket] = []
        self._due: dict[int, Fraction] = {}
        """When each stream's next packet was due when the first one jumped."""
        self._jumps: dict[int, _Jump] = {}

    def push(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """The packets that are ready once `packet` is there, with continuous timestamps."""
        if not self._possible:
            yield packet
            return
        _drop_impossible_dts(packet)
        if self._held:
            self._hold(packet)
            if self._decided():
                yield from self.flush()
        elif self._follows(packet):
            yield self._moved(packet)
        else:
            self._due = {index: clock.expected for index, clock in self._clocks.items()}
            self._hold(packet)
            if self._decided():
                yield from self.flush()

    def flush(self) -> Iterator[AnyPacket]:
        """The packets that are held, whether the other streams have jumped or not."""
        held, self._held = self._held, []
        offsets = self._settled() if self._jumps else {}
        jumps, self._jumps = self._jumps, {}
        for packet in held:
            index = packet.stream_index
            if index in offsets and packet is jumps[index].packet:
                self._clocks.setdefault(index, _Clock(offsets[index], Fraction(0))).offset = offsets[index]
            yield self._moved(packet)

    # A packet -----------------------------------------------------------------------------------------------------

    def _moved(self, packet: AnyPacket) -> AnyPacket:
        """The packet with its stream's offset."""
        time = _time(packet)
        if time is None:
            return packet
        if _has_order(packet):
            clock = self._clocks.setdefault(packet.stream_index, _Clock(self._offsets[-1], time))
            offset = clock.offset
            self._latest = time + offset
            clock.expected = self._latest + seconds(packet.duration or 0, packet.time_base)
        elif _dense(packet):
            known = self._clocks.get(packet.stream_index)
            offset = self._offsets[-1] if known is None else known.offset
        else:  # subtitles are sparse: take the offset that brings them nearest
            latest = self._latest
            near = reversed(self._offsets)
            offset = self._offsets[-1] if latest is None else min(near, key=lambda o: abs(time + o - latest))
        if offset:
            self.moved.add(packet.stream_index)
            moved = round(offset / time_base(packet.time_base))
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        return packet

    def _follows(self, packet: AnyPacket) -> bool:
        """Whether a packet goes on where its stream or another one is, with its stream's offset or a former one."""
        time, index = _time(packet), packet.stream_index
        if time is None or not _has_order(packet):
            return True
        own = self._clocks.get(index)
        others = [clock.expected for other, clock in self._clocks.items() if other != index]
        if own is None and not others:
            return True

        def fits(offset: Fraction) -> bool:
            at = time + offset
            if own is not None:
                if at < own.expected - BACKWARD:
                    return False
                if at <= own.expected + FORWARD:
                    return True
            return any(abs(at - other) <= FORWARD for other in others)

        current = self._offsets[-1] if own is None else own.offset
        if fits(current):
            return True
        due = self._latest if own is None else own.expected
        assert due is not None
        known = [offset for offset in self._offsets if fits(offset)]
        if known:
            best = min(known, key=lambda offset: abs(time + offset - due))
            if own is None:
                self._clocks[index] = _Clock(best, time + best)
            else:
                own.offset = best
        return bool(known)

    # A jump -------------------------------------------------------------------------------------------------------

    def _hold(self, packet: AnyPacket) -> None:
        """Keep a packet until it is known whether the clock has jumped, and note what it says of that."""
        self._held.append(packet)
        time, index = _time(packet), packet.stream_index
        if time is None or not _has_order(packet):
            return
        after = time + seconds(packet.duration or 0, packet.time_base)
        clock, jump = self._clocks.get(index), self._jumps.get(index)
        if clock is None:
            if jump is not None:
                jump.next = after
            elif self._latest is None or abs(time + self._offsets[-1] - self._latest) > FORWARD:
                self._jumps[index] = _Jump(packet, time, after)
            return
        late = time + clock.offset - self._due[index]
        if jump is None:
            if abs(late) <= _EXACT:
                self._due[index] = after + clock.offset
            else:
                self._jumps[index] = _Jump(packet, time, after)
        elif -_EXACT <= late <= _GOES_ON and abs(time - jump.next) > BACKWARD:
            self._return(index, clock.offset)
            self._due[index] = after + clock.offset
        else:
            jump.next = after

    def _return(self, index: int, offset: Fraction) -> None:
        """A stream goes on where it was before it jumped: give the packets between, which are damaged, times there."""
        self.moved.add(index)
        first = self._jumps.pop(index).packet
        place = next(n for n, packet in enumerate(self._held) if packet is first)
        for packet in self._held[place:-1]:
            if packet.stream_index == index and packet.dts is not None:
                base = time_base(packet.time_base)
                packet.pts = packet.dts = round((self._due[index] - offset) / base)
                self._due[index] += (packet.duration or 0) * base

    def _decided(self) -> bool:
        """Whether enough was read to know."""
        latest = max(clock.expected for clock in self._clocks.values())
        active = {index for index, clock in self._clocks.items() if clock.expected >= latest - _WAIT}
        return (
            not self._jumps
            or active <= self._jumps.keys()
            or any(abs(jump.next - jump.first) >= _WAIT for jump in self._jumps.values())
            or self._others_go_on(_WAIT)
            or len(self._held) >= _MOST
        )

    def _others_go_on(self, seconds: int) -> bool:
        """Whether a stream goes on for so long as if nothing had happened."""
        passed = [self._due[i] - c.expected for i, c in self._clocks.items() if i in self._due and i not in self._jumps]
        return any(each >= seconds for each in passed)

    def _settled(self) -> dict[int, Fraction]:
        """The offset from its jump on of each stream that jumps."""
        wanted = {index: self._wanted(index) for index in self._jumps}
        if self._others_go_on(_GOES_ON):
            for index in self._jumps:
                if index in self._clocks and self._size(index) > 0:
                    wanted[index] = self._clocks[index].offset  # a gap
                else:
                    self._report(index)
            return wanted
        followed = [index for index in wanted if index in self._clocks] or list(wanted)
        offset = max(wanted[index] for index in followed)
        for index in followed:  # a little sound may overlap rather than a picture stand
            if self._jumps[index].packet.stream.type == "video" and offset - wanted[index] <= BACKWARD:
                offset = wanted[index]
        self._report(next(iter(self._jumps)))
        self._offsets = [*self._offsets, offset][-_REMEMBERED:]
        return dict.fromkeys(wanted, offset)

    def _wanted(self, index: int) -> Fraction:
        """The offset with which a stream's packets follow its former ones; a new stream's follow those of another."""
        return self._expected(index) - self._jumps[index].first

    def _expected(self, index: int) -> Fraction:
        expected = self._due.get(index, self._latest)
        assert expected is not None
        return expected

    def _size(self, index: int) -> Fraction:
        """Seconds by which a stream jumps, the clock's period left out; 0 where the clock wrapped."""
        clock = self._clocks.get(index)
        size = (self._offsets[-1] if clock is None else clock.offset) - self._wanted(index)
        return size - round(size / _WRAP) * _WRAP

    def _report(self, index: int) -> None:
        if abs(self._size(index)) <= BACKWARD:
            return
        self._reported += 1
        if self._reported <= _REPORTED:
            code = Code.TIMESTAMP_JUMP if self._reported < _REPORTED else Code.LAST_TIMESTAMP_JUMP
            self._tell(Message(code, jump=float(self._size(index)), time=float(self._expected(index))))


class Unbroken(Continuity):
    """For a film that is known to have no jumps, read from anywhere: what is missing there is no jump."""

    def push(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """The packet."""
        if self._possible:
            _drop_impossible_dts(packet)
        yield packet


def may_jump(container: InputContainer) -> bool:
    """Whether timestamps of the format may jump."""
    return bool(Flags.ts_discont & Flags(container.format.flags))


def _time(packet: AnyPacket) -> Fraction | None:
    """A packet's dts, else its pts, in seconds of the file's clock."""
    ticks = packet.dts if packet.dts is not None else packet.pts
    return None if ticks is None else seconds(ticks, packet.time_base)


def _drop_impossible_dts(packet: AnyPacket) -> None:
    """Take from a packet a dts after its pts, which is damage: it would be taken for a jump."""
    if packet.pts is not None and packet.dts is not None:
        ahead = seconds(packet.dts - packet.pts, packet.time_base)
        if 0 < ahead < _WRAP / 2:  # else one of the two has wrapped
            packet.dts = None


def _dense(packet: AnyPacket) -> bool:
    return packet.stream.type in ("audio", "video")


def _has_order(packet: AnyPacket) -> bool:
    """Whether its time is one that only grows: not for sparse streams, and not a picture's pts."""
    return packet.stream.type == "audio" or (packet.stream.type == "video" and packet.dts is not None)

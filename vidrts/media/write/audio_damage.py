"""Counting what could not be read of one audio track; pictures are counted by `media.read.damage`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.stream import Stream

from vidrts.errors import InputError
from vidrts.media.containers import AnyPacket, Place, reason, time_base
from vidrts.media.damaged_places import DamagedPlaces
from vidrts.messages import Code, Message

_PRIMING = Fraction(1)
"""Seconds at its start for which a decoder may be silent: encoder delays, a stream cut between two sync points."""
_GAP = Fraction(3, 100)
"""Seconds between frames that are no gap: some decoders give frames in bursts."""
_HELD = 10
"""Seconds without sound after which no decoder will still give it."""


@dataclass(kw_only=True)
class AudioLoss(DamagedPlaces):
    """Counts and times of damage."""

    packets: int = 0
    """Packets that the decoder rejected."""
    silent: int = 0
    """Packets that the decoder accepted and gave no sound for."""
    corrupt: int = 0
    """Frames that the decoder marked as corrupt."""
    marked: int = 0
    """Packets that the demuxer marked as corrupt."""
    unparsed: bool = False
    """There is data, and not one packet could be found in it."""

    def __str__(self) -> str:
        parts = ["no packets in its data"] if self.unparsed else []
        if self.packets:
            parts.append(f"{self.packets} damaged packet(s) skipped")
        if self.silent:
            parts.append(f"{self.silent} packet(s) gave no sound")
        if self.corrupt:
            parts.append(f"{self.corrupt} frame(s) decoded with errors")
        if self.marked and not self.corrupt:
            parts.append(f"{self.marked} packet(s) marked as corrupt")
        return "; ".join(parts) + self.where if parts else ""


class AudioLedger:
    """Counts the damage of the audio track `stream` of `path`. Stateful.

    `copied`: its packets are not decoded; `strict`: damage raises `InputError`.
    """

    def __init__(self, stream: Stream, path: Place, *, copied: bool = False, strict: bool = False):
        self._index = stream.index
        self._base = time_base(stream.time_base)
        self._codec = stream.codec_context.codec.canonical_name
        self._path = path
        self._strict = strict
        self._end: Fraction | None = None
        self._silent: list[Fraction] = []
        self._sounded = copied
        self.loss = AudioLoss()
        self.packets = 0
        """Packets of the track, in the selected range."""

    @property
    def sounds(self) -> bool:
        """Whether anything can be heard of the track."""
        return self._sounded and self.packets > 0

    @property
    def message(self) -> Message | None:
        """What to tell; None without damage. Its `damage` is a copy of `loss`."""
        if not str(self.loss):
            return None
        return Message(Code.AUDIO_DAMAGED, index=self._index, codec=self._codec, damage=self.loss.in_order())

    @property
    def lost(self) -> str | None:
        """What to say of a track that has data and gave no sound at all; None for others."""
        if self.sounds or not (self.packets or self.loss.unparsed):
            return None
        return f"audio stream {self._index} ({self._codec}): {self.loss}"

    def came(self, packet: AnyPacket) -> None:
        """A packet of the track; an empty one holds no sound."""
        self.packets += bool(packet.size)
        if packet.is_corrupt:
            self.loss.marked += 1
            self._note(self._time(packet), "marked as corrupt")

    def unparsed(self) -> None:
        """There is data, and no packet came."""
        self.loss.unparsed = True
        self._note(None, "cannot be found in its data")

    def refused(self, packet: AnyPacket | None, error: BaseException) -> None:
        """The decoder rejected a packet."""
        self.loss.packets += 1
        self._note(None if packet is None else self._time(packet), f"cannot be decoded: {reason(error)}")

    def decoded(self, packet: AnyPacket | None, frames: Sequence[AudioFrame], *, early: bool) -> None:
        """The decoder accepted a packet (None: the end) and gave `frames`.

        `early`: it lies before the selected range, and only primes the decoder.
        """
        at = None if packet is None else self._time(packet)
        if self._end is None:
            self._end = at
        for frame in frames:
            begin = self._end if frame.pts is None else frame.pts * time_base(frame.time_base)
            if begin is not None:
                self._close(begin)
                self._end = begin + Fraction(frame.samples, frame.sample_rate or 1)
            self._sounded = True
            if frame.is_corrupt and not early:
                self.loss.corrupt += 1
                self._note(begin, "decoded with errors")
        if packet is None:
            self._close(None)
        elif not frames and not early and not packet.is_discard and at is not None:
            self._silent.append(at)
            if self._end is not None and at - self._end > _HELD:
                self._close(at)

    def _close(self, begin: Fraction | None) -> None:
        """The next frame begins here or later (None: none comes): count the packets since the last without sound."""
        silent, self._silent = self._silent, []
        first = self._end
        if begin is None:  # decoders hold back a little of the last packets
            first = None if first is None or not self._sounded else first + _GAP
        elif first is None or begin - first <= (_GAP if self._sounded else _PRIMING):
            return
        for time in silent:
            if first is None or time >= first:
                self.loss.silent += 1
                self._note(time, "gave no sound")

    def _note(self, time: Fraction | None, what: str) -> None:
        """Add a damaged place, in seconds of the file; with `strict` raise `InputError`."""
        self.loss.note(time)
        if self._strict:
            place = f" at {float(time):.3f} s" if time is not None else ""
            raise InputError(f"{self._path}: damaged{place}: packet of audio stream {self._index} {what} (--strict)")

    def _time(self, packet: AnyPacket) -> Fraction | None:
        ticks = packet.pts if packet.pts is not None else packet.dts
        return None if ticks is None else ticks * (time_base(packet.time_base) if packet.time_base else self._base)

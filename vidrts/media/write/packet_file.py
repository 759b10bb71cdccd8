"""A file of encoded video packets, with their times, flags and side data exactly as the encoder gave them.

    with path.open("wb") as file:
        written = PacketWriter(file)
        written.add(packet)
        written.finish({"frames": 1})
    with PacketFile(path) as held:
        for part in held: ...

Containers round times or keep no side data. Here, after a line that says what it is, each packet is a header, its side
data and its payload; a JSON object comes last, with the pts and dts of all packets and what the writer has to say,
then its length and the same line again.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from av.packet import Packet, PacketSideData, packet_sidedata_type_from_literal

from vidrts.media.containers import AnyPacket

MAGIC = b"vidrts packets 1\n"
_HEAD = struct.Struct("<qqqBBI")
"""pts, dts, duration in ticks; whether it is a key frame; pieces of side data; bytes of the payload."""
_SIDE = struct.Struct("<BI")
"""Bytes of the name; bytes of the side data."""
_TAIL = struct.Struct("<Q")
_NONE = -(1 << 63)
"""FFmpeg's AV_NOPTS_VALUE."""


@dataclass(frozen=True)
class EncodedPacket:
    """A packet without a stream; times in ticks of the encoder's time base."""

    pts: int | None
    dts: int | None
    duration: int
    key: bool
    payload: bytes
    side_data: tuple[tuple[str, bytes], ...] = ()
    """PyAV's names of the kinds, and the bytes."""

    @classmethod
    def of(cls, packet: AnyPacket) -> Self:
        """A copy of an encoder's packet."""
        side = tuple((data.data_type, bytes(data)) for data in packet.iter_sidedata())
        return cls(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, bytes(packet), side)

    def packet(self) -> AnyPacket:
        """FFmpeg's packet; stream and time base are for the caller to set."""
        made: AnyPacket = Packet(self.payload)
        made.pts, made.dts, made.duration, made.is_keyframe = self.pts, self.dts, self.duration, self.key
        for name, content in self.side_data:
            data = PacketSideData(packet_sidedata_type_from_literal(name), len(content))  # type: ignore[call-arg, arg-type]
            data.update(content)
            made.set_sidedata(data)
        return made


class PacketWriter:
    """Writes the packets of one segment in decoding order. Raises OSError."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._times: list[tuple[int | None, int | None]] = []
        file.write(MAGIC)

    def add(self, packet: EncodedPacket) -> int:
        """Write a packet; the bytes that it takes."""
        pts, dts = (_NONE if ticks is None else ticks for ticks in (packet.pts, packet.dts))
        parts = [
            _HEAD.pack(pts, dts, packet.duration, packet.key, len(packet.side_data), len(packet.payload)),
            *(_SIDE.pack(len(name), len(data)) + name.encode() + data for name, data in packet.side_data),
            packet.payload,
        ]
        for part in parts:
            self._file.write(part)
        self._times.append((packet.pts, packet.dts))
        return sum(map(len, parts))

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write what is said of the packets, which JSON must hold."""
        tail = json.dumps({"times": self._times, **facts}, separators=(",", ":")).encode()
        self._file.write(tail + _TAIL.pack(len(tail)) + MAGIC)


class PacketFile:
    """A finished file of packets. Raises OSError, and ValueError for anything else."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        try:
            size = self._file.seek(0, 2)
            end = size - _TAIL.size - len(MAGIC)
            self._file.seek(0)
            if self._file.read(len(MAGIC)) != MAGIC or end < len(MAGIC):
                raise ValueError("is no file of packets")
            self._file.seek(end)
            (length,) = _TAIL.unpack(self._file.read(_TAIL.size))
            if self._file.read() != MAGIC or length > end - len(MAGIC):
                raise ValueError("is no complete file of packets")
            self._file.seek(end - length)
            self.facts: dict[str, Any] = json.loads(self._file.read(length))
            """What `PacketWriter.finish` was given."""
            self._end = end - length
            self.times: Sequence[tuple[int | None, int | None]] = [(p, d) for p, d in self.facts.pop("times")]
            """pts and dts of all packets, in decoding order."""
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[EncodedPacket]:
        self._file.seek(len(MAGIC))
        while self._file.tell() < self._end:
            pts, dts, duration, key, pieces, size = _HEAD.unpack(self._file.read(_HEAD.size))
            side = []
            for _ in range(pieces):
                name, length = _SIDE.unpack(self._file.read(_SIDE.size))
                side.append((self._file.read(name).decode(), self._file.read(length)))
            yield EncodedPacket(
                None if pts == _NONE else pts, None if dts == _NONE else dts, duration, bool(key),
                self._file.read(size), tuple(side),
            )  # fmt: skip

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

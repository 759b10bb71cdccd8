"""Detects a truncated stream from a pipe: FFmpeg's demuxers accept any end.

    watch = TruncationDetector(first_bytes)
    watch.feed(data); ...
    watch.truncated    # True: the stream ends within an element or packet

Follows only the outermost structure, by the sizes that it announces: Matroska's elements (RFC 9559), mp4's boxes
(ISO/IEC 14496-12), NUT's packets and frames (nut.txt of the NUT open container format), MPEG-TS packets. Anything else
is never reported as truncated.
"""

from collections.abc import Generator
from dataclasses import dataclass

_MOST = 1 << 16
"""Maximum bytes of a header that are buffered; a longer one ends the check."""
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_NUT = b"nut/multimedia container\0"
_NUT_MAIN = bytes.fromhex("4e4d7a561f5f04ad")


@dataclass(frozen=True)
class _Skip:
    """Bytes to skip; the stream may end at each multiple of `part` before their end."""

    count: int
    part: int = 0


class _End:
    """The stream may end here."""


type _Steps[T] = Generator[int | _Skip | type[_End], bytes, T]
"""A parser: yields a number of bytes to receive, a `_Skip`, or `_End`. When it returns, the check ends."""


class TruncationDetector:
    """Follows the bytes of a stream; `head`: its first bytes, at least 12."""

    def __init__(self, head: bytes) -> None:
        self._steps = _format(head)
        self._step: int | _Skip | None = None
        self._held = bytearray()
        self._may_end = True
        self._go(None)

    @property
    def truncated(self) -> bool:
        """Whether the bytes so far end within an element or packet."""
        return self._step is not None and not (self._may_end and not self._held)

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes of the stream."""
        at = 0
        while at < len(data) and self._step is not None:
            if isinstance(self._step, _Skip):
                count = min(self._step.count, len(data) - at)
                self._step = _Skip(self._step.count - count, self._step.part)
                at += count
                self._may_end = self._step.part > 0 and self._step.count % self._step.part == 0
                if not self._step.count:
                    self._go(b"")
            else:
                count = min(self._step - len(self._held), len(data) - at)
                self._held += data[at : at + count]
                at += count
                if len(self._held) == self._step:
                    taken, self._held = bytes(self._held), bytearray()
                    self._may_end = False
                    self._go(taken)

    def _go(self, given: bytes | None) -> None:
        """Advance to the next step that needs bytes."""
        self._step = None
        try:
            step = self._steps.send(given)  # type: ignore[arg-type] # None starts it
            while step is _End or step == _Skip(0) or step == 0:
                self._may_end = self._may_end or step is _End
                step = self._steps.send(b"")
        except StopIteration:
            return
        if isinstance(step, _Skip) or (isinstance(step, int) and step <= _MOST):
            self._step = step


def _format(head: bytes) -> _Steps[None]:
    """The parser for a stream that begins with `head`."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska()
    if head[4:8] in (b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"free", b"skip", b"wide", b"mdat"):
        return _mp4()
    if head.startswith(_NUT[:12]):
        return _nut()
    return _mpegts()


def _matroska() -> _Steps[None]:
    """Elements: ID of 1 to 4 bytes, size of 1 to 8 bytes, content."""
    left: int | None = None  # bytes to the Segment's end, if known
    while left is None or left > 0:
        if left is None:
            yield _End
        name = yield 1
        length = 9 - name[0].bit_length()
        if length > 4:
            return
        name += yield length - 1
        first = (yield 1)[0]
        width = 9 - first.bit_length()
        if width > 8:
            return
        rest = yield width - 1
        mask = (1 << (8 - width)) - 1
        size = int.from_bytes(bytes([first & mask]) + rest)
        unknown = size == (1 << 7 * width) - 1
        if left is not None:
            left -= length + width
        if name == _SEGMENT:
            left = None if unknown else size
        elif not (unknown and name == _CLUSTER):  # of a cluster of unknown size, each element is followed
            if unknown:
                return
            yield _Skip(size)
            if left is not None:
                left -= size
    yield _End


def _mp4() -> _Steps[None]:
    """Boxes: size of 4 bytes, type of 4, content; a fragment is a moof box and the mdat box after it."""
    name = b""
    while True:
        if name != b"moof":
            yield _End
        head = yield 8
        size, name, length = int.from_bytes(head[:4]), head[4:], 8
        if size == 1:
            size, length = int.from_bytes((yield 8)), 16
        if size < length or not name.isalnum():  # 0: up to the end of the file
            return
        yield _Skip(size - length)


def _mpegts() -> _Steps[None]:
    """Packets of 188 bytes that begin with G, checked once per 64."""
    while True:
        yield _End
        if (yield 1) != b"G":
            return
        yield _Skip(188 * 64 - 1, 188)


def _number() -> _Steps[int]:
    """A variable-length integer of NUT: 7 bits per byte, the top bit set in all but the last."""
    value = 0
    while True:
        byte = (yield 1)[0]
        value = value << 7 | byte & 127
        if byte < 128 or value >> 63:
            return value


def _nut() -> _Steps[None]:
    """Packets with start code and size; frames, whose frame code is in the main header's table."""
    if (yield len(_NUT)) != _NUT:
        return
    codes: list[tuple[int, int, int, int, int]] = []
    elided = [0]
    while True:
        yield _End
        code = yield 1
        if code == b"N":
            start = code + (yield 7)
            size = yield from _number()
            if size > 4096:
                yield 4
            if start == _NUT_MAIN:
                codes, elided = _nut_table((yield size))
            else:
                yield _Skip(size)
            continue
        if not codes:
            return
        flags, multiplier, size, reserved, header = codes[code[0]]
        if flags & 4096:  # the flags that differ are coded
            flags ^= yield from _number()
        if flags & 8192:  # no such frame
            return
        for bit in (16, 8):  # stream, time
            if flags & bit:
                yield from _number()
        if flags & 32:
            size += multiplier * (yield from _number())
        if flags & 2048:
            yield from _number()
        if flags & 1024:
            header = yield from _number()
        if flags & 128:
            reserved = yield from _number()
        for _ in range(reserved):
            yield from _number()
        if flags & 64:
            yield 4
        if size <= 4096:  # larger frames have no elided header
            if header >= len(elided):
                return
            size -= elided[header]
        yield _Skip(max(0, size))


def _nut_table(main: bytes) -> tuple[list[tuple[int, int, int, int, int]], list[int]]:
    """Of the main header: (flags, size's factor, size, reserved numbers, elided header) by frame code; headers' sizes.

    Empty for an invalid header.
    """
    at = 0

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            byte = main[at]
            at += 1
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    try:
        if number() > 3:  # the version, and from 4 on a minor one
            number()
        number(), number()  # streams, distance of sync points
        for _ in range(2 * number()):
            number()  # time bases
        codes: list[tuple[int, int, int, int, int]] = []
        multiplier, header = 1, 0
        while len(codes) < 256:
            flags, fields = number(), number()
            values = [number() for _ in range(fields)]
            multiplier = values[1] if fields > 1 else multiplier
            size = values[3] if fields > 3 else 0
            reserved = values[4] if fields > 4 else 0
            count = values[5] if fields > 5 else multiplier - size
            header = values[7] if fields > 7 else header
            for step in range(count):
                if len(codes) == ord("N"):
                    codes.append((8192, 0, 0, 0, 0))
                codes.append((flags, multiplier, size + step, reserved, header))
            if count <= 0:
                return [], [0]
        elided = [0]
        if len(main) - at > 4:  # the checksum
            for _ in range(number()):
                elided.append(number())
                at += elided[-1]
    except IndexError:
        return [], [0]
    return codes, elided

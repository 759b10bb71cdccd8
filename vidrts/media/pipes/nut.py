"""The packets and frames of NUT, followed by their sizes (nut.txt of the NUT open container format)."""

from vidrts.media.pipes.parser_steps import End, Skip, Steps

ID = b"nut/multimedia container\0"
"""What a NUT stream begins with."""
_MAIN = bytes.fromhex("4e4d7a561f5f04ad")
"""The start code of the main header."""


def _number() -> Steps[int]:
    """A variable-length integer of NUT: 7 bits per byte, the top bit set in all but the last."""
    value = 0
    while True:
        byte = (yield 1)[0]
        value = value << 7 | byte & 127
        if byte < 128 or value >> 63:
            return value


def packets() -> Steps[None]:
    """Packets with start code and size; frames, whose frame code is in the main header's table."""
    if (yield len(ID)) != ID:
        return
    codes: list[tuple[int, int, int, int, int]] = []
    elided = [0]
    while True:
        yield End
        code = yield 1
        if code == b"N":
            start = code + (yield 7)
            size = yield from _number()
            if size > 4096:
                yield 4
            if start == _MAIN:
                codes, elided = _frame_codes((yield size))
            else:
                yield Skip(size)
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
        yield Skip(max(0, size))


def _frame_codes(main: bytes) -> tuple[list[tuple[int, int, int, int, int]], list[int]]:
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

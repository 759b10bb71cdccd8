"""EBML, of which Matroska and WebM are made (RFC 8794): elements read from bytes and written to them."""

import zlib
from collections.abc import Iterator

CRC, VOID = 0xBF, 0xEC


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(identifier, start, start of content, end) of the EBML elements from `at` on; stops at a truncated one."""
    while at < end:
        first = at
        length = 9 - data[at].bit_length()
        name = int.from_bytes(data[at : at + length])
        at += length
        if at >= end or not data[at]:
            return
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) - (1 << 7 * length)
        unknown = size == (1 << 7 * length) - 1
        at += length
        stop = end if unknown else min(at + size, end)
        yield name, first, at, stop
        at = stop


def element(name: int, content: bytes, size: int | None = None) -> bytes:
    """An element; `size`: padded with zeros to that many bytes in total, at least 2."""
    mark = name.to_bytes((name.bit_length() + 7) // 8)
    if size is not None:
        content = bytes(size - len(mark) - 1)
    length = 1
    while len(content) >= (1 << 7 * length) - 1:
        length += 1
    return mark + (len(content) | 1 << 7 * length).to_bytes(length) + content


def number(value: int) -> bytes:
    """An unsigned integer in as few bytes as hold it."""
    return value.to_bytes((value.bit_length() + 7) // 8)


def checked(content: bytes) -> bytes:
    """Children of an element with the CRC-32 in front that is true of them, in place of the one there, if any."""
    head = bytes((CRC, 0x84))
    if not content.startswith(head):
        return content
    return head + zlib.crc32(content[6:]).to_bytes(4, "little") + content[6:]

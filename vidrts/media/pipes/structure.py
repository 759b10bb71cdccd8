"""The outermost structure of containers, followed by the sizes that it announces.

Matroska's elements (RFC 9559), mp4's boxes (ISO/IEC 14496-12), NUT's packets and frames (`nut`), MPEG-TS packets (also
of 192 bytes, as Blu-ray has them), MPEG-PS packs, RIFF's chunks (AVI), ASF's objects, FLV's tags, Ogg's pages (RFC
3533), MXF's triplets (SMPTE ST 377-1), IVF's, y4m's and DV's frames. Anything else is not followed.
"""

from vidrts.errors import InputError, UnsupportedFormatError
from vidrts.media.pipes import nut
from vidrts.media.pipes.parser_steps import End, Skip, Steps

_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_MXF = bytes.fromhex("060e2b34020501010d010201")
"""The first 12 bytes of a partition pack's key; of every key, the first 4."""
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA_HEADER = 50
"""Bytes of ASF's data object without packets; as its size it says that the size is not known."""
_DV = b"\x1f\x07\x00"
"""The first block of each of DV's frames."""
_DV_CHANNELS = {0: 1, 4: 2, 0x14: 4, 0x18: 2}
"""DIF channels by the signal type of SMPTE 314M and 370M: 25, 50 and 100 Mbit/s, and 100 of 720 lines."""


def structure(head: bytes) -> Steps[None]:
    """The parser for a stream that begins with `head`, at least 12 bytes."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska()
    if head[4:8] in (b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"free", b"skip", b"wide", b"mdat"):
        return _mp4()
    if head.startswith(nut.ID[:12]):
        return nut.packets()
    if head.startswith(_ASF[:12]):
        return _asf()
    if head.startswith(b"RIFF"):
        return _riff()
    if head.startswith(_MXF):
        return _mxf()
    if head.startswith(b"DKIF"):
        return _ivf()
    if head.startswith(b"FLV"):
        return _flv()
    if head.startswith(b"OggS"):
        return _ogg()
    if head.startswith(b"\0\0\1\xba"):
        return _mpegps()
    if head.startswith(b"YUV4MPEG2"):
        return _y4m()
    if head.startswith(_DV):
        return _dv()
    if not head.startswith(b"G") and head[4:5] == b"G":
        return _mpegts(192, 4)
    return _mpegts(188, 0)


def _matroska() -> Steps[None]:
    """Elements: ID of 1 to 4 bytes, size of 1 to 8 bytes, content."""
    left: int | None = None  # bytes to the Segment's end, if known
    while left is None or left > 0:
        if left is None:
            yield End
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
            yield Skip(size)
            if left is not None:
                left -= size
    yield End


def _mp4() -> Steps[None]:
    """Boxes: size of 4 bytes, type of 4, content; a fragment is a moof box and the mdat box after it."""
    name = b""
    while True:
        if name != b"moof":
            yield End
        head = yield 8
        size, name, length = int.from_bytes(head[:4]), head[4:], 8
        if size == 1:
            size, length = int.from_bytes((yield 8)), 16
        if size < length or not name.isalnum():  # 0: up to the end of the file
            return
        yield Skip(size - length)


def _mpegts(size: int, sync: int) -> Steps[None]:
    """Packets of `size` bytes with a G at `sync`, checked once per 64."""
    while True:
        yield End
        if (yield sync + 1)[sync:] != b"G":
            return
        yield Skip(size - sync - 1)
        yield End
        yield Skip(size * 63, size)


def _mpegps() -> Steps[None]:
    """Packs: a header of 12 bytes (MPEG-1) or at least 14 (MPEG-2), and packets that say their length."""
    while True:
        yield End
        code = yield 4
        if not code.startswith(b"\0\0\1"):
            return
        if code[3] == 0xBA:
            if (yield 8)[0] >> 6 == 1:
                yield Skip((yield 2)[1] & 7)
        elif code[3] > 0xBA:
            yield Skip(int.from_bytes((yield 2)))
        elif code[3] != 0xB9:
            return


def _riff() -> Steps[None]:
    """RIFF chunks: name of 4 bytes, size of 4, content, padded to an even size."""
    while True:
        yield End
        head = yield 8
        size = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or size in (0, 0xFFFFFFFF):  # not known when the header was written
            return
        yield Skip(size + size % 2)


def _asf() -> Steps[None]:
    """The header object and the data object: GUID of 16 bytes, size of 8, content."""
    for guid in (_ASF, _ASF_DATA):
        head = yield 24
        size = int.from_bytes(head[16:], "little")
        if head[:16] != guid or size <= _ASF_DATA_HEADER:
            return
        yield Skip(size - 24)


def _mxf() -> Steps[None]:
    """Triplets: key of 16 bytes, length of 1 to 9 bytes, value."""
    while True:
        yield End
        if not (yield 16).startswith(_MXF[:4]):
            return
        size = (yield 1)[0]
        if size == 128:  # not known
            return
        yield Skip(size if size < 128 else int.from_bytes((yield size - 128)))


def _ivf() -> Steps[None]:
    """A header that says its length, and frames: size of 4 bytes, time of 8, content."""
    header = yield 8
    yield Skip(max(0, int.from_bytes(header[6:], "little") - 8))
    while True:
        yield End
        yield Skip(int.from_bytes((yield 12)[:4], "little"))


def _flv() -> Steps[None]:
    """Tags: type of 1 byte, size of 3, header of 7, content; each followed by its size."""
    header = yield 9
    yield Skip(int.from_bytes(header[5:]) - 9 + 4)
    while True:
        yield End
        head = yield 11
        if head[0] & 0x1F not in (8, 9, 18):
            return
        yield Skip(int.from_bytes(head[1:4]) + 4)


def _ogg() -> Steps[None]:
    """Pages: header of 27 bytes, number and sizes of segments, content."""
    while True:
        yield End
        head = yield 27
        if not head.startswith(b"OggS"):
            return
        yield Skip(sum((yield head[26])))


def _y4m() -> Steps[None]:
    """A line of parameters, and frames: a line `FRAME`, with or without parameters, and samples."""
    from vidrts.media.pipes import y4m  # which loads torch

    header = yield from _line(12)
    try:
        size = y4m.parse_header(header).frame_bytes
    except (InputError, UnsupportedFormatError):
        return
    while True:
        yield End
        if not (yield from _line(6)).startswith(b"FRAME"):
            return
        yield Skip(size)


def _line(least: int) -> Steps[bytes]:
    """A line of at least `least` bytes with its newline, without it."""
    line = yield least
    while not line.endswith(b"\n"):
        line += yield 1
    return line[:-1]


def _dv() -> Steps[None]:
    """Frames of one size, which the first one's header and its first video block say: lines, and bit rate."""
    first = yield 452
    channels = _DV_CHANNELS.get(first[451] & 0x1F)
    if channels is None:
        return
    size = channels * (144_000 if first[3] & 0x80 else 120_000)
    yield Skip(size - len(first))
    while True:
        yield End
        if (yield len(_DV)) != _DV:
            return
        yield Skip(size - len(_DV))

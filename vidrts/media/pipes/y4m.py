"""YUV4MPEG2 (y4m), read and written without FFmpeg: through PyAV that loses aspect ratio and chroma siting.

Follows mjpegtools' yuv4mpeg(5) with FFmpeg's additions: `C420p10` etc. and `XCOLORRANGE`. The format has no timestamps,
matrix or primaries. A stream begins with one line of parameters; each frame is a line `FRAME`, optionally with
parameters, and the planes Y, Cb, Cr without gaps.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO, Literal

import torch

from vidrts.errors import InputError, SourceBrokenError, UnsupportedFormatError
from vidrts.frame import FieldOrder, PixelFormat, pixel_format
from vidrts.media.pipes.header import MAX_FRAME, MAX_SIDE, Header, counted
from vidrts.media.pipes.samples import read_samples, split_planes, write_all, write_samples

MAX_LINE = 1024
"""Longest header or FRAME line in bytes, its end included. FFmpeg's own reader takes 128."""

_SITINGS = {"420jpeg": 2, "420mpeg2": 1, "420paldv": 3, "420": 2}
"""Chroma tag of 8 bit 4:2:0 -> FFmpeg's AVCHROMA_LOC_*; a bare C420 is JPEG's, centred, for FFmpeg and mjpegtools."""
_INTERLACING: dict[str, FieldOrder | Literal["mixed"]] = {
    "p": "progressive", "t": "tff", "b": "bff", "m": "mixed", "?": "progressive",
}  # fmt: skip
_FRAME_INTERLACING: dict[str, FieldOrder] = {
    "t": "tff", "T": "tff", "b": "bff", "B": "bff", "1": "progressive", "2": "progressive", "3": "progressive",
}  # fmt: skip

_FRAME_LINES: dict[FieldOrder, bytes] = {"progressive": b"FRAME I1p?\n", "tff": b"FRAME Iti?\n", "bff": b"FRAME Ibi?\n"}
"""Presentation, temporal and spatial sampling; the latter, of chroma, is unknown."""


def parse_header(line: bytes) -> Header:
    """Parse the first line, without its newline. Raises `InputError` or `UnsupportedFormatError`."""
    try:
        magic, *tokens = line.decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise InputError("y4m header: expected ASCII; is this a YUV4MPEG2 stream?") from None
    if magic != "YUV4MPEG2":
        raise InputError(f"y4m header: expected YUV4MPEG2, got {magic[:20]!r}")
    single = {token[0]: token[1:] for token in tokens if token and token[0] != "X"}
    extensions = [token[1:] for token in tokens if token.startswith("X")]
    sides = [_side(single, letter) for letter in "WH"]
    chroma = single.get("C")
    if chroma is None:  # older writers use an extension only
        chroma = next((e.removeprefix("YSCSS=").lower() for e in extensions if e.startswith("YSCSS=")), "420jpeg")
    interlacing = single.get("I", "?")
    if interlacing not in _INTERLACING:
        raise InputError(f"y4m header: expected one of Ip It Ib Im I?, got I{interlacing}")
    header = Header(
        width=sides[0],
        height=sides[1],
        format=_format(chroma),
        rate=_ratio("F", single.get("F", "0:0")) or None,
        field_order=_INTERLACING[interlacing],
        sar=_ratio("A", single.get("A", "0:0")),
        siting=_SITINGS.get(chroma, 0),
        range={"COLORRANGE=LIMITED": 1, "COLORRANGE=FULL": 2}.get(
            next((e for e in extensions if e.startswith("COLORRANGE=")), ""), 0
        ),
    )
    if header.frame_bytes > MAX_FRAME:
        raise InputError(f"y4m header: expected frames of at most {MAX_FRAME:,} bytes, got {header.frame_bytes:,}")
    return header


def format_header(header: Header) -> bytes:
    """The first line for `header`, with newline; raises `UnsupportedFormatError` for what y4m does not support."""
    rate = header.rate or Fraction(0, 1)
    words = [
        "YUV4MPEG2", f"W{header.width}", f"H{header.height}",
        f"F{rate.numerator}:{rate.denominator if rate else 0}",
        "I" + next(letter for letter, order in _INTERLACING.items() if order == header.field_order),
        f"A{header.sar.numerator}:{header.sar.denominator if header.sar else 0}",
    ]  # fmt: skip
    tag = chroma_tag(header.format, header.siting)
    words += [f"C{tag}"]
    if header.format.model == "yuv":
        words += [f"XYSCSS={tag.upper()}"]  # for readers that do not know the C tag
    if header.range:
        words += [f"XCOLORRANGE={'LIMITED' if header.range == 1 else 'FULL'}"]
    return " ".join(words).encode("ascii") + b"\n"


def chroma_tag(fmt: PixelFormat, siting: int = 0) -> str:
    """The C tag for a pixel format and FFmpeg's siting number; raises `UnsupportedFormatError`."""
    if fmt.model == "rgb" or fmt.alpha or fmt.layout != "planar":
        raise UnsupportedFormatError(
            f"pixel format {fmt.name} is not supported in y4m; expected planar YUV or gray without alpha; "
            "use -f matroska, -f nut or -pix_fmt"
        )
    depth = "" if fmt.depth == 8 else str(fmt.depth)
    if fmt.model == "gray":
        return f"mono{depth}"
    sub = {(1, 1): "420", (1, 0): "422", (0, 0): "444"}[fmt.log2_w, fmt.log2_h]
    if depth:
        return f"{sub}p{depth}"
    if sub == "420":
        return {1: "420mpeg2", 3: "420paldv"}.get(siting, "420jpeg")
    return sub


class Reader:
    """Reads frames from a binary stream, which need not be seekable."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the header; raises `InputError` or `UnsupportedFormatError`."""
        self._stream = stream
        self.frames_read = 0
        line = self._line()
        if line is None:
            raise InputError("y4m: empty stream; check the program before this one")
        self.header = parse_header(line)

    def frames(self) -> Iterator[tuple[tuple[torch.Tensor, ...], FieldOrder]]:
        """(planes, field order) of each frame; planes are stored samples (h, w), uint8 or uint16.

        Raises `SourceBrokenError`, with the number of whole frames, where the stream ends within a frame or is invalid.
        """
        while (line := self._line()) is not None:
            order = self._frame_line(line)
            samples = read_samples(self._stream, self.header)
            if len(samples) < self.header.frame_bytes:
                raise SourceBrokenError(f"y4m: the stream ends within a frame, {self._after()}")
            yield split_planes(samples, self.header), order
            self.frames_read += 1

    def _frame_line(self, line: bytes) -> FieldOrder:
        magic, *tokens = line.split(b" ")
        if magic != b"FRAME":
            raise SourceBrokenError(f"y4m: expected a FRAME line, got {line[:20]!r}, {self._after()}")
        tag = next((t[1:2].decode("ascii", "replace") for t in tokens if t.startswith(b"I")), "")
        order = self.header.field_order
        if order == "mixed":
            return _FRAME_INTERLACING.get(tag, "progressive")
        return order

    def _line(self) -> bytes | None:
        """The next line without newline; None at the end of the stream."""
        line = self._stream.readline(MAX_LINE)
        if not line:
            return None
        if not line.endswith(b"\n"):
            if len(line) < MAX_LINE:
                raise SourceBrokenError(f"y4m: the stream ends within a line, {self._after()}")
            raise SourceBrokenError(f"y4m: line longer than {MAX_LINE} bytes, {self._after()}; is this YUV4MPEG2?")
        return line[:-1]

    def _after(self) -> str:
        return f"after {counted(self.frames_read)}"


class Writer:
    """Writes frames to a binary stream, unbuffered."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self.header = header
        write_all(stream, format_header(header))

    def write(self, planes: Sequence[torch.Tensor], order: FieldOrder = "progressive") -> None:
        """Write a frame: planes of stored samples (h, w) as `header.format` has them, on the CPU; views are fine.

        `order` is written where the header says "mixed".
        """
        lead = _FRAME_LINES[order] if self.header.field_order == "mixed" else b"FRAME\n"
        write_samples(self._stream, self.header, planes, lead)


def _side(single: dict[str, str], letter: str) -> int:
    value = single.get(letter, "")
    if not (value.isdecimal() and len(value) <= 6 and 1 <= int(value) <= MAX_SIDE):
        got = f"{letter}{value[:20]}" if letter in single else f"no {letter}"
        raise InputError(f"y4m header: expected {letter} and a number from 1 to {MAX_SIDE}, got {got}")
    return int(value)


def _ratio(letter: str, value: str) -> Fraction:
    """N:D as a fraction; 0 for 0:0, which means unknown."""
    top, colon, bottom = value.partition(":")
    # Ten digits may be more than FFmpeg's own numbers hold.
    digits = (top.isdecimal(), bottom.isdecimal(), len(top) <= 9, len(bottom) <= 9)
    if not colon or not all(digits):
        raise InputError(f"y4m header: expected two numbers such as {letter}25:1, got {letter}{value[:20]}")
    return Fraction(int(top), int(bottom)) if int(bottom) else Fraction(0)


def _format(tag: str) -> PixelFormat:
    """The pixel format of a C tag."""
    if tag in _SITINGS:
        return pixel_format("yuv420p")
    sub, _, depth = (tag.replace("mono", "monop") if tag.startswith("mono") else tag).partition("p")
    name = {"422": "yuv422p", "444": "yuv444p", "420": "yuv420p", "mono": "gray"}.get(sub)
    deep = depth in ("9", "10", "12", "14", "16")
    if name is None or not (deep or (not depth and sub != "420")):
        raise UnsupportedFormatError(
            f"y4m chroma format C{tag[:20]} is not supported; expected C420jpeg, C420mpeg2, C420paldv, C422, C444, "
            "Cmono or one of them with p9 to p16; convert it first, for example with -pix_fmt yuv422p"
        )
    return pixel_format(f"{name}{depth}le" if deep else name)

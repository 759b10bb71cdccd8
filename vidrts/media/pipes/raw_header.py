"""Raw video has no header: `--raw WIDTHxHEIGHT:PIXFMT@RATE` describes it."""

import re
from fractions import Fraction

from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS
from vidrts.media.packings import PACKINGS
from vidrts.media.pipes.header import MAX_FRAME, MAX_SIDE, Header
from vidrts.media.pixel_formats import known

_TEXT = re.compile(r"(\d{1,6})x(\d{1,6}):([a-z0-9]+)@(\d{1,9})(?:/(\d{1,9})|(\.\d{1,6}))?")


def parse(text: str) -> Header:
    """The stream that WxH:pixfmt@rate describes, a rate being 25, 29.97 or 30000/1001; raises `OptionError`.

    Depths beyond 8 bit are little-endian, and may be named without saying so: yuv420p10.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise OptionError(f"--raw {text}: expected WIDTHxHEIGHT:PIXFMT@RATE, such as 1920x1080:yuv420p@24000/1001")
    width, height, name, number, divisor, decimals = match.groups()
    if not (1 <= int(width) <= MAX_SIDE and 1 <= int(height) <= MAX_SIDE):
        raise OptionError(f"--raw {text}: expected 1 to {MAX_SIDE} pixels per side, got {width}x{height}")
    rate = Fraction(int(number), int(divisor)) if divisor and int(divisor) else Fraction(number + (decimals or ""))
    if not rate or (divisor and not int(divisor)):
        raise OptionError(f"--raw {text}: expected a rate above 0 frames/s, got {number}/{divisor or 1}")
    if f"{name}le" in PIXEL_FORMATS or f"{name}le" in PACKINGS:
        name = f"{name}le"
    packing = PACKINGS.get(name)
    try:
        fmt = known(name) if packing is None else packing.twin
    except UnsupportedFormatError as error:
        raise OptionError(f"--raw {text}: {error}") from None
    header = Header(width=int(width), height=int(height), format=fmt, packing=packing, rate=rate)
    if (size := header.frame_bytes) > MAX_FRAME:
        raise OptionError(f"--raw {text}: expected frames of at most {MAX_FRAME:,} bytes, got {size:,}")
    return header

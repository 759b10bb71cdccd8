"""Colour tags that an output does not hold: what its encoder writes, and what its container states beside the stream.

Both as they are read back with FFmpeg 9: a stream's own tags first, the container's where the stream says nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from vidrts.frame import ColorTags, PixelFormat
from vidrts.media.color_names import FACTS, Fact, word
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write.encoders import Encoder
from vidrts.messages import Code, Message

_STATED: dict[str, tuple[Fact, ...]] = {
    "matroska": ("matrix", "primaries", "transfer", "range"),
    "webm": ("matrix", "primaries", "transfer", "range"),
    "mp4": ("matrix", "primaries", "transfer", "range"),
    "mov": ("matrix", "primaries", "transfer"),
}
"""By muxer."""
_SITINGS = {"matroska": (1, 2, 3, 4), "webm": (1, 2, 3, 4)}
"""Chroma sitings that a muxer stores: Matroska's have no place for the bottom ones."""
_PLACES = {1: (0, 1), 2: (1, 1), 3: (0, 0), 4: (1, 0), 5: (0, 2), 6: (1, 2)}
"""Siting -> half luma samples to the right and down from the first one."""


def message(color: ColorTags, fmt: PixelFormat, encoder: Encoder, kind: OutputFormat) -> Message | None:
    """What the output loses of the tags `color` of its frames, which have format `fmt`; None for nothing."""
    lost = ", ".join(f"{fact} {word(fact, getattr(color, fact))}" for fact in _lost(color, fmt, encoder, kind.muxer))
    if not lost or kind.muxer == "nut":  # which holds no tag at all, see `loss_warnings`
        return None
    return Message(Code.COLOUR_LOST, tags=lost, encoder=encoder.name, container=kind.name)


def _lost(color: ColorTags, fmt: PixelFormat, encoder: Encoder, muxer: str) -> Iterator[Fact]:
    for fact in FACTS:
        if getattr(color, fact) != getattr(ColorTags(), fact) and not _held(fact, color, fmt, encoder, muxer):
            yield fact


def _held(fact: Fact, color: ColorTags, fmt: PixelFormat, encoder: Encoder, muxer: str) -> bool:
    """Whether a reader of the output finds this fact of `color`, or what amounts to the same."""
    value: int = getattr(color, fact)
    if fact == "matrix" and fmt.model != "yuv":
        return True
    if fact == "siting":
        return _same_place(value, _siting_read(value, fmt, encoder, muxer), fmt)
    if fact == "range" and fmt.model == "rgb" and encoder.full_rgb:
        return value == 2
    if fact in encoder.implied:
        return value == encoder.implied[fact]
    stated = fact in _STATED.get(muxer, ())
    if fact == "range" and muxer == "mp4" and replace(color, range=0, siting=0) == ColorTags():
        stated = False  # mp4 has one atom for all, which FFmpeg leaves out where the others are unspecified
    if fact in encoder.tags or stated:
        return True
    return fact == "range" and value == (2 if fmt.model == "rgb" else 1)  # as is assumed of an untagged stream


def _siting_read(value: int, fmt: PixelFormat, encoder: Encoder, muxer: str) -> int:
    """The siting that a reader takes."""
    written = bool(fmt.log2_h) and value in encoder.sitings
    stated = "siting" not in encoder.implied and value in _SITINGS.get(muxer, ())
    return value if written or stated else 1


def _same_place(one: int, other: int, fmt: PixelFormat) -> bool:
    """Whether two sitings are the same in the directions in which chroma is subsampled."""
    (x, y), (u, v) = _PLACES[one], _PLACES[other]
    return (x == u or not fmt.log2_w) and (y == v or not fmt.log2_h)

"""`Header`: the description of a y4m or raw video stream."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vidrts.frame import FieldOrder, PixelFormat
from vidrts.media.packings import Packing

MAX_SIDE = 32_768
MAX_FRAME = 1 << 30
"""Maximum bytes of one frame; nothing larger is ever allocated."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line of y4m, or the value of `--raw`."""

    width: int
    height: int
    format: PixelFormat
    packing: Packing | None = None
    """Of raw video that does not lie as `format` says; its samples are moved there."""
    rate: Fraction | None = None
    """Frames/s; None if unknown."""
    field_order: FieldOrder | Literal["mixed"] = "progressive"
    """"mixed": each FRAME line has its own."""
    sar: Fraction = Fraction(0)
    """Sample aspect ratio, 0 when unknown."""
    siting: int = 0
    """FFmpeg's AVCHROMA_LOC_*: 1 left, 2 centre, 3 top-left, 0 unspecified."""
    range: int = 0
    """1 limited, 2 full, 0 unspecified (`XCOLORRANGE`)."""

    @property
    def plane_sizes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each component in canonical order."""
        count = len(self.format.order)
        return tuple(self.format.plane_size(component, self.width, self.height) for component in range(count))

    @property
    def layout(self) -> list[tuple[int, int, int]]:
        """(rows, columns, interleaved samples) of each plane in FFmpeg's order."""
        components = {plane: component for component, (plane, _) in enumerate(self.format.order)}
        return [(*self.plane_sizes[components[plane]], self.format.interleaved(plane)) for plane in sorted(components)]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame's samples."""
        if self.packing is not None:
            return self.packing.frame_bytes(self.width, self.height)
        return sum(rows * columns * step for rows, columns, step in self.layout) * self.format.sample_bytes


def counted(frames: int) -> str:
    """Number of whole frames, in words."""
    return f"{frames} whole frame{'' if frames == 1 else 's'}"

"""What y4m and raw video say of themselves, apart from reading and writing them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vidrts.frame import FieldOrder, PixelFormat

MAX_SIDE = 32_768
MAX_FRAME = 1 << 30
"""Most bytes of one frame; nothing larger is ever allocated."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is known of such a stream before its frames: y4m's first line, or `--raw`."""

    width: int
    height: int
    format: PixelFormat
    rate: Fraction | None = None
    """Frames/s; None where the line says 0:0 or nothing."""
    field_order: FieldOrder | Literal["mixed"] = "progressive"
    """"mixed": each FRAME line says its own."""
    sar: Fraction = Fraction(0)
    """Sample aspect ratio, 0 when unknown."""
    siting: int = 0
    """FFmpeg's AVCHROMA_LOC_*: 1 left, 2 centre, 3 top-left, 0 unspecified."""
    range: int = 0
    """1 limited, 2 full, 0 unspecified (`XCOLORRANGE`)."""

    @property
    def plane_sizes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each plane."""
        count = len(self.format.order)
        return tuple(self.format.plane_size(component, self.width, self.height) for component in range(count))

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame's samples."""
        return sum(rows * columns for rows, columns in self.plane_sizes) * self.format.sample_bytes


def counted(frames: int) -> str:
    """ "1 whole frame", "2 whole frames"."""
    return f"{frames} whole frame{'' if frames == 1 else 's'}"

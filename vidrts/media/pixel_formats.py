"""Supported input pixel formats, and what to convert others to."""

from typing import TYPE_CHECKING

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS, Model, PixelFormat

if TYPE_CHECKING:
    import av

TAKEN = "YUV 4:2:0, 4:2:2 or 4:4:4, RGB or gray, of 8 to 16 bit, planar or packed"
_PACKED = ("bgr0", "bgra", "ya8")
"""Packed formats that FFV1, which the advice names, uses for 8-bit RGB and gray with alpha; others are planar."""


def known(name: str) -> PixelFormat:
    """The `PixelFormat` of FFmpeg's name; raises `UnsupportedFormatError` with the format to convert to."""
    if name in PIXEL_FORMATS:
        return PIXEL_FORMATS[name]
    import av  # only to say which format is nearest

    try:
        fmt = av.VideoFormat(name)
    except ValueError:
        raise UnsupportedFormatError(f"unknown pixel format {name}; expected {TAKEN}") from None
    raise UnsupportedFormatError(
        f"pixel format {name} is not supported; expected {TAKEN}; convert it first, for example with "
        f"ffmpeg -i IN -map 0 -dn -c copy -c:v ffv1 -pix_fmt {nearest(fmt)} OUT.mkv"
    )


def nearest(fmt: "av.VideoFormat") -> str:
    """The smallest supported format that loses nothing of `fmt`.

    Floats become 16 bit, the maximum.
    """
    colours = [component for component in fmt.components if not component.is_alpha]
    if not colours:  # a GPU surface: its layout is unknown
        return "yuv420p"
    model: Model = "gray" if len(colours) == 1 else "yuv"
    if fmt.is_rgb or fmt.has_palette or fmt.name.startswith("xyz"):
        model = "rgb"
    bayer = 16 if "16" in fmt.name else 8
    depth = min(16, bayer if fmt.name.startswith("bayer") else max(component.bits for component in colours))
    alpha = fmt.has_palette or len(colours) < len(fmt.components)
    across, down = (int(16 / size).bit_length() - 1 for size in (fmt.chroma_width(16), fmt.chroma_height(16)))

    def holds(other: PixelFormat) -> bool:
        alike = other.model == model or (model, other.model) == ("gray", "yuv")
        usual = other.layout == "planar" and not other.name.startswith("yuvj") and other.name not in ("gbrp", "gbrap")
        sharp = other.log2_w <= across and other.log2_h <= down
        return alike and sharp and (usual or other.name in _PACKED) and other.depth >= depth and other.alpha >= alpha

    def more(other: PixelFormat) -> tuple[bool, bool, int, int]:
        return other.alpha != alpha, other.model != model, other.depth, -other.log2_w - other.log2_h

    return min((other for other in PIXEL_FORMATS.values() if holds(other)), key=more).name

"""What numbered RGB pictures lose in a film for players, in words."""

from vidrts.frame import ColorTags, PixelFormat
from vidrts.media.color_names import word
from vidrts.media.output_formats import OutputFormat
from vidrts.messages import Code, Message


def rgb_lost(held: PixelFormat, written: PixelFormat, color: ColorTags, kind: OutputFormat) -> Message:
    """That pictures of format `held` are `written` as YUV with these tags, and how to keep what they are."""
    chroma = "4:2:0" if written.log2_h else "4:4:4"
    lost = [chroma, word("matrix", color.matrix), f"{written.depth} bit", *(["no alpha"] if held.alpha else [])]
    deep, whole = held.depth > 8, kind.muxer == "matroska"
    if whole and (deep or held.alpha):
        keeps = "-c:v ffv1 keeps all"
    elif kind.muxer == "webm":
        keeps = f"-c:v libvpx-vp9 -pix_fmt gbrp{'12le' if deep else ''} keeps RGB"
    else:
        keeps = f"-c:v libx265 -pix_fmt gbrp{'12le' if deep else ''} keeps RGB"
    return Message(Code.PICTURES_TO_YUV, format=written.name, what=", ".join(lost), keeps=keeps)

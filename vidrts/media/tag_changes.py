"""What changes where the tags of a film change within it."""

from fractions import Fraction

from vidrts.frame import ColorTags, PixelFormat
from vidrts.media.color_names import FACTS, word


def color_change(first: ColorTags, now: ColorTags, fmt: PixelFormat) -> str:
    """How `now` contradicts `first`, "transfer bt709 to smpte2084, ..."; "" if it does not.

    Untagged frames contradict nothing, and what is assumed of them is no change: limited range, full for RGB; left
    siting. RGB and gray have no matrix.
    """
    assumed = {"range": 2 if fmt.model == "rgb" else 1, "siting": 1}
    found = []
    for fact in FACTS:
        before, after = getattr(first, fact), getattr(now, fact)
        unknown = getattr(ColorTags(), fact)
        if (fact == "matrix" and fmt.model != "yuv") or (fact == "siting" and not (fmt.log2_w or fmt.log2_h)):
            continue
        if after != unknown and after != (assumed.get(fact, before) if before == unknown else before):
            found.append(f"{fact} {word(fact, before)} to {word(fact, after)}")
    return ", ".join(found)


def ratio(sar: Fraction) -> str:
    """A sample aspect ratio in words."""
    return f"{sar.numerator}:{sar.denominator}" if sar else "unknown"

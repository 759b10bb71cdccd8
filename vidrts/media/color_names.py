"""FFmpeg's names for colour properties, and the options of ffmpeg that set them.

Numbers are those of ITU-T H.273, as in `vidrts.frame.ColorTags`; names those of `ffmpeg -h full` (libavcodec's option
table).
"""

from collections.abc import Collection
from typing import Literal

from vidrts.frame import ColorTags

Fact = Literal["matrix", "range", "transfer", "primaries", "siting"]

MATRICES = {
    "rgb": 0, "bt709": 1, "fcc": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "ycgco": 8, "bt2020nc": 9,
}  # fmt: skip
"""The supported matrices; others must be converted first."""
RANGES = {"tv": 1, "pc": 2}
TRANSFERS = {
    "bt709": 1, "gamma22": 4, "gamma28": 5, "smpte170m": 6, "smpte240m": 7, "linear": 8, "log100": 9, "log316": 10,
    "iec61966-2-4": 11, "bt1361e": 12, "iec61966-2-1": 13, "bt2020-10": 14, "bt2020-12": 15, "smpte2084": 16,
    "smpte428": 17, "arib-std-b67": 18,
}  # fmt: skip
PRIMARIES = {
    "bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "film": 8, "bt2020": 9, "smpte428": 10,
    "smpte431": 11, "smpte432": 12, "ebu3213": 22,
}  # fmt: skip
SITINGS = {"left": 1, "center": 2, "topleft": 3, "top": 4, "bottomleft": 5, "bottom": 6}

_OPTIONS: dict[Fact, tuple[str, dict[str, int]]] = {
    "matrix": ("-colorspace", MATRICES),
    "primaries": ("-color_primaries", PRIMARIES),
    "transfer": ("-color_trc", TRANSFERS),
    "range": ("-color_range", RANGES),
    "siting": ("-chroma_sample_location", SITINGS),
}


FACTS: tuple[Fact, ...] = tuple(_OPTIONS)


def word(fact: Fact, number: int) -> str:
    """FFmpeg's name for the value of a fact, the number where it has none here."""
    if number == getattr(ColorTags(), fact):
        return "unspecified"
    return next((name for name, value in _OPTIONS[fact][1].items() if value == number), str(number))


def named(
    *,
    colorspace: str | None = None,
    range: str | None = None,  # noqa: A002 - FFmpeg's word
    primaries: str | None = None,
    transfer: str | None = None,
) -> ColorTags:
    """The tags of these names; None: unspecified."""
    return ColorTags(
        matrix=MATRICES.get(colorspace or "", 2), range=RANGES.get(range or "", 0),
        primaries=PRIMARIES.get(primaries or "", 2), transfer=TRANSFERS.get(transfer or "", 2),
    )  # fmt: skip


def ffmpeg_options(color: ColorTags, held: Collection[Fact] = ()) -> str:
    """ffmpeg's output options for `color`, without what is `held` elsewhere; "" if there are none."""
    options = []
    for fact, (option, names) in _OPTIONS.items():
        number = getattr(color, fact)
        name = next((name for name, value in names.items() if value == number), None)
        if name is not None and fact not in held:
            options.append(f"{option} {name}")
    return " ".join(options)

"""A comparison as one picture: for each moment the frame, and the place that changed most enlarged."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vidrts.compare.comparison import Comparison
from vidrts.compare.plots import clock
from vidrts.compare.snapshot import Snapshot, gain

_MARGIN, _GAP = 28, 16
_OVERVIEW = 300
"""Pixels across of the frame, and its greatest height."""
_CROP = (208, 156)
"""Pixels of the piece that is enlarged."""
_ZOOM = 2
_PLAIN = str.maketrans({"×": "x", "−": "-", "–": "-", "→": "to", "∞": "inf", "Δ": "d", "²": "2"})
"""For signs that Pillow's own font does not have."""
_GROUND, _INK, _MUTED, _SOURCE, _RESULT = "#181818", "#ececec", "#a8a8a8", "#84b6da", "#f0a35e"


def draw(comparison: Comparison) -> Image.Image:
    """The contact sheet: a row for each moment, as wide as the sides of the comparison ask for."""
    names = comparison.sides
    amount = gain(comparison.snapshots)
    columns = [*names, f"Difference ×{amount}"] if len(names) == 2 else names
    cell = (_CROP[0] * _ZOOM, _CROP[1] * _ZOOM)
    width = 2 * _MARGIN + _OVERVIEW + len(columns) * (cell[0] + _GAP)
    head, row = 136, max(cell[1], _OVERVIEW) + 2 * _GAP
    sheet = Image.new("RGB", (width, head + 26 + row * len(comparison.snapshots) + _MARGIN), _GROUND)
    pen = ImageDraw.Draw(sheet)
    _heading(comparison, pen)
    for column, name in enumerate(columns):
        left = _MARGIN + _OVERVIEW + _GAP + column * (cell[0] + _GAP)
        ink = _SOURCE if column == 0 else _RESULT if column < len(names) else _INK
        _text(pen, (left, head), name, 17, ink, cell[0])
    for number, snapshot in enumerate(comparison.snapshots, 1):
        top = head + 30 + (number - 1) * row
        images = snapshot.images()
        box = part_shown(snapshot)
        _overview(pen, sheet, comparison, snapshot, number, images[1], box, top)
        cuts = [image.crop(box) for image in images]
        if len(names) == 2:
            cuts.append(amplified(cuts[0], cuts[1], amount))
        for column, cut in enumerate(cuts):
            large = cut.resize((cut.width * _ZOOM, cut.height * _ZOOM), Image.Resampling.NEAREST)
            sheet.paste(large, (_MARGIN + _OVERVIEW + _GAP + column * (cell[0] + _GAP), top))
    return sheet


def amplified(source: Image.Image, result: Image.Image, amount: int) -> Image.Image:
    """Mid-grey plus `amount` times the difference, clipped: lighter where the result is lighter."""
    pictures = [np.asarray(image).astype(np.int32) for image in (source, result)]
    return Image.fromarray((128 + amount * (pictures[1] - pictures[0])).clip(0, 255).astype(np.uint8))


def _heading(comparison: Comparison, pen: ImageDraw.ImageDraw) -> None:
    """What is shown, and the key figures."""
    _text(pen, (_MARGIN, 22), comparison.title, 26, _INK)
    facts = f"Source {comparison.source.facts}"
    if comparison.samples:
        facts += f"   Result {comparison.results[0][1]}"
    keys = [g for g in comparison.metrics if g.headline]
    if len(comparison.results) == 1:
        figures = "   ".join([comparison.verdict(), *(f"{g.name} {g.show(comparison.average(g))}" for g in keys)])
    else:
        figures = f"Below each frame: {', '.join(g.name for g in keys)}"
    _text(pen, (_MARGIN, 58), facts, 15, _MUTED)
    _text(pen, (_MARGIN, 80), figures, 15, _INK)
    _text(pen, (_MARGIN, 102), " ".join(comparison.shown), 14, _MUTED)


def _overview(
    pen: ImageDraw.ImageDraw, sheet: Image.Image, comparison: Comparison, snapshot: Snapshot, number: int,
    image: Image.Image, box: tuple[int, int, int, int], top: int,
) -> None:  # fmt: skip
    """The frame with the enlarged piece marked, its time and its measures."""
    small = image.copy()
    small.thumbnail((_OVERVIEW, 190), Image.Resampling.LANCZOS)
    sheet.paste(small, (_MARGIN, top))
    scale = small.width / image.width
    x0, y0, x1, y1 = (round(v * scale) for v in box)
    pen.rectangle((_MARGIN + x0, top + y0, _MARGIN + x1, top + y1), outline="black", width=3)
    pen.rectangle((_MARGIN + x0 + 1, top + y0 + 1, _MARGIN + x1 - 1, top + y1 - 1), outline="white")
    line = top + small.height + 8
    _text(pen, (_MARGIN, line), f"{number}   {clock(snapshot.time)}   {snapshot.why}", 16, _INK, _OVERVIEW)
    lines = [f"{g.name} {g.show(snapshot.readings[0].get(g.key))}" for g in comparison.metrics]
    if len(comparison.results) > 1:
        keys = [g for g in comparison.metrics if g.headline]
        lines = [
            text
            for (name, _), readings in zip(comparison.results, snapshot.readings, strict=True)
            for text in (name, "   " + ", ".join(g.show(readings.get(g.key)) for g in keys))
        ]
    for text in lines[: (top + _OVERVIEW - line) // 20]:
        line += 20
        _text(pen, (_MARGIN, line), text, 14, _MUTED, _OVERVIEW)


def part_shown(snapshot: Snapshot) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the piece around the place that changed most."""
    sides = [min(most, have) for most, have in zip(_CROP, snapshot.size, strict=True)]
    starts = [
        min(max(0, at - side // 2), have - side)
        for at, side, have in zip(snapshot.spot, sides, snapshot.size, strict=True)
    ]
    return starts[0], starts[1], starts[0] + sides[0], starts[1] + sides[1]


def _text(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: str, room: int | None = None
) -> None:  # fmt: skip
    """A line of text, shortened to `room` pixels."""
    font = ImageFont.load_default(size)
    text = text.translate(_PLAIN)
    if room is not None and font.getlength(text) > room:
        while text and font.getlength(text + "...") > room:
            text = text[:-1]
        text += "..."
    pen.text(at, text, fill=ink, font=font)

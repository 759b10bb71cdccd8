"""Pages of text and of flat line art, drawn to train on: what photographs hold too little of. And titles over pictures.

    render_pages(Path("pages"), 60, seed=1)

Text is in Latin, Greek, Cyrillic and CJK, plain and outlined as subtitles are, over flat colours and gradients; line
art is flat shapes with dark outlines, as in drawn films. Fonts are the machine's own: the pages differ from one to
another.
"""

import colorsys
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from vidrts.errors import TrainingError
from vidrts.messages import Code, Message

SIDE = 512
"""Pixels of a page."""
_FINE = 4
"""Line art is drawn so many times larger and scaled down: its edges fall between pixels."""
_SCRIPTS: Mapping[str, Sequence[tuple[int, int]]] = {
    "Latin": ((0x41, 0x5A), (0x61, 0x7A), (0x61, 0x7A), (0xE0, 0xF6)),
    "Greek": ((0x391, 0x3A1), (0x3B1, 0x3C9), (0x3B1, 0x3C9)),
    "Cyrillic": ((0x410, 0x42F), (0x430, 0x44F), (0x430, 0x44F)),
    "CJK": ((0x3042, 0x3090), (0x30A2, 0x30F0), (0x4E00, 0x56FF), (0x5927, 0x76EE)),
}
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts",
            "/System/Library/Fonts", "C:/Windows/Fonts")  # fmt: skip

type _Colour = tuple[int, int, int]
type _Fonts = Mapping[str, Sequence[Path]]
"""Script -> fonts that have its letters."""


def render_pages(folder: Path, count: int, *, seed: int, on_message: Callable[[str], None] = lambda line: None) -> None:
    """Write `count` pages as PNG into `folder`: three of text, then one of line art, and so on.

    `on_message` hears of a script for which no font was found. Raises `TrainingError` where the folder cannot be
    written or the machine has no font at all.
    """
    usable = _usable_fonts()
    missing = [script for script in _SCRIPTS if script not in usable]
    if not usable:
        raise TrainingError("no font was found to render text with; install some, for example fonts-dejavu")
    if missing:
        on_message(Message(Code.NO_FONT_FOR_SCRIPT, scripts=" or ".join(missing)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            rng = np.random.default_rng((seed, number))
            page = _line_art(rng) if number % 4 == 3 else _text(rng, usable)
            page.save(folder / f"page-{number:04}.png")
    except OSError as error:
        raise TrainingError(f"{folder}: pages cannot be written ({error.strerror or error})") from None


def can_render_text() -> bool:
    """Whether this machine has a font."""
    return bool(_usable_fonts())


def titled(picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(3, H, W) uint8 R'G'B' with one to three lines of sharp text over it, as titles are burned in."""
    image = Image.fromarray(picture.permute(1, 2, 0).numpy())
    top = int(rng.integers(-4, max(1, image.height - 16)))
    for _ in range(int(rng.integers(1, 4))):
        top += round(_line(image, rng, _usable_fonts(), top) * 1.3)
        if top >= image.height:
            break
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).contiguous()


def _text(rng: np.random.Generator, fonts: _Fonts) -> Image.Image:
    """Lines of random words over the whole page."""
    page = _background(rng)
    top = int(rng.integers(0, 8))
    while top < SIDE:
        size = _line(page, rng, fonts, top)
        top += round(size * float(rng.uniform(1.15, 1.9)))
    return page


def _line(page: Image.Image, rng: np.random.Generator, fonts: _Fonts, top: int) -> int:
    """Draw a line of random words from pixel row `top` on; returns its size, 9 to 48 pixels."""
    script = str(rng.choice(list(fonts)))
    size: int = round(9 * 5.3 ** float(rng.random()))
    font = ImageFont.truetype(str(rng.choice([str(font) for font in fonts[script]])), size)
    outlined = bool(rng.random() < 0.5)
    light = bool(rng.random() < 0.7) if outlined else _brightness(page, top, size) < 128
    fill = _shade(rng, 215, 256) if light else _shade(rng, 0, 60)
    stroke = _shade(rng, 0, 40) if light else _shade(rng, 215, 256)
    width = max(1, round(size * float(rng.uniform(0.04, 0.12)))) if outlined else 0
    ImageDraw.Draw(page).text(
        (int(rng.integers(-10, 60)), top), _words(rng, script, 2 * page.width // size), fill, font,
        stroke_width=width, stroke_fill=stroke if width else None,
    )  # fmt: skip
    return size


def _line_art(rng: np.random.Generator) -> Image.Image:
    """Flat shapes with dark outlines, lines and curves of 0.7 to 5 pixels."""
    side = SIDE * _FINE
    page = Image.new("RGB", (side, side), _flat(rng))
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(25, 60))):
        line = round(_FINE * float(rng.uniform(0.7, 5)))
        ink = _shade(rng, 0, 70)
        middle, reach = rng.uniform(0, side, 2), side * float(rng.uniform(0.03, 0.3))
        kind = int(rng.integers(4))
        if kind == 0:
            box = (*(middle - reach), *(middle + reach * rng.uniform(0.4, 1, 2)))
            draw.ellipse(box, _flat(rng), ink, line)
        elif kind == 1:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
            points = middle + reach * np.stack((np.cos(angles), np.sin(angles)), axis=1)
            draw.polygon([(float(x), float(y)) for x, y in points], _flat(rng), ink, line)
        else:  # a smooth curve through random places, as hair and folds are drawn
            knots = middle + np.cumsum(rng.normal(0, reach / 2, (4, 2)), axis=0)
            t = np.linspace(0, 1, 60)[:, None]
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            curve = sum(weight * knot for weight, knot in zip(weights, knots, strict=True))
            draw.line([(float(x), float(y)) for x, y in np.asarray(curve)], ink, line, joint="curve")
    return page.resize((SIDE, SIDE), Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BOX)


def _background(rng: np.random.Generator) -> Image.Image:
    """A flat colour or a gradient between two."""
    first, second = np.array(_flat(rng), dtype=np.float64), np.array(_flat(rng), dtype=np.float64)
    if rng.random() < 0.4:
        second = first
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle = float(rng.uniform(0, 2 * np.pi))
    place = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)[..., None]
    return Image.fromarray((first + place * (second - first)).round().astype(np.uint8))


def _brightness(page: Image.Image, top: int, size: int) -> float:
    rows = max(0, top), min(page.height, top + size)
    return float(np.asarray(page.crop((0, rows[0], page.width, rows[1])).convert("L")).mean())


def _flat(rng: np.random.Generator) -> _Colour:
    """Any colour, pale ones most often; one in five is a grey."""
    hue, saturation, value = rng.random(), rng.random() ** 1.5, rng.random() ** 0.6
    red, green, blue = colorsys.hsv_to_rgb(float(hue), 0.0 if rng.random() < 0.2 else float(saturation), float(value))
    return round(255 * red), round(255 * green), round(255 * blue)


def _shade(rng: np.random.Generator, low: int, high: int) -> _Colour:
    """Nearly a grey between `low` and `high`; one in five is coloured."""
    level = int(rng.integers(low, high))
    if rng.random() < 0.8:
        return level, level, level
    red, green, blue = (int(v) for v in np.clip(level + rng.integers(-60, 61, 3), 0, 255))
    return red, green, blue


def _words(rng: np.random.Generator, script: str, letters: int) -> str:
    ranges = _SCRIPTS[script]
    text: list[str] = []
    while len(text) < letters:
        low, high = ranges[int(rng.integers(len(ranges)))]
        text += [chr(int(code)) for code in rng.integers(low, high + 1, int(rng.integers(1, 9)))]
        if rng.random() < 0.2:
            text += list(str(int(rng.integers(2026))))
        text += [str(rng.choice(["!", "?", ",", "."]))] if rng.random() < 0.2 else []
        text.append(" ")
    return "".join(text)


def _usable_fonts() -> _Fonts:
    return {script: found for script in _SCRIPTS if (found := fonts_for(script))}


@cache
def fonts_for(script: str) -> tuple[Path, ...]:
    """Fonts of this machine that have the script's letters, sorted by name."""
    return tuple(font for font in _all_fonts() if has_letters(font, script))


def _all_fonts() -> list[Path]:
    folders = [Path(folder).expanduser() for folder in _FOLDERS]
    matplotlib = importlib.util.find_spec("matplotlib")  # it brings DejaVu; found whether imported or not
    if matplotlib and matplotlib.origin:
        folders.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    return sorted(
        path for folder in folders if folder.is_dir()
        for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    )  # fmt: skip


def has_letters(font: Path, script: str) -> bool:
    """Whether letters of the script are drawn, each otherwise than the next: not what stands for missing ones."""
    try:
        face = ImageFont.truetype(str(font), 24)
        drawn = [[bytes(face.getmask(chr(low + k))) for k in (1, 4, 6)] for low, _ in _SCRIPTS[script]]
    except OSError:
        return False
    return all(all(map(any, masks)) and len(set(masks)) == len(masks) for masks in drawn)

"""How the pictures of one video are shown on a screen: upright, with square pixels, in sRGB.

The same `View`, the source's, serves both sides of a comparison, so that nothing is shown differently that is the same.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image

from vidrts import colorplan
from vidrts.compare import tonemap
from vidrts.frame import StreamInfo
from vidrts.images import to_image
from vidrts.media.read.source import Source
from vidrts.messages import Message

_TRANSPOSE = Image.Transpose.TRANSPOSE
_FLIP_X, _FLIP_Y = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM


@dataclass(frozen=True, kw_only=True)
class View:
    """What a player would do with the decoded pictures of a video. Made by `look`, consumed by pages and sheets."""

    transfer: int
    primaries: int
    peak: float
    """cd/m2 of the brightest thing that a PQ picture can hold."""
    sar: Fraction
    turns: tuple[Image.Transpose, ...]
    """What sets the picture upright, in order."""
    notes: tuple[str, ...]
    """A line for everything in which the picture shown is not the picture stored."""

    def picture(self, rgb: torch.Tensor) -> Image.Image:
        """The 8-bit picture for the screen of (3, H, W) coded R'G'B' in 0..1."""
        image = to_image(tonemap.to_srgb(rgb, self.transfer, self.primaries, self.peak))
        size = self._square(*image.size)
        if size != image.size:
            image = image.resize(size, Image.Resampling.LANCZOS)
        for turn in self.turns:
            image = image.transpose(turn)
        return image

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) at which a decoded picture of that size is shown."""
        width, height = self._square(width, height)
        return (height, width) if _TRANSPOSE in self.turns else (width, height)

    def _square(self, width: int, height: int) -> tuple[int, int]:
        """The size with square pixels: one side grows, neither shrinks."""
        if self.sar >= 1:
            return round(width * self.sar), height
        return width, round(height / self.sar)


@dataclass(frozen=True)
class Video:
    """A file as far as a report speaks of it."""

    name: str
    info: StreamInfo
    view: View
    assumed: Message | None
    """What its colours were taken for, where tags do not say; None where they do."""

    @property
    def facts(self) -> str:
        """Size, rate, codec and pixel format in a line."""
        info = self.info
        rate = f", {float(info.frame_rate):.5g} frames/s" if info.frame_rate else ""
        return f"{info.width}×{info.height}{rate}, {info.codec} {info.format.name}"


def look(path: str | os.PathLike[str], on_message: Callable[[str], None] = lambda line: None) -> Video:
    """What a report has to know of a video, from its first frame; raises `InputError` where there is none."""
    with Source(path, on_message=on_message) as source:
        info = source.info
        luminance = source.input.hdr.luminance
        turns, turned = transposes(source.input.display_matrix)
    tags, assumed = colorplan.assume(info.color, info.format, info.height)
    peak = float(luminance[1]) if luminance and 100 <= luminance[1] <= 10_000 else tonemap.USUAL_PEAK
    sar = info.sar if info.sar > 0 else Fraction(1)
    shown = tonemap.described(tags.transfer, tags.primaries)
    if shown and tags.transfer == tonemap.PQ:
        shown += f" from {peak:g} cd/m²"
    notes = [
        f"Colour: {shown}, for this view alone; measures are taken from the coded signal." if shown else None,
        f"Pixels are {sar.numerator}:{sar.denominator} and shown square." if sar != 1 else None,
        turned,
        "The alpha plane is not shown." if info.format.alpha else None,
    ]
    view = View(
        transfer=tags.transfer, primaries=tags.primaries, peak=peak, sar=sar, turns=turns,
        notes=tuple(note for note in notes if note),
    )  # fmt: skip
    return Video(Path(path).name, info, view, assumed)


def transposes(matrix: tuple[int, ...] | None) -> tuple[tuple[Image.Transpose, ...], str | None]:
    """What a display matrix (x' = a x + c y, y' = b x + d y for its first, second, fourth, fifth numbers) asks for."""
    if matrix is None:
        return (), None
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a and d and not (b or c):
        turns = (*((_FLIP_X,) if a < 0 else ()), *((_FLIP_Y,) if d < 0 else ()))
    elif b and c and not (a or d):
        turns = (_TRANSPOSE, *((_FLIP_X,) if c < 0 else ()), *((_FLIP_Y,) if b < 0 else ()))
    else:
        return (), "The file asks for a turn by no right angle; it is shown unturned."
    return turns, "Turned as the file asks." if turns else None

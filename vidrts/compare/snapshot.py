"""One moment's pictures as a report holds them: small enough to keep, exact to the pixel."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image

from vidrts.errors import OptionError
from vidrts.measure.metric import Readings

THUMBNAIL = 240
"""Pixels of a thumbnail's longer side."""

_WEBP_MOST = 16383
"""Pixels; the longest side that WebP can hold."""

_BLOCK = 32
"""Pixels; the size of the place that is looked for as changed most."""


@dataclass(frozen=True)
class Crop:
    """A piece of the picture shown, in its pixels."""

    width: int
    height: int
    x: int
    y: int

    def check(self, size: tuple[int, int]) -> None:
        """Raise `OptionError` where the piece does not lie in a picture of (width, height)."""
        if min(self.width, self.height) < 1 or self.x + self.width > size[0] or self.y + self.height > size[1]:
            raise OptionError(
                f"crop {self.width}x{self.height}+{self.x}+{self.y}: expected a piece of the picture shown, which is "
                f"{size[0]}x{size[1]}"
            )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The pictures of one moment, the source first. Made by `take_snapshot`, consumed by pages and sheets."""

    time: Fraction
    """Seconds from the source's first frame."""
    why: str
    size: tuple[int, int]
    """(width, height) of each picture."""
    format: str
    """Of `pictures`: webp or png, lossless."""
    pictures: tuple[bytes, ...]
    thumbnail: bytes
    """WebP, of the first result."""
    spot: tuple[int, int]
    """(x, y), the middle of the block where the first result differs most from the source."""
    reach: float
    """The difference from the source in 8-bit code values that one sample in two hundred exceeds, in any result."""
    readings: tuple[Readings, ...]
    """The measures at this moment, for each result."""

    def images(self) -> list[Image.Image]:
        """The pictures, decoded."""
        return [Image.open(io.BytesIO(data)).convert("RGB") for data in self.pictures]


def take_snapshot(
    time: Fraction, why: str, images: Sequence[Image.Image], readings: Sequence[Readings],
    crop: Crop | None = None,
) -> Snapshot:  # fmt: skip
    """The `Snapshot` of RGB pictures of one size, the source first; `crop`: the piece of them that is kept."""
    if crop is not None:
        images = [i.crop((crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)) for i in images]
    size = images[0].size
    kind = "webp" if max(size) <= _WEBP_MOST else "png"
    source = np.asarray(images[0]).astype(np.int16)
    changes = [np.abs(np.asarray(image).astype(np.int16) - source) for image in images[1:]]
    small = images[1].copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return Snapshot(
        time=time, why=why, size=size, format=kind, pictures=tuple(_lossless(image, kind) for image in images),
        thumbnail=lossy_webp(small, 80), spot=_greatest(changes[0].sum(axis=2)),
        reach=max(float(np.quantile(change, 0.995)) for change in changes), readings=tuple(readings),
    )  # fmt: skip


def gain(snapshots: Sequence[Snapshot]) -> int:
    """The amplification, a power of two up to 64, at which the differences of these moments nearly fill the scale."""
    most = 128 / max(1.0, *(snapshot.reach for snapshot in snapshots))
    return int(2 ** min(6, max(0, math.floor(math.log2(most)))))


def lossy_webp(image: Image.Image, quality: int) -> bytes:
    """The picture as WebP of this quality, 0 to 100."""
    return _saved(image, "webp", quality=quality, method=2)


def _lossless(image: Image.Image, kind: str) -> bytes:
    # Beyond these settings WebP takes several times as long for two percent.
    settings = {"lossless": True, "exact": True, "quality": 20, "method": 2} if kind == "webp" else {}
    return _saved(image, kind, **settings)


def _saved(image: Image.Image, kind: str, **settings: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def _greatest(change: np.ndarray) -> tuple[int, int]:
    """The middle (x, y) of the block of (H, W) that changed most."""
    height, width = change.shape
    side = min(_BLOCK, height, width)
    rows, columns = height // side, width // side
    blocks = change[: rows * side, : columns * side].reshape(rows, side, columns, side).sum(axis=(1, 3))
    row, column = divmod(int(blocks.argmax()), columns)
    return column * side + side // 2, row * side + side // 2

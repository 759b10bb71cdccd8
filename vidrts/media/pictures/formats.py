"""Which files are pictures: by the extension what is written, by their content what is read."""

from pathlib import Path
from typing import Literal

PictureFormat = Literal["PNG", "JPEG", "TIFF", "WebP"]
SUFFIXES: dict[str, PictureFormat] = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WebP",
}  # fmt: skip
"""What is written, by file extension in lower case."""
_FOUND = (*SUFFIXES, ".bmp", ".gif")
"""Extensions of what is read."""
READ = "PNG, JPEG, TIFF, WebP, BMP or GIF"
"""What is read, in words."""
DEFAULT_QUALITY = 95
"""Of JPEG and of lossy WebP, 1..100, on their libraries' scales."""
LONGEST_SIDE: dict[PictureFormat, int] = {"JPEG": 65_500, "WebP": 16_383}
"""Pixels, where the format has a limit below FFmpeg's and Pillow's."""


def is_one_picture(name: str) -> bool:
    """Whether OUT of this name is a single picture."""
    return "%" not in name and is_picture_name(Path(name))


def is_picture_name(name: Path) -> bool:
    """Whether a file of this name would be written as a picture."""
    return name.suffix.lower() in SUFFIXES


def has_quality(name: Path) -> bool:
    """Whether a file of this name is written with a quality that can be chosen (--quality)."""
    return SUFFIXES.get(name.suffix.lower()) in ("JPEG", "WebP")


def can_be_picture(name: Path) -> bool:
    """Whether a file of this name is taken for a picture to read."""
    return name.suffix.lower() in _FOUND

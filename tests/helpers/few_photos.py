"""A few small photographs for short runs of training."""

from pathlib import Path

from PIL import Image


def shrunk(photos: Path, folder: Path, size: tuple[int, int]) -> Path:
    """Three of them, as PNG of this size, written to `folder`, which is returned."""
    for number, path in enumerate(sorted(photos.glob("*.jpg"))[::20][:3]):
        with Image.open(path) as image:
            image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(folder / f"{number}.png")
    return folder

"""Pictures that move, which are videos in the end. Loads without torch."""

import warnings
from pathlib import Path

from PIL import Image


def is_animated(path: Path) -> bool:
    """Whether a file holds pictures that follow each other in time; False for what cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures, damaged EXIF data
            with Image.open(path, formats=("PNG", "WEBP", "GIF")) as image:
                return getattr(image, "n_frames", 1) > 1
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return False

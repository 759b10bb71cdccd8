"""WebP files, by Pillow's libwebp."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidrts.media.pictures import exif, mark
from vidrts.media.pictures.metadata import Metadata


def is_lossless(path: Path) -> bool:
    """Whether a WebP file holds samples without loss, by the first chunk that holds any."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return bool(kind == b"VP8L")
            file.seek(length + length % 2, 1)
    return False


def write(path: Path, samples: NDArray[np.uint8], metadata: Metadata, *, quality: int | None) -> None:
    """Write (H, W, 3 or 4) samples; `quality` None: without loss, colours under transparent alpha, too."""
    given = {"icc_profile": metadata.icc, "exif": metadata.exif and exif.PREFIX + metadata.exif, "xmp": metadata.xmp}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings |= {"lossless": True, "exact": True} if quality is None else {"quality": quality, "method": 4}
    written = io.BytesIO()
    Image.fromarray(samples).save(written, "WEBP", **settings)
    data, last = written.getvalue(), mark.webp_chunk()
    with path.open("wb") as file:
        file.write(data[:4] + struct.pack("<I", len(data) - 8 + len(last)) + data[8:12])
        file.write(memoryview(data)[12:])
        file.write(last)

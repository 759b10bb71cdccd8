"""The mark by which vidrts knows pictures that it made, as it knows its videos by their encoder tag.

PNG: a text chunk "Software"; JPEG: a comment; TIFF: the tag Software; WebP: a chunk that readers skip (RIFF).
"""

import struct
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_NAME = "vidrts"
_CHUNK = b"VRTS"
"""Of a WebP file, the last."""


def text() -> str:
    """The program's name and version."""
    try:
        return f"{_NAME} {version(_NAME)}"
    except PackageNotFoundError:
        return f"{_NAME} 0"


def webp_chunk() -> bytes:
    """The chunk at the end of a WebP file, of even length."""
    content = text().encode()
    return _CHUNK + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def is_marked(path: Path) -> bool:
    """Whether vidrts made this picture; False for what is no picture. Raises OSError for a file that cannot be read."""
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(max(0, file.seek(0, 2) - 64))
        tail = file.read()
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _CHUNK in tail
    if not head.startswith((b"\x89PNG", b"\xff\xd8", b"II*\0", b"MM\0*")):
        return False
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
            found = [
                image.info.get("Software"),
                *(value for name, value in getattr(image, "applist", ()) if name == "COM"),
            ]
            found.append(getattr(image, "tag_v2", {}).get(305))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, OSError):
        return False
    words = (value.decode(errors="replace") if isinstance(value, bytes) else str(value or "") for value in found)
    return any(f"{_NAME} " in word for word in words)

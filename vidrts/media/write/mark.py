"""The mark by which vidrts knows its own files: the enhanced stream's encoder tag, in MPEG-TS a null packet at the end.

MPEG-TS has no such tag; its readers skip packets of PID 0x1FFF (ISO/IEC 13818-1, 2.4.3.2), whatever they hold.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
from av.container import InputContainer

from vidrts.media.containers import FFmpegErrors
from vidrts.media.pictures import mark as picture_mark

_NAME = "vidrts"
_NULL = b"\x47\x1f\xff\x10"
"""Header of a null packet."""
_PACKET, _TIMED = 188, 192
"""Bytes of a packet of MPEG-TS, and of Blu-ray's, which begins with four bytes of arrival time."""


def encoder_tag(encoder: str) -> str:
    """The encoder tag of a stream that `encoder` writes; mp4 holds 31 bytes of it."""
    try:
        return f"{_NAME} {version(_NAME)} {encoder}"
    except PackageNotFoundError:
        return f"{_NAME} {encoder}"


def append_null_packet(path: Path, *, timed: bool) -> None:
    """Mark a complete MPEG-TS file; `timed`: of Blu-ray's form."""
    with path.open("r+b") as file:
        file.seek(-_TIMED if timed else 0, 2)
        arrival = file.read(_TIMED - _PACKET) if timed else b""
        file.seek(0, 2)
        file.write(arrival + (_NULL + _NAME.encode()).ljust(_PACKET, b"\xff"))


def is_marked(path: Path, container: InputContainer | None = None) -> bool:
    """Whether vidrts made the file; `container`: the same one, opened. Raises OSError."""
    with path.open("rb") as file:
        if file.seek(0, 2) >= _PACKET:
            file.seek(-_PACKET, 2)
            if file.read(_PACKET).startswith(_NULL + _NAME.encode()):
                return True
    if picture_mark.is_marked(path):
        return True
    if container is not None:
        return _is_tagged(container)
    try:
        with av.open(f"file:{path}", "r", container_options={"protocol_whitelist": "file"}) as opened:
            return _is_tagged(opened)
    except FFmpegErrors:
        return False


def _is_tagged(container: InputContainer) -> bool:
    tags = [value for s in container.streams for key, value in s.metadata.items() if key.lower() == "encoder"]
    return any(tag.startswith(f"{_NAME} ") for tag in tags)

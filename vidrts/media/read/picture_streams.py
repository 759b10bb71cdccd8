"""Pictures one after the other without timestamps, as cameras and `ffmpeg -f image2pipe` write them: a video.

FFmpeg has demuxers for each kind of picture (`jpeg_pipe`, `mjpeg`), which also open a file of one, and one for pictures
that a server sends in parts (`mpjpeg`). They count 25 frames/s.
"""

import re
from collections.abc import Iterator
from itertools import chain

import av
from av.container import InputContainer

from vidrts.media.containers import AnyPacket, Place, not_a_video

RATE = 25
"""Frames/s that FFmpeg gives them."""

_PARTS = "mpjpeg"
_SECOND_VIEW = re.compile(rb"\xff\xe2..MPF\0", re.DOTALL)
"""The segment of a JPEG photo that further JPEGs follow: a gain map, a preview, the other eye (CIPA DC-007)."""
_HEAD = 1 << 17
"""Bytes within which that segment begins: Exif data, of at most 64 KiB, precede it."""
_JPEG_END = b"\xff\xd9"


def untimed(container: InputContainer) -> bool:
    """Whether this is pictures, or one picture, and no container with times."""
    return container.format.name == _PARTS or _in_a_row(container)


def _in_a_row(container: InputContainer) -> bool:
    return container.format.name == "mjpeg" or container.format.name.endswith("_pipe")


def packets(container: InputContainer, path: Place) -> Iterator[AnyPacket]:
    """The packets of any container from its position on; raises `InputError` for a single picture."""
    name = container.format.name
    if _in_a_row(container):
        return _several(container.demux(), path, name)
    return _whole_parts(container.demux()) if name == _PARTS else container.demux()


def _several(every: Iterator[AnyPacket], path: Place, kind: str) -> Iterator[AnyPacket]:
    """The same packets, if they are more than one."""
    first, second = next(every, None), next(every, None)
    photo = first is not None and _SECOND_VIEW.search(memoryview(first)[:_HEAD])
    if first is None or second is None or not second.size or photo:
        raise not_a_video(path, f"a picture ({kind})")
    yield from chain((first, second), every)


def _whole_parts(every: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """The same packets; FFmpeg takes the end after the last part for invalid data."""
    end = b""
    try:
        for packet in every:
            end = bytes(packet)[-len(_JPEG_END) :]
            yield packet
    except av.InvalidDataError:
        if end != _JPEG_END:
            raise

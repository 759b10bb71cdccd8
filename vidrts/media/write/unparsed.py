"""Tracks whose data FFmpeg's parsers swallow: damaged TrueHD gives no packets at all, and no error."""

from collections.abc import Collection
from pathlib import Path

import av

from vidrts.media.containers import FFmpegErrors, Place

_SEARCHED = 64 << 20
"""Bytes in which a track that is not empty has data."""


def with_data(path: Place, tracks: Collection[int]) -> set[int]:
    """Which of these tracks, of which no packet came, have data in the beginning of a file; none for URLs and pipes."""
    found: set[int] = set()
    if not isinstance(path, Path) or not tracks:
        return found
    size = 0
    try:
        with av.open(f"file:{path}", container_options={"fflags": "+noparse"}) as container:
            for packet in container.demux():
                size += packet.size
                if packet.size and packet.stream_index in tracks:
                    found.add(packet.stream_index)
                if size > _SEARCHED or len(found) == len(tracks):
                    break
    except FFmpegErrors:
        pass
    return found

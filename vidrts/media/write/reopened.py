"""What a written file holds, read again: packets only."""

from pathlib import Path

import av

from vidrts.media.containers import FFmpegErrors


def has_pictures(path: Path) -> bool:
    """Whether the file opens and its first video stream has packets."""
    try:
        with av.open(f"file:{path}") as container:
            return any(packet.size for packet in container.demux(container.streams.video[0]))
    except (*FFmpegErrors, IndexError):
        return False

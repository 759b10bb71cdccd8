"""Decoded frames of a packing (`media.packings`) in their planar format."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from vidrts.media.packings import PACKINGS
from vidrts.media.planes import FrameBuilder


class Unpacker:
    """Gives frames that lie in a packing their planar format. One for each stream, used in one thread."""

    def __init__(self) -> None:
        self._builders: dict[tuple[str, int, int], FrameBuilder] = {}

    def unpacked(self, frame: av.VideoFrame, time_base: Fraction) -> av.VideoFrame:
        """A frame with the same samples and everything else of `frame`; `frame` itself where it has no packing."""
        packing = PACKINGS.get(frame.format.name)
        if packing is None:
            return frame
        size = frame.width, frame.height
        key = (frame.format.name, *size)
        if key not in self._builders:
            self._builders[key] = FrameBuilder(packing.twin, size, packing.twin)
        planes = packing.unpacked([_rows(plane) for plane in frame.planes], *size)
        made = self._builders[key].build(planes, frame, time_base)
        made.color_range = frame.color_range  # the filter that makes it may state one where none is known
        return made


def _rows(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    """The bytes of a plane in rows from the top, with their padding; a view."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, abs(plane.line_size))
    return rows[::-1] if plane.line_size < 0 else rows

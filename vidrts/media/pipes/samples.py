"""Samples of frames in a binary stream, laid out as FFmpeg's `-f rawvideo`; what y4m and raw video share.

Planes are stored samples (h, w), uint8 or uint16, one for each component in canonical order.
"""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.media.pipes.header import Header


def read_samples(stream: BinaryIO, header: Header) -> NDArray[np.uint8]:
    """The bytes of a frame, fewer where the stream ends."""
    buffer = np.empty(header.frame_bytes, np.uint8)
    view, done = memoryview(buffer), 0
    while done < len(view):
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            break
        done += count
    return buffer[:done]


def split_planes(samples: NDArray[np.uint8], header: Header) -> tuple[torch.Tensor, ...]:
    """The planes of a frame, as views of its bytes; new ones where the header has a packing."""
    if header.packing is not None:
        return header.packing.split(samples, header.width, header.height)
    fmt = header.format
    values = torch.from_numpy(samples.view("<u2").astype(np.uint16, copy=False) if fmt.depth > 8 else samples)
    stored, start = [], 0
    for rows, columns, step in header.layout:
        end = start + rows * columns * step
        stored.append(values[start:end].view(rows, columns, step))
        start = end
    return tuple(stored[plane][:, :, position] for plane, position in fmt.order)


def write_samples(stream: BinaryIO, header: Header, planes: Sequence[torch.Tensor], lead: bytes = b"") -> None:
    """Write `lead` and a frame; `planes` are on the CPU and may be views.

    Raises ValueError, before anything is written, unless they are as `header` says.
    """
    fmt = header.format
    sizes = tuple(tuple(plane.shape) for plane in planes)
    if sizes != header.plane_sizes or any(plane.dtype != fmt.dtype for plane in planes):
        raise ValueError(f"expected planes {header.plane_sizes} of {fmt.dtype}, got {sizes} of {planes[0].dtype}")
    write_all(stream, lead)
    for index, (rows, columns, step) in enumerate(header.layout):
        held = [(position, planes[c].numpy()) for c, (plane, position) in enumerate(fmt.order) if plane == index]
        samples = held[0][1]
        if step > 1:
            samples = np.zeros((rows, columns, step), samples.dtype)
            for position, component in held:
                samples[:, :, position] = component
        write_all(stream, memoryview(np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))))


def write_all(stream: BinaryIO, data: bytes | memoryview) -> None:
    """Write all bytes; an unbuffered pipe may accept fewer at a time."""
    view, done = memoryview(data).cast("B"), 0
    while done < len(view):
        done += stream.write(view[done:]) or 0

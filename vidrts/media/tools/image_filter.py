"""A picture through a filter of FFmpeg, on its own: for controls such as unsharp and cas."""

from collections.abc import Sequence
from fractions import Fraction

import av
import torch

from vidrts.frame import PixelFormat
from vidrts.media.planes import filter_graph, plane_views, write_planes


def filter_picture(planes: Sequence[torch.Tensor], fmt: PixelFormat, chain: str) -> tuple[torch.Tensor, ...]:
    """`planes`, stored samples (h, w) of `fmt`, after `chain`, for example "cas=strength=0.5"; same format and size.

    The chain must take `fmt` as it is, so that nothing is converted; FFmpeg's refusal raises ValueError.
    """
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, fmt.name)
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    write_planes(frame, fmt, planes, fmt)
    try:
        # One thread: to start and end some takes longer than to filter a picture.
        graph = filter_graph(frame, chain, Fraction(1, 25), threads=1)
        graph.vpush(frame)
        graph.vpush(None)
        result = graph.vpull()
    except av.FFmpegError as error:
        raise ValueError(f"filter {chain!r}: {error}") from error
    if result.format.name != fmt.name:
        raise ValueError(f"filter {chain!r} does not take {fmt.name}: it gave {result.format.name}")
    return tuple(view.clone() for view in plane_views(result, fmt))

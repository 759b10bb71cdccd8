"""Pictures through an encoder and back, in memory: what a codec does to them, nothing else."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import av
import torch

from vidrts.frame import PixelFormat
from vidrts.media import x265
from vidrts.media.planes import plane_views, write_planes

_CLOCK = Fraction(1, 25)


def through_codec(
    pictures: Sequence[Sequence[torch.Tensor]], fmt: PixelFormat, encoder: str, options: Mapping[str, str]
) -> list[tuple[torch.Tensor, ...]]:
    """`pictures`, planes of stored samples (h, w) of `fmt`, encoded as consecutive frames and decoded again, in order.

    `encoder` is FFmpeg's name of one that takes `fmt`, `options` its private options; one thread, so that the result
    is the same everywhere. Raises ValueError for an encoder that refuses.
    """
    height, width = pictures[0][0].shape
    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, fmt.name
        context.time_base, context.framerate = _CLOCK, 1 / _CLOCK
        context.thread_count = 1
        context.options = dict(options)
        if encoder == "libx265" and (needed := x265.params(width)):
            context.options["x265-params"] = ":".join([*filter(None, [options.get("x265-params")]), *needed])
        packets = []
        for number, planes in enumerate(pictures):
            frame = av.VideoFrame(width, height, fmt.name)
            frame.pts, frame.time_base = number, _CLOCK
            write_planes(frame, fmt, planes, fmt)
            packets += context.encode(frame)
        packets += context.encode(None)
        decoder = av.CodecContext.create(context.codec.canonical_name, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata = context.extradata
        decoder.thread_count = 1
        decoded = [frame for packet in packets for frame in decoder.decode(packet)]
        decoded += decoder.decode(None)
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(f"encoder {encoder}: {error}") from error
    decoded.sort(key=lambda frame: frame.pts if frame.pts is not None else 0)
    return [tuple(view.clone() for view in plane_views(frame, fmt)) for frame in decoded]

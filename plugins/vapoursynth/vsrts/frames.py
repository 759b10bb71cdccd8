"""Between VapourSynth's frames and vidrts's: formats, colour properties, planes without a copy."""

import ctypes
from fractions import Fraction

import numpy as np
import torch
import vapoursynth as vs

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, Model, PixelFormat

TAKEN = "YUV 4:2:0, 4:2:2 or 4:4:4, GRAY or RGB of 8 to 16 bit integers, or RGBH, RGBS, GRAYH or GRAYS"

_MODELS: dict[int, Model] = {vs.YUV: "yuv", vs.RGB: "rgb", vs.GRAY: "gray"}
_SUBSAMPLING = ((1, 1), (1, 0), (0, 0))
_VALUES = {"_Range": (0, 1), "_ColorRange": (0, 1), "_ChromaLocation": (0, 5), "_FieldBased": (0, 2)}
"""(lowest, highest) value of a property; what lies outside is refused, as the core's own filters do."""


def pixel_format(fmt: vs.VideoFormat) -> PixelFormat:
    """The vidrts format of the same samples; raises `UnsupportedFormatError` for formats not in `TAKEN`."""
    floating = fmt.sample_type == vs.FLOAT
    if floating:
        taken = fmt.color_family in (vs.RGB, vs.GRAY)
    else:
        taken = fmt.bits_per_sample <= 16 and (fmt.subsampling_w, fmt.subsampling_h) in _SUBSAMPLING
    if not taken:
        like = vs.YUV444P16 if fmt.color_family == vs.YUV else vs.GRAY16
        raise UnsupportedFormatError(
            f"format {fmt.name} is not supported: expected {TAKEN}; convert it first, for example with "
            f"resize.Bicubic(format=vs.{like.name})"
        )
    return PixelFormat(
        name=fmt.name,
        model=_MODELS[fmt.color_family],
        depth=fmt.bits_per_sample,
        order=tuple((plane, 0) for plane in range(fmt.num_planes)),
        log2_w=fmt.subsampling_w,
        log2_h=fmt.subsampling_h,
        full_range=floating or fmt.color_family == vs.RGB,
        floating=floating,
    )


def color_tags(props: vs.FrameProps) -> ColorTags:
    """The colour by frame properties; unspecified where there are none.

    `_Matrix`, `_Transfer` and `_Primaries` are H.273's numbers. `_Range` is 1 for full range, 0 for limited; cores
    before it have `_ColorRange`, the other way round. `_ChromaLocation` counts from 0 what FFmpeg counts from 1; a
    negative one is none. Raises `UnsupportedFormatError` for values that there are not.
    """
    full = _number(props, "_Range", -1)
    if full < 0 and (limited := _number(props, "_ColorRange", -1)) >= 0:
        full = 1 - limited
    return ColorTags(
        matrix=_number(props, "_Matrix", 2),
        range=1 + full,
        transfer=_number(props, "_Transfer", 2),
        primaries=_number(props, "_Primaries", 2),
        siting=1 + _number(props, "_ChromaLocation", -1),
    )


def is_interlaced(props: vs.FrameProps) -> bool:
    """Whether the frame is marked as two fields; raises `UnsupportedFormatError` for a value that there is not."""
    return bool(_number(props, "_FieldBased", 0))


def read(frame: vs.VideoFrame, fmt: PixelFormat, number: int) -> Frame:
    """`frame` as a `Frame` whose planes are views of its memory: valid while `frame` lives, never to be written to."""
    return Frame(
        planes=tuple(_view(frame, plane, fmt) for plane in range(len(fmt.order))),
        format=fmt,
        color=color_tags(frame.props),
        pts=number,
        time_base=Fraction(1),
    )


def write(enhanced: Frame, target: vs.VideoFrame, place: int) -> None:
    """Copy the planes of `enhanced` into a new frame as wide and a multiple as high, as its picture `place` from above.

    Each multiple of the picture's height holds a picture; a frame of the same height has only place 0.
    """
    for plane, samples in enumerate(enhanced.planes):
        height = samples.shape[0]
        np.asarray(target[plane])[place * height : (place + 1) * height] = samples.numpy()


def _view(frame: vs.VideoFrame, plane: int, fmt: PixelFormat) -> torch.Tensor:
    # By address: of the read-only view that VapourSynth offers torch would warn that it can be written to.
    height, width = fmt.plane_size(plane, frame.width, frame.height)
    stride, size = frame.get_stride(plane), fmt.dtype.itemsize
    memory = (ctypes.c_uint8 * (stride * height)).from_address(frame.get_read_ptr(plane).value)
    kind = f"{'f' if fmt.floating else 'u'}{size}"
    return torch.from_numpy(np.ndarray((height, width), kind, memory, strides=(stride, size)))


def _number(props: vs.FrameProps, name: str, default: int) -> int:
    value = props.get(name)
    if not isinstance(value, int):
        return default
    lowest, highest = _VALUES.get(name, (value, value))
    if name == "_ChromaLocation" and value < 0:
        return default
    if not lowest <= value <= highest:
        raise UnsupportedFormatError(
            f"{name}: expected {lowest} to {highest}, got {int(value)}; set or remove it, for example with "
            f"std.RemoveFrameProps({name!r})"
        )
    return int(value)

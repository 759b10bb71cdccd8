"""Frame properties that must change with the size: `_Alpha`, and the matrix that was assumed by the height."""

import numpy as np
import torch
import vapoursynth as vs

from vidrts import color, colorplan
from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, PixelFormat
from vsrts import frames


class Properties:
    """A selector for `std.ModifyFrame`: an enlarged frame whose properties are the source's -> the same, fitting.

    `fmt`: of the clip; `scale`: its size over the source's.
    """

    def __init__(self, fmt: PixelFormat, scale: int) -> None:
        self._format = fmt
        self._scale = scale

    def __call__(self, n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        """The frame itself where nothing changes."""
        changed: dict[str, int | vs.VideoFrame] = {}
        if self._format.model == "yuv":
            tags = frames.color_tags(f.props)
            # Who reads it next would guess by the new height.
            matrix = colorplan.assume(tags, self._format, f.height // self._scale)[0].matrix
            if matrix != tags.matrix:
                changed["_Matrix"] = matrix
        alpha = f.props.get("_Alpha")
        if isinstance(alpha, vs.VideoFrame):
            try:
                changed["_Alpha"] = larger_alpha(alpha, self._scale)
            except UnsupportedFormatError as error:
                raise vs.Error(f"enhance: frame {n}: _Alpha: {error}") from None
        if not changed:
            return f
        target = f.copy()
        for name, value in changed.items():
            target.props[name] = value
        return target


def larger_alpha(alpha: vs.VideoFrame, scale: int) -> vs.VideoFrame:
    """A GRAY frame enlarged by Lanczos, as vidrts enlarges alpha planes, between 0 and opaque.

    Raises `UnsupportedFormatError` for other frames.
    """
    fmt = frames.pixel_format(alpha.format)
    if fmt.model != "gray":
        raise UnsupportedFormatError(f"expected a GRAY frame, got {alpha.format.name}")
    plan = colorplan.plan(ColorTags(range=2), fmt, keep=True)
    source = frames.read(alpha, fmt, 0)
    unchanged = torch.zeros(1, scale * alpha.height, scale * alpha.width)
    (plane,) = color.write_back(source.planes[:1], unchanged, plan, scale=scale)
    target = vs.core.create_video_frame(alpha.format, scale * alpha.width, scale * alpha.height)
    np.asarray(target[0])[:] = (plane.clamp_(0, 1) if fmt.floating else plane).numpy()
    return target

"""Colour conversion a band of rows at a time: on a CPU, what one step makes is in the cache still when the next reads
it. The values are those of the whole picture at once; colour in takes a third of the time (1080p).
"""

from collections.abc import Iterator, Sequence

import torch

from vidrts import color, colorplan
from vidrts.colorplan import ColorPlan
from vidrts.ops.lanczos import enlarge

ROWS = 64
"""Luma rows of a band, even: 1.5 MB of float32 R'G'B' at 1080p."""
_MARGIN = 2
"""Luma rows beyond a band that chroma's interpolation, up or down, may see; even."""


def read(planes: Sequence[torch.Tensor], plan: ColorPlan, out: torch.Tensor, *, luma: bool = False) -> None:
    """R'G'B' of a frame, clamped to 0..1, into `out` (3, H, W), float32, on the planes' device; its Y' into (1, H, W).

    Networks are trained on 0..1 alone; what a source holds beyond (YUV outside the RGB cube) it keeps by write-back.
    NaN is read as 0, or the network would spread it. `luma`: only the luma of `out` matters; grey is written where that
    is quicker.
    """
    if luma and plan.keep and plan.written == 1:
        for first, last, _, _ in _bands(out.shape[1], out.device, 0):
            out[:, first:last] = _numbers(color.luma_plane([planes[0][first:last]], plan), plan).clamp_(0, 1)
        return
    for first, last, top, bottom in _bands(out.shape[1], out.device, _MARGIN):
        part = _numbers(color.to_rgb(_rows(planes, plan, top, bottom), plan)[:, first - top : last - top], plan)
        if out.shape[0] == 1:
            out[0, first:last] = colorplan.luma(part.clamp(0, 1))
        else:
            torch.clamp(part, 0, 1, out=out[:, first:last])


def write_back(
    planes: Sequence[torch.Tensor],
    rgb: torch.Tensor,
    result: torch.Tensor,
    plan: ColorPlan,
    *,
    strength: float = 1,
    scale: int = 1,
) -> tuple[torch.Tensor, ...]:
    """Planes of E = base + strength * (result - base).

    rgb: (3, H, W) or (1, H, W), what `read` made of `planes`; base is that, Lanczos-enlarged where `scale` is not 1.
    Where the plan keeps chroma, base is its luma, `result`, (1, scale*H, scale*W), is luma, and nothing is clamped but
    the planes that are written (see `color`). Else `result` is (3, scale*H, scale*W), and E is clamped to 0..1 before.
    `result` is overwritten; at scale 1 planes that do not change are returned as they are.
    """
    if scale != 1:
        base = enlarge(_base(rgb, plan)[None], scale)[0]
        return color.write_back(planes, _change(base, result, strength, plan), plan, scale=scale)
    count = plan.written
    out = [torch.empty_like(plane, memory_format=torch.contiguous_format) for plane in planes[:count]]
    done = 0  # rows of `result` that are a change already
    for first, last, top, bottom in _bands(rgb.shape[1], rgb.device, 0 if plan.keep else _MARGIN):
        _change(_base(rgb[:, done:bottom], plan), result[:, done:bottom], strength, plan)
        done = bottom
        parts = color.write_back(_rows(planes[:count], plan, top, bottom), result[:, top:bottom], plan)
        for component, (plane, part) in enumerate(zip(out, parts, strict=True)):
            shift = _shift(plan, component)
            start = (first - top) >> shift
            rows = plane[first >> shift : -(-last >> shift)]
            rows.copy_(part[start : start + rows.shape[0]])
    return (*out, *planes[count:])


def _numbers(x: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """NaN, which float formats alone can hold, as 0."""
    return x.nan_to_num(nan=0.0) if plan.format.floating else x


def _base(rgb: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    return colorplan.luma(rgb)[None] if plan.keep and rgb.shape[0] == 3 else rgb


def _change(base: torch.Tensor, result: torch.Tensor, strength: float, plan: ColorPlan) -> torch.Tensor:
    """E - base, in place of `result`."""
    if plan.keep:
        result.sub_(base)
        return result if strength == 1 else result.mul_(strength)
    if strength != 1:
        torch.lerp(base, result, strength, out=result)
    return result.clamp_(0, 1).sub_(base)


def _bands(height: int, device: torch.device, margin: int) -> Iterator[tuple[int, int, int, int]]:
    """(first row, one after the last, the same with `margin` rows beyond); on a GPU there is one band."""
    step = ROWS if device.type == "cpu" else height
    for first in range(0, height, step):
        last = min(height, first + step)
        yield first, last, max(0, first - margin), min(height, last + margin)


def _shift(plan: ColorPlan, component: int) -> int:
    return plan.format.log2_h if component and plan.format.model == "yuv" else 0


def _rows(planes: Sequence[torch.Tensor], plan: ColorPlan, top: int, bottom: int) -> list[torch.Tensor]:
    """Of each plane the rows that belong to the luma rows top .. bottom; `top` is even, `bottom` even or the end."""
    shifts = [_shift(plan, component) for component in range(3)] + [0]
    return [p[top >> s : -(-bottom >> s)] for p, s in zip(planes, shifts, strict=False)]

"""Colour: YUV or RGB planes to R'G'B' tensors, and write-back of a change to planes.

R'G'B' is non-linear, as coded, 0..1. Write-back adds only the change: an unchanged picture stays bit-exact,
and 4:2:0 chroma is never resampled back and forth.

Under a plan that keeps chroma (`colorplan`) a change of Y' is added to the Y plane alone; where the planes are R'G'B'
it is added to all three alike. It is the change from the luma of R'G'B' as the network saw them, clamped to 0..1, to
the luma of its result, which is not clamped. A plan that does not keep chroma adds YUV(E - RGB) to all planes, E
clamped to 0..1.

Either way the sum is clamped once, in code values, against the source's own sample: a sample leaves the legal range of
its plane no further than it did in the source. Of R', G' and B' each is clamped alone.
"""

from collections.abc import Sequence

import torch

from vidrts.colorplan import ColorPlan
from vidrts.ops.lanczos import enlarge


def luma_plane(planes: Sequence[torch.Tensor], plan: ColorPlan) -> torch.Tensor:
    """(H, W) float32 Y' of a frame of which Y' alone is written: the luma that `to_rgb` of its planes has."""
    return unit(planes[0], plan, 0)


def to_rgb(planes: Sequence[torch.Tensor], plan: ColorPlan) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' of one frame's colour planes, on their device; values may leave 0..1.

    Chroma is brought to the luma grid by linear interpolation at its true siting. Gray gives three equal channels.
    """
    fmt = plan.format
    first = unit(planes[0], plan, 0)
    if fmt.model == "gray":
        return first.expand(3, -1, -1)
    if fmt.model == "rgb":
        rgb = torch.stack((first, unit(planes[1], plan, 0), unit(planes[2], plan, 0)))
        return rgb if plan.yuv_to_rgb is None else _mix(plan.yuv_to_rgb, rgb)
    height, width = first.shape
    chroma = torch.stack((unit(planes[1], plan, 1), unit(planes[2], plan, 1)))
    if fmt.log2_h:
        chroma = linear_up(chroma, plan.site[1], height, dim=1)
    if fmt.log2_w:
        chroma = linear_up(chroma, plan.site[0], width, dim=2)
    assert plan.yuv_to_rgb is not None
    return _mix(plan.yuv_to_rgb, torch.cat((first[None], chroma)))


def from_rgb(rgb: torch.Tensor, plan: ColorPlan) -> tuple[torch.Tensor, ...]:
    """Planes of (3, H, W) R'G'B' in 0..1, rounded once: the inverse of `to_rgb`, for plans without `keep`."""
    fmt = plan.format
    height, width = rgb.shape[1:]
    black = [
        torch.full(fmt.plane_size(k, width, height), round(plan.offset[min(k, 1)]) << fmt.shift, dtype=fmt.dtype)
        for k in range(3)
    ]
    return write_back(black, rgb, plan)


def write_back(
    planes: Sequence[torch.Tensor], delta: torch.Tensor, plan: ColorPlan, *, scale: int = 1
) -> tuple[torch.Tensor, ...]:
    """planes + delta, rounded once, as new planes of the same format; unchanged planes are returned as they are.

    delta: float32, the change of Y', (1, scale*H, scale*W), where the plan keeps chroma, else that of R'G'B',
    (3, scale*H, scale*W). For a `scale` above 1 the planes themselves are first enlarged with Lanczos-3, chroma at its
    own siting, alpha, too. A sample leaves the legal range no further than it did in the source; delta 0 gives the
    source bit for bit.
    """
    height, width = planes[0].shape
    changes = components(delta, plan)
    out = []
    for component, plane in enumerate(planes):
        kind = 1 if plan.format.model == "yuv" and component in (1, 2) else 0
        if component < len(changes):
            out.append(_add(plane, changes[component], plan, kind, scale))
        elif scale == 1:
            out.append(plane)
        else:
            size = plan.format.plane_size(component, scale * width, scale * height)
            out.append(_stored(_held(_enlarged(_code(plane, plan), plan, kind, scale, size), plan), plane, plan))
    return tuple(out)


def components(delta: torch.Tensor, plan: ColorPlan) -> list[torch.Tensor]:
    """The planes of R'G'B', or of a change of it, in units of `plan.scale`: those that the plan writes."""
    fmt = plan.format
    if plan.keep:
        return [delta[0]] * plan.written
    if fmt.model == "gray":
        return [_mix(plan.rgb_to_yuv[:1], delta)[0]]
    if fmt.model == "rgb":
        return list(delta)
    yuv = _mix(plan.rgb_to_yuv, delta)
    chroma = yuv[1:]
    if fmt.log2_h:  # first: rows are faster to process than columns, of which half are left then
        chroma = linear_down(chroma, plan.site[1], dim=1)
    if fmt.log2_w:
        chroma = linear_down(chroma, plan.site[0], dim=2)
    return [yuv[0], chroma[0], chroma[1]]


def unit(plane: torch.Tensor, plan: ColorPlan, kind: int) -> torch.Tensor:
    """Stored samples as float32 with black (or no colour) at 0 and the nominal span 1; `kind`: 0 luma, 1 chroma."""
    step = float(2**plan.format.shift)
    return plane.to(torch.float32, copy=True).sub_(plan.offset[kind] * step).div_(plan.scale[kind] * step)


def _mix(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(n, 3) matrix times (3, H, W)."""
    return (matrix.to(x.dtype) @ x.flatten(1)).view(matrix.shape[0], *x.shape[1:])


def _add(plane: torch.Tensor, change: torch.Tensor, plan: ColorPlan, kind: int, scale: int) -> torch.Tensor:
    """round(plane + change) in code values, held to the legal range or to the source's own excess.

    change: float32 in units of `plan.scale`.
    """
    low, high = plan.legal[kind]
    code = _code(plane, plan)
    if scale != 1:
        code = _enlarged(code, plan, kind, scale, change.shape)
    changed = torch.add(code, change, alpha=plan.scale[kind])
    if scale != 1:  # not before the sum: the change may compensate for overshoot of Lanczos
        code = _held(code, plan)
    changed.clamp_(min=code.clamp(max=low), max=code.clamp(min=high))
    return _stored(changed, plane, plan)


def _code(plane: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Stored samples as float32 code values; do not write to it."""
    code = plane.float()
    return code / 2**plan.format.shift if plan.format.shift else code


def _enlarged(
    code: torch.Tensor, plan: ColorPlan, kind: int, scale: int, size: Sequence[int]
) -> torch.Tensor:  # fmt: skip
    """One plane at `scale` times the size, cut to `size`; chroma keeps its siting, so its phase differs from luma's."""
    # Luma sample i lies at f*i + (f - 1)/2 of the enlarged grid (f is the scale), so chroma sample k, at luma 2k + s,
    # lies at 2fk + fs + (f - 1)/2. Output m lies at 2m + s there: k = m/f - (f - 1)/f * (s + 0.5)/2 for a subsampled
    # direction, and m/f - (f - 1)/f * 0.5 for one that is not.
    fmt, step = plan.format, (scale - 1) / scale
    offset_x = step * ((plan.site[0] + 0.5) / 2 if kind and fmt.log2_w else 0.5)
    offset_y = step * ((plan.site[1] + 0.5) / 2 if kind and fmt.log2_h else 0.5)
    finite = code.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0) if fmt.floating else code
    enlarged = enlarge(finite[None, None], scale, offset_x, offset_y)[0, 0]
    if fmt.floating:  # NaN and infinity stay where they are, or they would spread as far as the kernel reaches
        large = code.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
        enlarged = torch.where(large.isfinite(), enlarged, large)
    return enlarged[: size[0], : size[1]]  # odd sizes were rounded up


def _held(code: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Clamped in place to the valid codes."""
    return code if plan.format.floating else code.clamp_(0, plan.format.most)


def _stored(code: torch.Tensor, like: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Code values within the format's, written over, as samples."""
    if plan.format.floating:
        return code.to(like.dtype)
    code.round_()
    return (code.mul_(2**plan.format.shift) if plan.format.shift else code).to(like.dtype)


def linear_up(chroma: torch.Tensor, site: float, length: int, dim: int) -> torch.Tensor:
    """Twice as many samples along `dim`, by linear interpolation; chroma k lies at luma 2k + site; cut to `length`."""
    count = chroma.shape[dim]
    extended = torch.cat((chroma.narrow(dim, 0, 1), chroma, chroma.narrow(dim, count - 1, 1)), dim)
    even = torch.lerp(chroma, extended.narrow(dim, 0, count), site / 2)
    odd = torch.lerp(chroma, extended.narrow(dim, 2, count), (1 - site) / 2)
    return _interleave(even, odd, dim).narrow(dim, 0, length)


def _interleave(even: torch.Tensor, odd: torch.Tensor, dim: int) -> torch.Tensor:
    """even[0], odd[0], even[1], odd[1] ... along `dim`."""
    if dim == even.dim() - 1:
        # As complex numbers, neighbours in memory are paired in a seventh of the time of torch.stack.
        return torch.view_as_real(torch.complex(even, odd)).flatten(-2)
    return torch.stack((even, odd), dim=dim + 1).flatten(dim, dim + 1)


def linear_down(change: torch.Tensor, site: float, dim: int) -> torch.Tensor:
    """Half as many samples along `dim`: the adjoint of `linear_up`, normalised to sum 1.

    [1 2 1]/4 for cosited samples, [1 3 3 1]/8 for centred ones; an odd length is extended by replication.
    """
    if change.shape[dim] % 2:
        change = torch.cat((change, change.narrow(dim, -1, 1)), dim)
    count = change.shape[dim] // 2
    pairs = change.view(*change.shape[:dim], count, 2, *change.shape[dim + 1 :])
    even, odd = (part.contiguous() for part in pairs.unbind(dim + 1))
    out = even.mul((2 - site) / 4).add_(odd, alpha=(1 + site) / 4)
    if site > 0:  # the even samples after, the last one replicated
        out.narrow(dim, 0, count - 1).add_(even.narrow(dim, 1, count - 1), alpha=site / 4)
        out.narrow(dim, count - 1, 1).add_(even.narrow(dim, count - 1, 1), alpha=site / 4)
    if site < 1:  # the odd samples before, the first one replicated
        out.narrow(dim, 1, count - 1).add_(odd.narrow(dim, 0, count - 1), alpha=(1 - site) / 4)
        out.narrow(dim, 0, 1).add_(odd.narrow(dim, 0, 1), alpha=(1 - site) / 4)
    return out

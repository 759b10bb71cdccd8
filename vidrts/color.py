"""Colour: YUV or RGB planes to R'G'B' tensors, and a change written back into planes.

R'G'B' is non-linear, as coded, 0..1. Matrices and ranges follow ITU-T H.273, chroma siting FFmpeg's AVCHROMA_LOC_*.
Write-back adds only what changed, so an unchanged picture is the same bit for bit and 4:2:0 chroma is never resampled
there and back (DESIGN section 2, invariant 2).

A plan that keeps chroma (`plan(..., keep=True)`) adds a change of Y' to the Y plane alone. Its R'G'B' are made so that
their BT.709 luma (`luma`) is what the Y plane holds, whatever the frame's own matrix: Y'CbCr goes through the BT.709
matrix. RGB, and 4:4:4 with the identity matrix, have no Y plane: there Y' is BT.2020's where the primaries are, else
BT.709's, and its change is added to R', G' and B' alike. The change is that from the luma of R'G'B' as the network saw
them, clamped to 0..1, to the luma of its result, which is not clamped. A plan that does not keep chroma uses the
frame's matrix and adds YUV(E - RGB) to all planes, E clamped to 0..1.

Either way the sum is clamped once, in code values, against the source's own sample: a sample leaves the legal range of
its plane no further than it did in the source. Of R', G' and B' each is clamped alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, FieldOrder, PixelFormat, matrix_by_height, matrix_name
from vidrts.picture.lanczos import double

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of R', G' and B' in Y': ITU-R BT.709, which is sRGB's too."""
_KR_KB = {
    1: (LUMA[0], LUMA[2]),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 BG, as BT.601
    6: (0.299, 0.114),  # SMPTE 170M, as BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020 non-constant luminance
}
_YCGCO = ((0.25, 0.5, 0.25), (-0.25, 0.5, -0.25), (0.5, 0.0, -0.5))
_SITES = {1: (0.0, 0.5), 2: (0.5, 0.5), 3: (0.0, 0.0), 4: (0.5, 0.0), 5: (0.0, 1.0), 6: (0.5, 1.0)}
"""Siting -> where chroma sample (0, 0) lies, (x, y) in luma samples from luma sample (0, 0)."""


@dataclass(frozen=True)
class ColorPlan:
    """Everything that one frame's tags decide: matrices, code values, where the chroma samples lie.

    Made by `plan`, consumed by `to_rgb` and `write_back`.
    """

    format: PixelFormat
    keep: bool
    """Only Y' is written: chroma planes stay as they are, or R', G' and B' move alike."""
    rgb_to_yuv: torch.Tensor
    """(3, 3) float32: R'G'B' -> Y' Cb Cr with Y' 0..1, Cb and Cr -0.5..0.5; identity for RGB formats."""
    yuv_to_rgb: torch.Tensor | None
    """Its inverse; None where the planes are R'G'B' already."""
    scale: tuple[float, float]
    """Code values per unit of luma (or RGB) and of chroma."""
    offset: tuple[float, float]
    """Code value of luma 0 and of chroma 0."""
    site: tuple[float, float]
    """Chroma sample (0, 0) in luma samples, (x, y); only where the format subsamples."""

    @property
    def legal(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(lowest, highest) legal code value of luma (or RGB), and of chroma."""
        most = self.format.most
        luma = (round(self.offset[0]), min(most, round(self.offset[0] + self.scale[0])))
        if self.offset[0] == self.offset[1]:  # RGB, or the identity matrix: no component is signed
            return luma, luma
        low, high = (round(self.offset[1] + sign * self.scale[1] / 2) for sign in (-1, 1))
        return luma, (max(0, low), min(most, high))

    @property
    def written(self) -> int:
        """How many planes write-back changes; those after them stay as they are."""
        if self.format.model == "gray":
            return 1
        return 1 if self.keep and self.offset[0] != self.offset[1] else 3  # equal: R'G'B', see `legal`

    def to(self, device: torch.device) -> "ColorPlan":
        """The same plan with its matrices on `device`."""
        inverse = None if self.yuv_to_rgb is None else self.yuv_to_rgb.to(device)
        return replace(self, rgb_to_yuv=self.rgb_to_yuv.to(device), yuv_to_rgb=inverse)


def luma(rgb: torch.Tensor) -> torch.Tensor:
    """BT.709 Y' of R'G'B': (..., 3, H, W) -> (..., H, W), same type and range; full range, black 0."""
    red, green, blue = rgb.unbind(-3)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


def assume(tags: ColorTags, pixel_format: PixelFormat, height: int) -> tuple[ColorTags, str | None]:
    """Tags with every unspecified value filled in, and a line that says what was assumed (None when nothing).

    BT.709 from 720 lines up, BT.601 below; limited range for YUV and gray; left siting (what MPEG-2, H.264 and HEVC
    mean when they say nothing). RGB formats need nothing.
    """
    if pixel_format.model == "rgb":
        return replace(tags, range=2), None
    said = []
    if pixel_format.full_range:
        tags = replace(tags, range=2)
    subsampled = bool(pixel_format.log2_w or pixel_format.log2_h)
    unknown = tags.matrix in (2, 3) or (tags.matrix == 0 and subsampled)  # identity exists in 4:4:4 alone
    if unknown and pixel_format.model == "yuv":
        tags = replace(tags, matrix=matrix_by_height(height))
        said.append(f"the {'BT.709' if tags.matrix == 1 else 'BT.601'} matrix (by its height)")
    if tags.range == 0:
        tags = replace(tags, range=1)
        said.append("limited range")
    if tags.siting == 0 and subsampled:
        # Left is what the codecs mean by silence (H.264 Annex E, default chroma_sample_loc_type 0): nothing to tell.
        tags = replace(tags, siting=1)
    return tags, f"colour not fully tagged: assuming {' and '.join(said)}" if said else None


def plan(
    tags: ColorTags, pixel_format: PixelFormat, *, field: FieldOrder = "progressive", keep: bool = False
) -> ColorPlan:
    """The `ColorPlan` of complete tags (see `assume`).

    `field`: "tff" for the top field of an interlaced frame alone, "bff" for the bottom field: in 4:2:0 their chroma
    lies a quarter and three quarters of a field line below luma (MPEG-2, H.264). `keep`: only Y' will be written back
    (see above). Raises `UnsupportedFormatError` for a matrix that is not linear in R'G'B' (constant luminance, ICtCp)
    or not known.
    """
    depth = pixel_format.depth
    step = float(2 ** (depth - 8))
    most = float(pixel_format.most)
    full = tags.range == 2
    forward = torch.eye(3, dtype=torch.float64)
    if pixel_format.model == "yuv":
        if tags.matrix not in (*_KR_KB, 0, 8):
            raise UnsupportedFormatError(_refusal(tags))
        forward = _matrix(tags.matrix)
        half = float(2 ** (depth - 1))
        scale, offset = ((most, most), (0.0, half)) if full else ((219 * step, 224 * step), (16 * step, half))
        if tags.matrix == 0:
            scale, offset = (scale[0], scale[0]), (offset[0], offset[0])
    else:
        if pixel_format.model == "gray":
            forward = _matrix(1)  # of it the first row: how a change of R'G'B' changes Y'
        scale, offset = ((most, most), (0.0, 0.0)) if full else ((219 * step,) * 2, (16 * step,) * 2)
    if keep:
        forward = _kept(forward, tags, pixel_format)
    direct = pixel_format.model == "rgb" and not (keep and tags.primaries == 9)
    inverse = None if direct else torch.linalg.inv(forward).float()
    x, y = _SITES.get(tags.siting, (0.0, 0.5))
    if field != "progressive" and pixel_format.log2_h:
        y = 0.25 if field == "tff" else 0.75
    return ColorPlan(pixel_format, keep, forward.float(), inverse, scale, offset, (x, y))


def _kept(forward: torch.Tensor, tags: ColorTags, pixel_format: PixelFormat) -> torch.Tensor:
    """R'G'B' whose BT.709 luma is the frame's Y' -> planes. `forward`: true R'G'B' -> planes."""
    if pixel_format.model == "gray":
        return forward
    if pixel_format.model == "rgb" or tags.matrix == 0:
        if tags.primaries != 9:
            return forward
        kr, kb = _KR_KB[9]
    elif tags.matrix in _KR_KB:
        return _matrix(1)
    else:
        kr, _, kb = _YCGCO[0]
    own_to_709: torch.Tensor = torch.linalg.inv(_of_weights(kr, kb)) @ _matrix(1)
    return forward @ own_to_709


def _matrix(number: int) -> torch.Tensor:
    if number == 0:
        # Identity: planes hold G, B, R (H.273 table 4, value 0).
        return torch.tensor([[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    if number == 8:
        return torch.tensor(_YCGCO, dtype=torch.float64)
    return _of_weights(*_KR_KB[number])


def _refusal(tags: ColorTags) -> str:
    """The line about a matrix that is not supported, with FFmpeg's command that converts from it where there is one.

    FFmpeg's zscale converts only what is tagged as the matrix wants it; what is not is said to it.
    """
    said = []
    if tags.matrix == 14 and tags.transfer not in (16, 18):
        said += ["transferin=smpte2084", "transfer=smpte2084"]
    elif (tags.matrix == 10 and tags.transfer not in (1, 6, 14, 15)) or (tags.matrix == 13 and tags.transfer == 2):
        said += ["transferin=2020_10", "transfer=2020_10"]
    if (tags.matrix == 14 and tags.primaries != 9) or (tags.matrix in (12, 13) and tags.primaries == 2):
        said += ["primariesin=2020", "primaries=2020"]
    advice = "convert it first in a program that knows it; if the tag is wrong, --colorspace says the right one"
    if tags.matrix in (10, 12, 13, 14):
        chain = ":".join([*said, "matrix=2020_ncl"])
        advice = f"convert it first, for example with ffmpeg -i IN -vf zscale={chain} -c:v ffv1 OUT.mkv"
    return (
        f"colour matrix {matrix_name(tags.matrix)} is not supported: wanted BT.709, BT.601, FCC, SMPTE 240M, BT.2020 "
        f"non-constant luminance, YCgCo or identity; {advice}"
    )


def _of_weights(kr: float, kb: float) -> torch.Tensor:
    """R'G'B' -> Y' Cb Cr where red and blue weigh so much in Y'."""
    weights = torch.tensor([kr, 1 - kr - kb, kb], dtype=torch.float64)
    blue = (torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64) - weights) / (2 * (1 - kb))
    red = (torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) - weights) / (2 * (1 - kr))
    return torch.stack((weights, blue, red))


def to_rgb(planes: Sequence[torch.Tensor], plan: ColorPlan) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' of one frame's colour planes, on their device; values may leave 0..1.

    Chroma is brought to the luma grid by linear interpolation at its true siting. Gray gives three equal channels.
    """
    fmt = plan.format
    first = _unit(planes[0], plan, 0)
    if fmt.model == "gray":
        return first.expand(3, -1, -1)
    if fmt.model == "rgb":
        rgb = torch.stack((first, _unit(planes[1], plan, 0), _unit(planes[2], plan, 0)))
        return rgb if plan.yuv_to_rgb is None else _mix(plan.yuv_to_rgb, rgb)
    height, width = first.shape
    chroma = torch.stack((_unit(planes[1], plan, 1), _unit(planes[2], plan, 1)))
    if fmt.log2_h:
        chroma = _linear_up(chroma, plan.site[1], height, dim=1)
    if fmt.log2_w:
        chroma = _linear_up(chroma, plan.site[0], width, dim=2)
    assert plan.yuv_to_rgb is not None
    return _mix(plan.yuv_to_rgb, torch.cat((first[None], chroma)))


def write_back(
    planes: Sequence[torch.Tensor], delta: torch.Tensor, plan: ColorPlan, *, scale: int = 1
) -> tuple[torch.Tensor, ...]:
    """planes + delta, rounded once, as new planes of the same format; those that it does not touch as they came.

    delta: float32, the change of Y', (1, scale*H, scale*W), where the plan keeps chroma, else that of R'G'B',
    (3, scale*H, scale*W). For `scale` 2 the planes themselves are first brought to twice the size with Lanczos-3,
    chroma at its own siting, alpha, too. A sample leaves the legal range no further than it did in the source; delta 0
    gives the source bit for bit.
    """
    height, width = planes[0].shape
    changes = _changes(delta, plan)
    out = []
    for component, plane in enumerate(planes):
        kind = 1 if plan.format.model == "yuv" and component in (1, 2) else 0
        if component < len(changes):
            out.append(_add(plane, changes[component], plan, kind, scale))
        elif scale == 1:
            out.append(plane)
        else:
            size = plan.format.plane_size(component, scale * width, scale * height)
            out.append(_stored(_held(_double(_code(plane, plan), plan, kind, size), plan), plane, plan))
    return tuple(out)


def _changes(delta: torch.Tensor, plan: ColorPlan) -> list[torch.Tensor]:
    """What is added to each plane that is written, in units of `plan.scale`."""
    fmt = plan.format
    if plan.keep:
        return [delta[0]] * plan.written
    if fmt.model == "gray":
        return [_mix(plan.rgb_to_yuv[:1], delta)[0]]
    if fmt.model == "rgb":
        return list(delta)
    yuv = _mix(plan.rgb_to_yuv, delta)
    chroma = yuv[1:]
    if fmt.log2_h:  # first: whole rows are dealt with faster than every other column, which are half as many then
        chroma = _linear_down(chroma, plan.site[1], dim=1)
    if fmt.log2_w:
        chroma = _linear_down(chroma, plan.site[0], dim=2)
    return [yuv[0], chroma[0], chroma[1]]


def _unit(plane: torch.Tensor, plan: ColorPlan, kind: int) -> torch.Tensor:
    """Stored samples as float32 with black (or no colour) at 0 and the nominal span 1."""
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
    if scale == 2:
        code = _double(code, plan, kind, change.shape)
    changed = torch.add(code, change, alpha=plan.scale[kind])
    if scale == 2:  # not before: where Lanczos rings beyond the codes, the change takes that back
        code = _held(code, plan)
    changed.clamp_(min=code.clamp(max=low), max=code.clamp(min=high))
    return _stored(changed, plane, plan)


def _code(plane: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Stored samples as float32 code values; not to be written to."""
    code = plane.float()
    return code / 2**plan.format.shift if plan.format.shift else code


def _double(code: torch.Tensor, plan: ColorPlan, kind: int, size: Sequence[int]) -> torch.Tensor:
    """One plane at twice the size, cut to `size`; chroma keeps its siting, so its phase differs from luma's."""
    # Chroma sample k lies at luma 2k + s, which is 4k + 2s + 0.5 on the doubled grid; output m lies at 2m + s there, so
    # k = m/2 - (s + 0.5)/4 for a subsampled direction and m/2 - 0.25 for one that is not.
    fmt = plan.format
    offset_x = (plan.site[0] + 0.5) / 4 if kind and fmt.log2_w else 0.25
    offset_y = (plan.site[1] + 0.5) / 4 if kind and fmt.log2_h else 0.25
    return double(code[None, None], offset_x, offset_y)[0, 0, : size[0], : size[1]]  # odd sizes were rounded up


def _held(code: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Clamped, in place, to the codes that there are."""
    return code if plan.format.floating else code.clamp_(0, plan.format.most)


def _stored(code: torch.Tensor, like: torch.Tensor, plan: ColorPlan) -> torch.Tensor:
    """Code values within the format's, written over, as samples."""
    if plan.format.floating:
        return code.to(like.dtype)
    code.round_()
    return (code.mul_(2**plan.format.shift) if plan.format.shift else code).to(like.dtype)


def _linear_up(chroma: torch.Tensor, site: float, length: int, dim: int) -> torch.Tensor:
    """Twice as many samples along `dim`, by linear interpolation; chroma k lies at luma 2k + site; cut to `length`."""
    count = chroma.shape[dim]
    extended = torch.cat((chroma.narrow(dim, 0, 1), chroma, chroma.narrow(dim, count - 1, 1)), dim)
    even = torch.lerp(chroma, extended.narrow(dim, 0, count), site / 2)
    odd = torch.lerp(chroma, extended.narrow(dim, 2, count), (1 - site) / 2)
    return _interleave(even, odd, dim).narrow(dim, 0, length)


def _interleave(even: torch.Tensor, odd: torch.Tensor, dim: int) -> torch.Tensor:
    """even[0], odd[0], even[1], odd[1] ... along `dim`."""
    if dim == even.dim() - 1:
        # Pairs of neighbours in memory are complex numbers: made so, they take a seventh of the time of torch.stack.
        return torch.view_as_real(torch.complex(even, odd)).flatten(-2)
    return torch.stack((even, odd), dim=dim + 1).flatten(dim, dim + 1)


def _linear_down(change: torch.Tensor, site: float, dim: int) -> torch.Tensor:
    """Half as many samples along `dim`: the adjoint of `_linear_up`, normalised to sum 1.

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

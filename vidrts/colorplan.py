"""Colour conversion parameters from a frame's tags: matrices, code values, chroma siting.

Matrices and ranges follow ITU-T H.273, chroma siting FFmpeg's AVCHROMA_LOC_*.

A plan that keeps chroma (`plan(..., keep=True)`) is for a change of Y' alone. Its R'G'B' are made so that their BT.709
luma is what the Y plane holds, whatever the frame's own matrix: Y'CbCr goes through the BT.709 matrix. RGB, and 4:4:4
with the identity matrix, have no Y plane: there Y' is BT.2020's where the primaries are, else BT.709's.
"""

from dataclasses import dataclass, replace

import torch

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, FieldOrder, PixelFormat, matrix_by_height, matrix_name
from vidrts.messages import Code, Message

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


def luma(rgb: torch.Tensor) -> torch.Tensor:
    """BT.709 Y' of R'G'B': (..., 3, H, W) -> (..., H, W), same type and range; full range, black 0."""
    red, green, blue = rgb.unbind(-3)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


@dataclass(frozen=True)
class ColorPlan:
    """Conversion parameters for one combination of tags.

    Produced by `plan`, consumed by `color.to_rgb` and `color.write_back`.
    """

    format: PixelFormat
    keep: bool
    """Only Y' is written: chroma planes stay as they are, or R', G' and B' move alike."""
    rgb_to_yuv: torch.Tensor
    """(3, 3) float32: R'G'B' -> Y' Cb Cr with Y' 0..1, Cb and Cr -0.5..0.5; identity for RGB formats."""
    yuv_to_rgb: torch.Tensor | None
    """Its inverse; None for R'G'B' planes."""
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
        """Number of planes that write-back changes; the first ones."""
        if self.format.model == "gray":
            return 1
        return 1 if self.keep and self.offset[0] != self.offset[1] else 3  # equal: R'G'B', see `legal`

    def to(self, device: torch.device) -> "ColorPlan":
        """The same plan with its matrices on `device`."""
        inverse = None if self.yuv_to_rgb is None else self.yuv_to_rgb.to(device)
        return replace(self, rgb_to_yuv=self.rgb_to_yuv.to(device), yuv_to_rgb=inverse)


def assume(tags: ColorTags, pixel_format: PixelFormat, height: int) -> tuple[ColorTags, Message | None]:
    """Tags with unspecified values filled in, and a message about the assumptions (None if there are none).

    BT.709 from 720 lines up, BT.601 below; limited range for YUV and gray; left siting (the default of
    MPEG-2, H.264 and HEVC). RGB is of full range unless its tag says limited.
    """
    if pixel_format.model == "rgb":
        limited = tags.range == 1 and not pixel_format.floating
        return replace(tags, range=1 if limited else 2), None
    matrix_assumed = range_assumed = False
    if pixel_format.full_range:
        tags = replace(tags, range=2)
    subsampled = bool(pixel_format.log2_w or pixel_format.log2_h)
    unknown = tags.matrix in (2, 3) or (tags.matrix == 0 and subsampled)  # identity exists in 4:4:4 alone
    if unknown and pixel_format.model == "yuv":
        tags = replace(tags, matrix=matrix_by_height(height))
        matrix_assumed = True
    if tags.range == 0:
        tags = replace(tags, range=1)
        range_assumed = True
    if tags.siting == 0 and subsampled:
        # Left is the codecs' default (H.264 Annex E, chroma_sample_loc_type 0): no message.
        tags = replace(tags, siting=1)
    matrix = "BT.709" if tags.matrix == 1 else "BT.601"
    if matrix_assumed:
        return tags, Message(Code.MATRIX_AND_RANGE_ASSUMED if range_assumed else Code.MATRIX_ASSUMED, matrix=matrix)
    return tags, Message(Code.RANGE_ASSUMED) if range_assumed else None


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
            forward = _matrix(1)  # only its first row is used: Y' of R'G'B'
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
    """The error for an unsupported matrix, with an ffmpeg command that converts it if there is one.

    FFmpeg's zscale needs matching transfer and primaries; missing tags are passed as options.
    """
    options = []
    if tags.matrix == 14 and tags.transfer not in (16, 18):
        options += ["transferin=smpte2084", "transfer=smpte2084"]
    elif (tags.matrix == 10 and tags.transfer not in (1, 6, 14, 15)) or (tags.matrix == 13 and tags.transfer == 2):
        options += ["transferin=2020_10", "transfer=2020_10"]
    if (tags.matrix == 14 and tags.primaries != 9) or (tags.matrix in (12, 13) and tags.primaries == 2):
        options += ["primariesin=2020", "primaries=2020"]
    advice = (
        "convert it first with a program that supports it; if the tag is wrong, give the right one with --colorspace"
    )
    if tags.matrix in (10, 12, 13, 14):
        chain = ":".join([*options, "matrix=2020_ncl"])
        line = f"ffmpeg -i IN -map 0 -dn -c copy -c:v ffv1 -vf zscale={chain} OUT.mkv"
        advice = f"convert it first, for example with {line}"
    return (
        f"colour matrix {matrix_name(tags.matrix)} is not supported; expected BT.709, BT.601, FCC, SMPTE 240M, BT.2020 "
        f"non-constant luminance, YCgCo or identity; {advice}"
    )


def _of_weights(kr: float, kb: float) -> torch.Tensor:
    """R'G'B' -> Y' Cb Cr with these weights of red and blue in Y'."""
    weights = torch.tensor([kr, 1 - kr - kb, kb], dtype=torch.float64)
    blue = (torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64) - weights) / (2 * (1 - kb))
    red = (torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) - weights) / (2 * (1 - kr))
    return torch.stack((weights, blue, red))

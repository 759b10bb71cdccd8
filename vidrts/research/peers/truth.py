"""The enhanced luma in float64, the long way, and how far what a program wrote is from it."""

import copy
import math
from pathlib import Path

import torch

from vidrts import color, colorplan
from vidrts.errors import VidrtsError
from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.networks.network import Network
from vidrts.ops.lanczos import halve

_EDGE = 16
"""Pixels that are left out at each side: some of the programs pad with zeros."""


def luma_psnr(source: Path, enhanced: Path, network: Network, *, keep: bool = True) -> float:
    """PSNR in dB of the luma of `enhanced` (8 bit, same frames) against `true_luma` of each frame of `source`.

    keep: as vidrts enhances by default; without, as a program that turns frames into R'G'B' and back. Rounding to 8
    bits alone gives 58.9 dB. Raises `VidrtsError` where frames are missing.
    """
    with Source(source) as before, Source(enhanced) as after:
        ours = [event for event in before.events() if isinstance(event, Frame)]
        theirs = [event for event in after.events() if isinstance(event, Frame)]
        if len(ours) != len(theirs):
            raise VidrtsError(f"{enhanced.name}: {len(theirs)} frames of {len(ours)} came back")
        errors = [
            (their.planes[0].double() - true_luma(our, network, keep=keep))[_EDGE:-_EDGE, _EDGE:-_EDGE].square().mean()
            for our, their in zip(ours, theirs, strict=True)
        ]
    return 10 * math.log10(255**2 / float(torch.stack(errors).mean()))


@torch.no_grad()
def true_luma(frame: Frame, network: Network, *, keep: bool = True) -> torch.Tensor:
    """(h, w) float64 code values of Y' after enhancing: SR(x) by `network` in float64, then d, then luma.

    keep: chroma is kept (`colorplan`); without, luma is that of the frame's own matrix and R'G'B' clamped to 0..1.
    """
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    plan = colorplan.plan(tags, frame.format, keep=keep)
    rgb = color.to_rgb(frame.planes, plan).double().clamp(0, 1)
    if network.blur_level is not None:  # sees Y' alone, whatever colour it belongs to
        rgb = color.luma_plane(frame.planes, plan).double().clamp(0, 1).expand(3, -1, -1)
    prepared = network.prepared(rgb[None].float()).double()
    enhanced = halve(copy.deepcopy(network).double()(prepared))[0]
    code = frame.planes[0].double()
    if not keep:
        return code + plan.scale[0] * torch.einsum("c,chw->hw", plan.rgb_to_yuv[0].double(), enhanced.clamp(0, 1) - rgb)
    change = colorplan.luma(enhanced) - colorplan.luma(rgb)
    low, high = plan.legal[0]
    return (code + plan.scale[0] * change).clamp(min=code.clamp(max=low), max=code.clamp(min=high))

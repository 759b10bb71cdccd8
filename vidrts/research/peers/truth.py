"""The enhanced luma in float64, the long way, and how far what a program wrote is from it."""

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts import color, colorplan
from vidrts.errors import VidrtsError
from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.networks.network import Network
from vidrts.training.objective import at_source_size

_EDGE = 16
"""Pixels that are left out at each side: some of the programs pad with zeros."""


def luma_psnr(source: Path, enhanced: Path, network: Network, levels: Sequence[float] | None = None) -> float:
    """PSNR in dB of the luma of `enhanced` (8 bit, same frames) against `true_luma` of each frame of `source`.

    Rounding to 8 bits alone gives 58.9 dB. Raises `VidrtsError` where frames are missing.
    """
    with Source(source) as before, Source(enhanced) as after:
        ours = [event for event in before.events() if isinstance(event, Frame)]
        theirs = [event for event in after.events() if isinstance(event, Frame)]
        if len(ours) != len(theirs):
            raise VidrtsError(f"{enhanced.name}: {len(theirs)} frames of {len(ours)} came back")
        errors = [
            (their.planes[0].double() - true_luma(our, network, levels))[_EDGE:-_EDGE, _EDGE:-_EDGE].square().mean()
            for our, their in zip(ours, theirs, strict=True)
        ]
    return 10 * math.log10(255**2 / float(torch.stack(errors).mean()))


@torch.no_grad()
def true_luma(frame: Frame, network: Network, levels: Sequence[float] | None = None) -> torch.Tensor:
    """(h, w) float64 code values of Y' after enhancing, chroma kept (`colorplan`): `network` in float64, d, luma.

    levels: blur levels that a network is told which is told some; None: it estimates them.
    """
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    plan = colorplan.plan(tags, frame.format, keep=True)
    rgb = color.to_rgb(frame.planes, plan).double().clamp(0, 1)
    if network.sees_luma_alone:
        rgb = color.luma_plane(frame.planes, plan).double().clamp(0, 1).expand(3, -1, -1)
    told = torch.tensor([list(levels)]) if levels and network.blur_level is not None else None
    # The same fill at the right and below as `picture.tiled_upscaler` has.
    height, width = rgb.shape[1:]
    filled = F.pad(rgb[None], (0, -width % network.spec.multiple, 0, -height % network.spec.multiple), mode="replicate")
    prepared = network.prepared(filled.float(), told).double()
    enhanced = at_source_size(network, copy.deepcopy(network).double()(prepared))[0, :, :height, :width]
    code = frame.planes[0].double()
    change = colorplan.luma(enhanced) - colorplan.luma(rgb)
    low, high = plan.legal[0]
    return (code + plan.scale[0] * change).clamp(min=code.clamp(max=low), max=code.clamp(min=high))

"""Phase B of a stage: HR_n = d(SR_n(HR0)), on whole frames, kept as float16 (specs/RTS.md sections 1 and 3)."""

from collections.abc import Iterator, Sequence

import torch

from vidrts.networks.rts import RTS
from vidrts.picture.engine import pick_precision
from vidrts.picture.resolver import Resolver


def targets(
    network: RTS, originals: Sequence[torch.Tensor], device: torch.device, *, lock_mean: bool
) -> Iterator[torch.Tensor]:
    """HR_n of each original: (3, H, W) uint8 -> (3, H, W) float16 in 0..1, clamped once, never rounded to 8 bit.

    Always from HR0, never from HR_{n-1}. 8-bit rounding would be as large as the steps of the later stages.
    `lock_mean` gives each channel the mean that it has in HR0, so that colours cannot drift from stage to stage
    (specs/INTEGRATION.md section 8).
    """
    resolver = Resolver(network, device, pick_precision("auto", device))
    for original in originals:
        source = original.to(device).float() / 255
        enhanced = resolver(source[None])[0]
        if lock_mean:
            enhanced = enhanced + (source - enhanced).mean(dim=(1, 2), keepdim=True)
        yield enhanced.clamp_(0, 1).to("cpu", torch.float16)

"""How large the inner layers of an RTS network get, for engines that compute them in 8 bits.

A range that is too small cuts values off, and a sharpened edge then misses by a hundred code values; one that is too
large costs precision everywhere. Photographs and video frames call for half of what text needs (rts-r3), so ranges are
taken from the hardest pictures there are, random ones of black and white and of pure colours in dots of several sizes.
They need no data, hold for any network, and leave more than 50 dB on video.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.networks.rts import RTS

_DOTS = (1, 2, 3, 4, 6, 8)
"""Sides of the dots, in pixels."""
_SIDE = 96


@torch.inference_mode()
def channel_ranges(network: RTS) -> list[torch.Tensor]:
    """The greatest value of each channel of f_0 .. f_n (`networks.rts`), (C,) float32 each, above 0; the least is 0."""
    f = F.relu(network.conv_in(_hardest()))
    found = [_greatest(f)]
    for conv in network.layers:
        f = f + F.relu(conv(f))
        found.append(_greatest(f))
    return found


def _greatest(f: torch.Tensor) -> torch.Tensor:
    return f.amax((0, 2, 3)).float().clamp_min(1e-6)  # a dead channel has a range, too


def _hardest() -> torch.Tensor:
    """(B, 3, h, w) of 0 and 1, always the same."""
    seeded = torch.Generator().manual_seed(0)
    pictures = []
    for dot in _DOTS:
        side = -(-_SIDE // dot)
        for channels in (1, 3):  # black and white; pure colours
            dots = torch.randint(0, 2, (1, channels, side, side), generator=seeded).float()
            large = dots.repeat_interleave(dot, 2).repeat_interleave(dot, 3)[..., :_SIDE, :_SIDE]
            pictures.append(large.expand(1, 3, -1, -1))
    return torch.cat(pictures)

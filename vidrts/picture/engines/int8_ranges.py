"""How large the inner layers of an RTS network get, for engines that compute them in 8 bits.

A range that is too small cuts values off, and a sharpened edge then misses by a hundred code values; one that is too
large costs precision everywhere. Photographs and video frames call for half of what text needs (rts-r3), so ranges are
taken from pictures harder than any film, random ones of black and white and of pure colours in dots of several sizes,
and a little more. That needs no data and leaves more than 54 dB on video. Static and dithering in pure colours go
beyond it here and there, but then miss by no more than 8 bits miss in them anyway.
"""

import torch

from vidrts.networks.network import BranchNetwork

_DOTS = (1, 2, 3, 4, 6, 8)
"""Sides of the dots, in pixels."""
_SIDE = 96
_MARGIN = 1.2
"""Other random dots go up to half beyond these; with 1.2 what is cut off makes no greater error than rounding does."""


@torch.inference_mode()
def channel_ranges(network: BranchNetwork) -> list[torch.Tensor]:
    """A bound for each channel of what each layer with a skip reads, (C,) float32, above 0; the least value is 0."""
    f = _hardest()
    if network.blur_level:
        corners = torch.cartesian_prod(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0]))
        f = torch.cat([network.prepared(f, corner.expand(len(f), 2)) for corner in corners])
    else:
        f = network.prepared(f)
    f = network.folded(f)
    found = []
    for layer in network.branch:
        if layer.skip:
            found.append(_bound(f))
        f = layer(f)
    return found


def _bound(f: torch.Tensor) -> torch.Tensor:
    return (_MARGIN * f.amax((0, 2, 3))).float().clamp_min(1e-6)  # a dead channel has a range, too


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

"""What a reconstruction network makes of a picture of any size, in tiles where it is large."""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.networks.reconstruction.network import ReconstructionNetwork

_TILE = 768
"""Pixels each way of a tile, without the pixels around it that its result depends on."""
_SHIFTS = ((0, 0), (1, 3), (2, 1), (3, 2))
"""Rows and columns: each remainder of `control.LATTICE` once in both directions."""


def spun(network: ReconstructionNetwork, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """The mean of what the network makes of a picture and of it displaced by 1 to 3 pixels; as `reconstructed`.

    Cycle spinning (Coifman and Donoho, 1995): steps of the network's strides along edges and its lattice in flat areas
    lie elsewhere each time. A network of one size overlaps its squares already, and is run once.
    """
    if network.window is not None:
        return reconstructed(network, picture, rng)
    height, width = picture.shape[1:]
    most = max(max(shift) for shift in _SHIFTS)
    wide = _mirrored(picture, most, most, most)
    total = torch.zeros_like(picture)
    for down, across in _SHIFTS:
        y, x = most - down, most - across
        made = reconstructed(network, wide[:, y : y + height + most, x : x + width + most], rng)
        total += made[:, down : down + height, across : across + width]
    return total / len(_SHIFTS)


@torch.inference_mode()
def reconstructed(
    network: ReconstructionNetwork, picture: torch.Tensor, rng: np.random.Generator, tile: int = _TILE
) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 -> the same shape, clamped; `network` is in evaluation mode.

    Sizes that the network does not take are mirrored at the right and lower edge. Tiles of `tile` pixels, a multiple
    of the network's, change the result by rounding alone. A network of one size sees the picture in squares of that
    size, which overlap by a quarter and are blended there.
    """
    if network.window is not None:
        return _in_windows(network, network.window, picture, rng)
    height, width = picture.shape[1:]
    device = next(network.parameters()).device
    below, right = ((-length) % network.multiple for length in (height, width))
    x = _mirrored(picture, below, right).to(device) * 2 - 1
    made = torch.empty_like(x)
    for y0, x0 in product(range(0, x.shape[1], tile), range(0, x.shape[2], tile)):
        y1, x1 = min(y0 + tile, x.shape[1]), min(x0 + tile, x.shape[2])
        top, left = max(0, y0 - network.reach), max(0, x0 - network.reach)
        part = network(x[None, :, top : y1 + network.reach, left : x1 + network.reach].contiguous(), rng).picture[0]
        made[:, y0:y1, x0:x1] = part[:, y0 - top : y1 - top, x0 - left : x1 - left]
    return made[:, :height, :width].add(1).div(2).clamp(0, 1).to(picture.device)


def _in_windows(
    network: ReconstructionNetwork, side: int, picture: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    height, width = picture.shape[1:]
    device = next(network.parameters()).device
    x = _mirrored(picture, max(0, side - height), max(0, side - width)).to(device) * 2 - 1
    ramp = torch.minimum(torch.arange(1, side + 1), torch.arange(side, 0, -1)).clamp_max(side // 4).float().to(device)
    weight = ramp[:, None] * ramp
    made, total = torch.zeros_like(x), torch.zeros_like(x[:1])
    for y, left in product(*(_starts(length, side) for length in x.shape[1:])):
        place = (slice(None), slice(y, y + side), slice(left, left + side))
        made[place] += weight * network(x[place][None].contiguous(), rng).picture[0]
        total[place] += weight
    return (made / total)[:, :height, :width].add(1).div(2).clamp(0, 1).to(picture.device)


def _starts(length: int, side: int) -> list[int]:
    """Of squares a quarter of which overlaps the next; the last one ends where the picture does."""
    return sorted({min(start, length - side) for start in range(0, length, side * 3 // 4)})


def _mirrored(picture: torch.Tensor, below: int, right: int, before: int = 0) -> torch.Tensor:
    """Longer by so many rows and columns, `before` of both above and at the left; pictures too small to be mirrored are
    repeated at their edge."""
    fits = max(below, before) < picture.shape[1] and max(right, before) < picture.shape[2]
    return F.pad(picture[None], (before, right, before, below), mode="reflect" if fits else "replicate")[0]

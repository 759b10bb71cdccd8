"""How far around it a pixel of a network's result sees, and in what steps tiles may begin: measured.

First by NaN, which whatever is computed of it becomes: the reach is the margin beyond which NaN is not seen. Networks
that see farther than is worth having, such as very deep ones, and those that compute with what they then leave out, are
measured by cutting: a part of a picture is computed alone, as tiles are, and compared with the same part of the whole.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count as numbers_from
from itertools import islice

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.networks.spec import next_multiple

FELT = 1e-5
"""Of full scale; what changes a pixel by less is not felt: it is less than a code value of 16 bit."""
LARGEST = 192
"""Pixels; with a reach of more, tiles are margin for the most part."""
_LADDER = (16, 24, 32, 48, 64, 96, 128, LARGEST)
_EXACT = 64
"""Pixels up to which all of the reach is taken, by NaN."""
_STEPS = (1, 16, 48)
"""Steps that are tried, times what the network is known to need: so windows of 2 to 16, and of 3, 6 and 12 fit."""
_ALL_STEPS = (48, 96, LARGEST)
"""Of the ladder, where all steps are tried, and an influence that has not halved from half of it to here counts as
endless; elsewhere the step that is known to be needed, since each try of a large network takes long."""
_PATCH = 16
"""Least side of what is looked at."""
_RING = 24
"""Least pixels that are cut off at each side."""

Runs = Callable[[torch.Tensor], torch.Tensor]
"""(B, channels, h, w) in 0..1 -> (B, channels, factor*h, factor*w)."""


@dataclass(frozen=True)
class Reach:
    """What was found, in pixels of the input."""

    reach: int
    multiple: int


@torch.inference_mode()
def measured_reach(network: Runs, factor: int, channels: int, *, multiple: int = 1, least: int = 0) -> Reach | float:
    """Reach and multiple of `network`; or, where the reach is beyond `LARGEST`, what is still felt, of full scale.

    multiple, least: what sizes must be multiples of, and their minimum.
    """
    felt = partial(_felt, network, factor, channels)
    steps = list(dict.fromkeys(math.lcm(multiple, step) for step in _STEPS))
    first = max(0, -(-(least - _PATCH) // 2))
    exact = _reach_of_nan(partial(_sees_nan, network, factor, channels, multiple), first, multiple)
    if exact is not None:
        for step in steps:
            reach = next_multiple(exact, step)
            if felt(reach, step) <= FELT:
                return Reach(reach, step)
    failed: dict[int, float] = {}
    for reach in (reach for reach in _LADDER if reach >= first):
        worst = math.inf
        for step in steps if reach in _ALL_STEPS else steps[:1]:
            error = felt(next_multiple(reach, step), step)
            if error <= FELT:
                return Reach(next_multiple(reach, step), step)
            worst = min(worst, error)
        failed[reach] = worst
        if reach in _ALL_STEPS and worst > failed.get(reach // 2, math.inf) / 2:
            break
    return worst


def _reach_of_nan(sees: Callable[[int], bool], low: int, step: int) -> int | None:
    """The least multiple of `step`, from `low` up, from beyond which nothing is seen; None if it is over `_EXACT`."""
    low, high = (next_multiple(reach, step) for reach in (low, max(low, _EXACT)))
    if sees(high):
        return None
    while low < high:
        middle = low + (high - low) // (2 * step) * step
        if sees(middle):
            low = middle + step
        else:
            high = middle
    return high


def _sees_nan(network: Runs, factor: int, channels: int, step: int, reach: int) -> bool:
    """Whether a patch sees any of what is more than `reach` pixels from it, wherever it lies in the picture."""
    patch, ring = next_multiple(_PATCH, step), next_multiple(_RING, step)
    side = patch + 2 * (reach + ring)
    picture = torch.full((1, channels, side, side), torch.nan)
    picture[..., ring : side - ring, ring : side - ring] = 0.5
    inner = slice(factor * (ring + reach), factor * (ring + reach + patch))
    return bool(network(picture)[..., inner, inner].isnan().any())


def _felt(network: Runs, factor: int, channels: int, reach: int, step: int) -> float:
    """What a patch, of which `reach` pixels to each side are known, departs by from the same patch of a whole.

    Of several pictures, one after the other, up to the first that departs by far more than `FELT`: most tries fail.
    """
    patch = next_multiple(_PATCH, step)
    known = patch + 2 * reach
    ring = max(_RING, reach // 2)
    above, left = (step * odd for odd in _odd(-(-ring // step), 2))
    below, right = (next_multiple(ring, step) + more for more in (0, step))
    part = (..., slice(above, above + known), slice(left, left + known))
    pictures, whole = _pictures(channels, above + known + below, left + known + right)
    y, x, r, side = (factor * size for size in (above + reach, left + reach, reach, patch))
    error = 0.0
    for picture, around in zip(torch.split(pictures, 1), torch.split(whole, 1), strict=True):
        alone = picture[part].clone()
        around[part] = alone
        sees, knows = network(around), network(alone)
        departs = float((sees[..., y : y + side, x : x + side] - knows[..., r : r + side, r : r + side]).abs().max())
        error = max(error, departs) if math.isfinite(departs) else math.inf
        if error > 10 * FELT:
            break
    return error


def _pictures(channels: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three pictures: noise, noise of all sizes, flat grey with a little noise; and what lies around them: white, black
    and white noise, white."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, channels, height, width, generator=generator)
    layers = [
        F.interpolate(
            torch.rand(1, channels, -(-height // cell), -(-width // cell), generator=generator), (height, width),
            mode="bilinear",
        )
        for cell in (2, 8, 32)
    ]  # fmt: skip
    white = torch.ones_like(noise)
    pictures = torch.cat((noise, torch.stack(layers).mean(0), 0.45 + 0.02 * noise))
    return pictures, torch.cat((white, torch.rand(noise.shape, generator=generator).round(), white))


def _odd(first: int, count: int) -> Iterator[int]:
    """So many numbers from `first` on that 2 and 3 do not divide: multiples of a step by them are those of no larger
    step that is twice or three times as large."""
    return islice((number for number in numbers_from(first) if number % 2 and number % 3), count)

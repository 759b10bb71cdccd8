"""Normal noise as a function of seed, level and position alone: tiles, batches, devices and restarts do not matter.

A counter-based generator: an integer hash of (seed, level, y, x) picks one of 65,536 quantiles of the normal
distribution. Integers and a table look-up give the same bits on every device.
"""

from functools import cache

import torch

_MASK = 2**32 - 1
_BITS = 16
"""Of the hash, for the table: values reach 4.2 standard deviations."""


def levels(factor: int) -> int:
    """Maps that a network takes which enlarges by `factor`: one at input size and at each size below the output's."""
    return max(1, factor.bit_length() - 1)


def normal(seed: int, level: int, y: int, x: int, height: int, width: int, device: torch.device) -> torch.Tensor:
    """(height, width) float32 of N(0, 1), from (y, x) on in the grid of `level`; positions may be negative."""
    rows = torch.arange(y, y + height, device=device)[:, None]
    columns = torch.arange(x, x + width, device=device)[None]
    start = _mixed(_mixed(seed & _MASK) ^ level)
    return _quantiles(device)[_mixed(_mixed((rows & _MASK) ^ start) ^ (columns & _MASK)) >> (32 - _BITS)]


def _mixed[T: (int, torch.Tensor)](x: T) -> T:
    """A hash of 32-bit numbers, in int64 where they are tensors: Wellons' hash-prospector, 21f0aaad 735a2d97.

    Both factors are below 2**31, so that products fit into int64.
    """
    x = (x ^ (x >> 16)) * 0x21F0AAAD & _MASK
    x = (x ^ (x >> 15)) * 0x735A2D97 & _MASK
    return x ^ (x >> 15)


@cache
@torch.inference_mode(False)
def _quantiles(device: torch.device) -> torch.Tensor:
    """Brought to a device once, as the taps of `ops.lanczos`."""
    shares = (torch.arange(2**_BITS, dtype=torch.float64) + 0.5) / 2**_BITS
    quantiles: torch.Tensor = torch.special.ndtri(shares)
    return quantiles.float().to(device)

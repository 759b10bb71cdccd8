"""Linear resampling: the down-scaler d of the paper (by two), the kernels that make LR, and Lanczos by 2, 4 and 8.

All are separable, phase-centred unless noted, normalised to sum 1, computed in float64 and applied in the
tensor's own type without clamping or rounding, so that d stays linear (paper eq. 10).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.ops.convolution import conv2d

Kernel = Literal["box", "triangle", "cubic", "lanczos"]
KERNELS: tuple[Kernel, ...] = ("box", "triangle", "cubic", "lanczos")
HALVE_RADIUS = 3
"""Pixels of d(SR) to each side that d sees of SR: its 12 taps on the 2x grid."""


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _cubic(x: float, a: float = -0.5) -> float:
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _lanczos3(x: float) -> float:
    return _sinc(x) * _sinc(x / 3) if abs(x) < 3 else 0.0


_PROFILES: dict[Kernel, tuple[Callable[[float], float], float]] = {
    "box": (lambda x: 1.0 if abs(x) < 0.5 else 0.0, 0.5),
    "triangle": (lambda x: max(0.0, 1 - abs(x)), 1.0),
    "cubic": (_cubic, 2.0),
    "lanczos": (_lanczos3, 3.0),
}


def half_taps(kernel: Kernel) -> torch.Tensor:
    """Taps of the antialiased kernel for scaling down by 2, float64, shape (taps,): 2, 4, 8 or 12 of them.

    Output sample i is centred at input position 2i + 0.5; tap t acts on input 2i + 1 - taps/2 + t. The triangle is
    [1 3 3 1]/8, "lanczos" is Lanczos-3.
    """
    profile, support = _PROFILES[kernel]
    count = int(4 * support)
    taps = torch.tensor([profile((t - (count - 1) / 2) / 2) for t in range(count)], dtype=torch.float64)
    return taps / taps.sum()


def halve(x: torch.Tensor, kernel: Kernel = "lanczos") -> torch.Tensor:
    """d(x): scale (B, C, H, W) down by 2 to (B, C, H//2, W//2), edges replicated; any float type, no clamp.

    H and W must be even.
    """
    if x.shape[-1] % 2 or x.shape[-2] % 2:
        raise ValueError(f"halve: expected even sizes, got {tuple(x.shape)}")
    taps = _half_taps_on(kernel, x.device, x.dtype)
    margin = len(taps) // 2 - 1
    channels = x.shape[1]
    x = F.pad(x, (margin, margin, margin, margin), mode="replicate") if margin else x
    x = conv2d(x, taps.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), stride=(1, 2), groups=channels)
    return conv2d(x, taps.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), stride=(2, 1), groups=channels)


@cache
@torch.inference_mode(False)
def _half_taps_on(kernel: Kernel, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """`half_taps`, brought to a device once: a copy from the host would wait for it, and cannot be captured."""
    return half_taps(kernel).to(dtype).to(device)


def enlarge_taps(factor: int, offset: float, kernel: Kernel = "lanczos") -> torch.Tensor:
    """(factor, 7) float64: a kernel's taps for scaling up; output factor*k + p sits at input k - offset + p/factor.

    Taps act on inputs k - 3 .. k + 3. `offset` (factor - 1)/(2*factor) is the phase-centred case; chroma planes with
    another siting have another (see `color`).
    """
    positions = [p / factor - offset for p in range(factor)]
    profile, _ = _PROFILES[kernel]
    taps = torch.tensor([[profile(at - t) for t in range(-3, 4)] for at in positions], dtype=torch.float64)
    return taps / taps.sum(1, keepdim=True)


def enlarge(
    x: torch.Tensor, factor: int, offset_x: float | None = None, offset_y: float | None = None, *,
    kernel: Kernel = "lanczos",
) -> torch.Tensor:  # fmt: skip
    """Scaling of (B, C, H, W) up to (B, C, factor*H, factor*W), edges replicated; any float type, no clamp.

    kernel: Lanczos-3, or "cubic" for the bicubic of a = -0.5. The offsets are those of `enlarge_taps` for the two
    directions; None: phase-centred.
    """
    batch, channels, height, width = x.shape
    centred = (factor - 1) / (2 * factor)
    across, down = (
        _enlarge_taps_on(factor, centred if offset is None else offset, kernel, x.device, x.dtype)
        for offset in (offset_x, offset_y)
    )
    x = F.pad(x, (3, 3, 3, 3), mode="replicate").reshape(batch * channels, 1, height + 6, width + 6)
    x = conv2d(x, across.view(factor, 1, 1, 7))  # (BC, factor, H + 6, W): the phases
    x = x.permute(0, 2, 3, 1).reshape(batch * channels, 1, height + 6, factor * width)
    x = conv2d(x, down.view(factor, 1, 7, 1))
    return x.permute(0, 2, 1, 3).reshape(batch, channels, factor * height, factor * width)


@cache
@torch.inference_mode(False)
def _enlarge_taps_on(
    factor: int, offset: float, kernel: Kernel, device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    """`enlarge_taps`, brought to a device once (see `_half_taps_on`)."""
    return enlarge_taps(factor, offset, kernel).to(dtype).to(device)

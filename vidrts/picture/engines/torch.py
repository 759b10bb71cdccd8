"""The residual branch in torch: on GPUs, and on a CPU where OpenVINO is not at hand."""

import copy

import torch

from vidrts.networks.rts import RTS
from vidrts.networks.upscaler import Upscaler
from vidrts.picture.convolution import settle


def frozen_copy[N: Upscaler](network: N, device: torch.device, dtype: torch.dtype) -> N:
    """A copy of `network` to compute with, on `device` in `dtype`, channels last; the caller's is not changed."""
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    copied.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return copied


class TorchEngine:
    """An `Engine` on any device, in any float type."""

    name = "torch"

    def __init__(self, network: RTS, device: torch.device, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._network = frozen_copy(network, device, dtype)
        settle(self._network)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See `Engine`."""
        return self._network.residual(x.to(self.dtype, memory_format=torch.channels_last)).float()

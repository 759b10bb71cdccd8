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


CENTRE = 0.5
"""Taken from every sample before the first convolution, whose bias makes up for it: half the size, half the rounding.
bf16 comes nearer to float64 by 4 dB (rts-r3), which costs no time."""


def centred_bias(network: RTS) -> torch.Tensor:
    """The bias of the first convolution for samples from which `CENTRE` is taken."""
    first = network.conv_in
    assert first.bias is not None
    return (first.bias.double() + CENTRE * first.weight.double().sum((1, 2, 3))).to(first.bias.dtype).detach()


class TorchEngine:
    """An `Engine` on any device, in any float type."""

    name = "torch"

    def __init__(self, network: RTS, device: torch.device, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._network = frozen_copy(network, device, dtype)
        assert self._network.conv_in.bias is not None
        self._network.conv_in.bias.copy_(centred_bias(network))
        settle(self._network)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See `Engine`."""
        centred = (x - CENTRE).to(self.dtype, memory_format=torch.channels_last)
        return self._network.residual(centred).float()

"""The residual branch in torch: on GPUs, and on a CPU where OpenVINO is not at hand."""

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.upscaler import ResidualUpscaler, Upscaler
from vidrts.ops.convolution import use_deterministic_convolution


def frozen_copy[N: Upscaler](network: N, device: torch.device, dtype: torch.dtype) -> N:
    """A copy of `network` to compute with, on `device` in `dtype`, channels last; the caller's is not changed."""
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    copied.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return copied


CENTRE = 0.5
"""Taken from every sample before the first convolution, whose bias makes up for it: half the size, half the rounding.
bf16 comes nearer to float64 by 4 dB (rts-r3), which costs no time."""


def centred_bias(network: ResidualUpscaler) -> torch.Tensor:
    """The bias of the first convolution for samples from which `CENTRE` is taken."""
    first = network.conv_in
    assert first.bias is not None
    return (first.bias.double() + CENTRE * first.weight.double().sum((1, 2, 3))).to(first.bias.dtype).detach()


class TorchEngine:
    """An `Engine` on any device, in any float type."""

    name = "torch"

    def __init__(self, network: ResidualUpscaler, device: torch.device, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._network = frozen_copy(network, device, dtype)
        assert self._network.conv_in.bias is not None
        self._network.conv_in.bias.copy_(centred_bias(network))
        use_deterministic_convolution(self._network)
        self._fused = device.type == "cuda" and self._fuses(device)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See `Engine`."""
        centred = (x - CENTRE).to(self.dtype, memory_format=torch.channels_last)
        return (self._by_cudnn(centred) if self._fused else self._network.residual(centred)).float()

    def _by_cudnn(self, x: torch.Tensor) -> torch.Tensor:
        """`residual` with bias, sum and ReLU within cuDNN's convolutions: two passes over each layer, not four.

        f is nowhere negative, so f + relu(conv(f)) is the greater of f and relu(f + conv(f)). (The relu(conv(f)) that
        torch has of cuDNN adds zero times memory that nobody has written to.)
        """
        network = self._network
        f = F.relu_(network.conv_in(x))
        for conv in network.layers:
            assert isinstance(conv, nn.Conv2d)
            g = torch.cudnn_convolution_add_relu(f, conv.weight, f, 1.0, conv.bias, (1, 1), (1, 1), (1, 1), 1)
            f = torch.maximum(f, g, out=g)
        out: torch.Tensor = network.conv_out(f)
        return out

    @torch.no_grad()
    def _fuses(self, device: torch.device) -> bool:
        """Whether cuDNN has such convolutions here, in this type, and comes to the same."""
        if self.dtype == torch.float32:
            return False  # it would take TF32
        ramp = torch.linspace(-CENTRE, CENTRE, 3 * 32 * 32, device=device).view(1, 3, 32, 32)
        x = ramp.to(self.dtype, memory_format=torch.channels_last)
        try:
            got, wanted = self._by_cudnn(x).float(), self._network.residual(x).float()
        except RuntimeError:
            return False
        return bool((got - wanted).abs().max() <= 0.05 * wanted.abs().max())

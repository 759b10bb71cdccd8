"""The residual branch in torch: on GPUs, and on a CPU where OpenVINO is not at hand."""

import copy
from typing import ClassVar

import torch

from vidrts.networks.network import BranchNetwork, Network
from vidrts.ops.convolution import use_deterministic_convolution
from vidrts.picture.engines.engine import CENTRE, Engine, centred_bias, computes_bf16
from vidrts.picture.options import EngineName, Precision


def frozen_copy[N: Network](network: N, device: torch.device, dtype: torch.dtype) -> N:
    """A copy of `network` to compute with, on `device` in `dtype`, channels last; the caller's is not changed."""
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    copied.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return copied


class TorchEngine(Engine):
    """On any device, in any float type."""

    name: ClassVar[EngineName] = "torch"
    title: ClassVar[str] = "torch"
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")

    def __init__(self, network: BranchNetwork, device: torch.device, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._network = frozen_copy(network, device, dtype)
        self._network.branch[0].bias.copy_(centred_bias(network.branch[0]))
        use_deterministic_convolution(self._network)
        self._fused = device.type == "cuda" and self._fuses(device)

    @classmethod
    def precisions(cls, device: torch.device) -> tuple[Precision, ...]:
        """Float types; not fp16 on a CPU, which computes it a thousand times slower."""
        return ("fp32", "bf16") if device.type == "cpu" else ("fp32", "bf16", "fp16")

    @classmethod
    def native(cls, device: torch.device) -> tuple[Precision, ...]:  # noqa: D102 - Engine's
        if device.type == "cpu":
            return ("bf16", "fp32") if computes_bf16(device) else ("fp32",)
        return ("bf16", "fp16") if computes_bf16(device) else ("fp16", "fp32")

    def residual(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - Engine's
        centred = (x - CENTRE).to(self.dtype, memory_format=torch.channels_last)
        return (self._by_cudnn(centred) if self._fused else self._network.residual(centred)).float()

    def _by_cudnn(self, x: torch.Tensor) -> torch.Tensor:
        """`residual` with bias, sum and ReLU within cuDNN's convolutions: two passes over each layer, not four.

        f is nowhere negative, so f + relu(conv(f)) is the greater of f and relu(f + conv(f)). (torch's fused
        relu(conv(f)) of cuDNN adds zero times uninitialised memory, which may be NaN.)
        """
        for layer in self._network.branch:
            if not layer.skip:
                x = layer(x, inplace=True)
                continue
            y = torch.cudnn_convolution_add_relu(x, layer.conv.weight, x, 1.0, layer.bias, (1, 1), (1, 1), (1, 1), 1)
            x = torch.maximum(x, y, out=y)
        return x

    @torch.no_grad()
    def _fuses(self, device: torch.device) -> bool:
        """Whether cuDNN has such convolutions here, in this type, and comes to the same."""
        if self.dtype == torch.float32:
            return False  # it would take TF32
        channels = self._network.branch[0].conv.in_channels
        ramp = torch.linspace(-CENTRE, CENTRE, channels * 32 * 32, device=device).view(1, channels, 32, 32)
        x = ramp.to(self.dtype, memory_format=torch.channels_last)
        try:
            got, expected = self._by_cudnn(x).float(), self._network.residual(x).float()
        except RuntimeError:
            return False
        return bool((got - expected).abs().max() <= 0.05 * expected.abs().max())


ENGINE = TorchEngine

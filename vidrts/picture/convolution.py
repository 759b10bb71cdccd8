"""2-D convolution that gives a pixel the same value whatever the size of the picture around it.

On a CPU torch chooses between its own kernels and oneDNN's by the size of the input, and the two differ in the last
bit; tiled would then not equal untiled. Here oneDNN is asked for by name wherever torch has it.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn


def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: int = 0) -> torch.Tensor:
    """(B, C, H, W) * (O, C, k, k) + (O,), stride 1, `padding` zeros at each side; any device and float type."""
    low = x.dtype in (torch.float32, torch.bfloat16)
    if x.device.type == "cpu" and low and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        out: torch.Tensor = torch.ops.aten.mkldnn_convolution(
            x, weight, bias, [padding, padding], [1, 1], [1, 1], 1
        )  # fmt: skip
        return out
    return F.conv2d(x, weight, bias, padding=padding)


class _Convolution(nn.Conv2d):
    """An nn.Conv2d of stride 1 that computes with `convolve`."""

    def _conv_forward(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        assert isinstance(self.padding, tuple)
        return convolve(x, weight, bias, self.padding[0])


def settle(network: nn.Module) -> None:
    """Make every convolution of `network` compute with `convolve`; the weights stay as they are."""
    for module in network.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = _Convolution

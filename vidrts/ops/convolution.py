"""2-D convolution that gives a pixel the same value whatever the size of the picture around it.

On a CPU torch chooses between its own kernels and oneDNN's by the size of the input, and the two differ in the last
bit; tiled would then not equal untiled. Here oneDNN is asked for by name wherever torch has it. On a GPU float32 means
float32: torch lets cuDNN round what it multiplies to TF32, 10 bits, which the picture itself would go through in the
tail.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    padding: int | tuple[int, int] = 0,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> torch.Tensor:
    """(B, C, H, W) * (O, C / groups, kh, kw) + (O,), `padding` zeros at each side, or (above and below, left and
    right); any device and float type."""
    zeros = (padding, padding) if isinstance(padding, int) else padding
    if x.device.type == "cpu" and _has_onednn(x.dtype):
        out: torch.Tensor = torch.ops.aten.mkldnn_convolution(
            x, weight, bias, list(zeros), list(stride), list(dilation), groups
        )  # fmt: skip
        return out
    return conv2d(x, weight, bias, stride, zeros, dilation, groups)


def conv2d(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0), dilation: tuple[int, int] = (1, 1), groups: int = 1,
) -> torch.Tensor:  # fmt: skip
    """`F.conv2d`, whose float32 is float32 on a GPU, too, whatever the process's flags are."""
    if x.device.type != "cuda":
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    out: torch.Tensor = torch.ops.aten._convolution(
        x, weight, bias, stride, padding, dilation, False, [0, 0], groups, benchmark=False,
        deterministic=False, cudnn_enabled=True, allow_tf32=False,
    )  # fmt: skip
    return out


def _has_onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN computes this type here; bf16 it takes only where the processor has AVX-512 at least."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def exact_on_gpus() -> Iterator[None]:
    """Meanwhile no convolution of this process rounds float32 to TF32: for training, since `convolve` has no gradients.

    Bf16 is not touched.
    """
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = convolutions.fp32_precision
    convolutions.fp32_precision = "ieee"
    try:
        yield
    finally:
        convolutions.fp32_precision = before


class _Convolution(nn.Conv2d):
    """An nn.Conv2d that computes with `convolve`."""

    def _conv_forward(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        (rows, columns), (down, across) = self.stride, self.dilation
        padding = (0, 0)
        if self.padding_mode != "zeros" or isinstance(self.padding, str):
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x = F.pad(x, self._reversed_padding_repeated_twice, mode)
        else:
            padding = (self.padding[0], self.padding[1])
        return convolve(
            x, weight, bias, padding, stride=(rows, columns), dilation=(down, across), groups=self.groups
        )  # fmt: skip


def use_deterministic_convolution(network: nn.Module) -> None:
    """Make every convolution of `network` compute with `convolve`; the weights stay as they are."""
    for module in network.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = _Convolution

"""The folded tail: 3x3 extension, pixel shuffle and Lanczos d as one 9x9 convolution 3 -> 3 at input size.

d(SR(x)) = d(shuffle(conv_ext(b))) is linear in b, so its kernel is computed once, in float64, and the 2x picture never
exists. d has 12 taps on the 2x grid, which is input pixels i-3 .. i+3, and the extension adds one.
Luma is linear, too: where only luma is needed, it is a convolution 3 -> 1.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import LUMA
from vidrts.ops.blocks import block_for, by_blocks, woven
from vidrts.ops.convolution import convolve
from vidrts.ops.lanczos import half_taps

TAIL_RADIUS = 4
"""Input pixels to each side that d(extend(b)) sees: 3 for the 12 taps of d, 1 for the 3x3 extension."""


def fold(conv_ext: nn.Conv2d) -> tuple[torch.Tensor, torch.Tensor]:
    """(weight (3, 3, 9, 9), bias (3,)) in float64 of the map b -> d(pixel_shuffle(conv_ext(b), 2)).

    As a convolution without padding: given b with `TAIL_RADIUS` pixels more on each side it yields d(SR)."""
    extension = conv_ext.weight.detach().to("cpu", torch.float64)  # (12, 3, 3, 3); channel 4c + 2*row + column
    assert conv_ext.bias is not None
    taps = half_taps("lanczos")
    first = 1 - len(taps) // 2  # 2x sample of tap 0, relative to 2i
    weight = torch.zeros(3, 3, 2 * TAIL_RADIUS + 1, 2 * TAIL_RADIUS + 1, dtype=torch.float64)
    for ty, tap_y in enumerate(taps):
        pixel_y, row = divmod(first + ty, 2)
        top = TAIL_RADIUS + pixel_y - 1
        for tx, tap_x in enumerate(taps):
            pixel_x, column = divmod(first + tx, 2)
            left = TAIL_RADIUS + pixel_x - 1
            phase = extension[2 * row + column :: 4]  # (3 out, 3 in, 3, 3)
            weight[:, :, top : top + 3, left : left + 3] += tap_y * tap_x * phase
    # The taps of d sum to 1, so each colour's bias is the mean of its four phases weighted by their taps.
    even, odd = taps[1::2].sum(), taps[0::2].sum()  # tap 0 falls on an odd sample of the 2x grid
    phase_weight = torch.stack((even * even, even * odd, odd * even, odd * odd))
    bias = (conv_ext.bias.detach().to("cpu", torch.float64).view(3, 4) * phase_weight).sum(dim=1)
    return weight, bias


def of_luma(weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The convolution that gives the BT.709 luma of one that gives R', G' and B' (each in turn, all its phases)."""
    of_rgb = weight.new_tensor(LUMA)
    phases = bias.view(3, -1).shape[1]
    return torch.einsum("c,cpihw->pihw", of_rgb, weight.view(3, phases, *weight.shape[1:])), of_rgb @ bias.view(3, -1)


def tail_weights(conv_ext: nn.Conv2d, scale: int, *, luma: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias in float64 of the one convolution from b to d(SR) at scale 1, to SR's four phases at scale 2.

    `luma`: of the result the BT.709 luma alone.
    """
    assert conv_ext.bias is not None
    if scale == 1:
        weight, bias = fold(conv_ext)
    else:
        weight, bias = conv_ext.weight.detach().double(), conv_ext.bias.detach().double()
    return of_luma(weight, bias) if luma else (weight, bias)


def tail_halo(scale: int) -> int:
    """Input pixels to each side that the tail sees."""
    return TAIL_RADIUS if scale == 1 else 1


class Tail:
    """b, with `halo` more pixels on each side -> d(SR) at scale 1, SR at scale 2: one convolution in float32.

    `luma`: of the result the BT.709 luma alone, (B, 1, H, W).
    """

    def __init__(self, conv_ext: nn.Conv2d, device: torch.device, scale: int = 1, *, luma: bool = False) -> None:
        weight, bias = tail_weights(conv_ext, scale, luma=luma)
        self.scale = scale
        self.halo = tail_halo(scale)
        self.layout = torch.contiguous_format if device.type == "cpu" else torch.channels_last
        self._block = block_for(weight.shape[0])
        weight, bias = by_blocks(weight, bias, self._block)
        self._weight = weight.to(device, torch.float32, memory_format=self.layout)
        self._bias = bias.to(device, torch.float32)

    def __call__(self, b: torch.Tensor) -> torch.Tensor:
        """See the class."""
        height, width = (size - 2 * self.halo for size in b.shape[-2:])
        rows, columns = self._block
        if height % rows or width % columns:
            b = F.pad(b, (0, -width % columns, 0, -height % rows))
        b = b.contiguous(memory_format=self.layout)
        y = convolve(b, self._weight, self._bias, stride=self._block)
        y = woven(y, self._block)[..., :height, :width]
        return (y if self.scale == 1 else F.pixel_shuffle(y, 2)).contiguous()

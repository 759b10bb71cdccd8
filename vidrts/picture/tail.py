"""The folded tail: 3x3 extension, pixel shuffle and Lanczos d as one 9x9 convolution 3 -> 3 at input size.

d(SR(x)) = d(shuffle(conv_ext(b))) is linear in b, so its kernel is computed once, in float64, and the 2x picture never
exists (DESIGN section 3). d has 12 taps on the 2x grid, which is input pixels i-3 .. i+3, and the extension adds one.
"""

import torch
from torch import nn

from vidrts.picture.lanczos import half_taps

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

"""RTS-n, the paper's network: a residual at input size, then a learned linear 2x extension.

    f0 = relu(conv_in(x));  f_i = f_{i-1} + relu(conv_i(f_{i-1})), i = 1..n;  b = x + conv_out(f_n)
    SR(x) = pixel_shuffle(conv_ext(b), 2)

With `luma_input`, which the paper's has not, x is luma three times, and of SR(x) luma alone counts. Then b need not
keep colours: its three channels are free to hold detail of three kinds, from which the extension makes four pixels.

b, the paper's "blue layer", is not the enhanced picture: no loss acts on it, and it drifts. Validation
measures how far (`training.validation`).
"""

from dataclasses import dataclass

import torch
from torch import nn

from vidrts.networks.blur_level import BlurLevel
from vidrts.networks.network import Layer, ResidualNetwork


@dataclass(frozen=True, kw_only=True)
class RTSConfig:
    """The numbers from which an RTS network is built."""

    n: int = 3
    """Residual layers, one 3x3 convolution each; the paper has 1, 3 and 6."""
    channels: int = 64
    """Width of the inner layers; the paper has 64, rts-lite 16."""
    blur_level: int = 0
    """1: the input is luma, conditioned on the picture's blur level (`networks.blur_level`); the paper's is not."""
    luma_input: int = 0
    """1: the input is luma; see above."""

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 64 or not 1 <= self.channels <= 1024:
            raise ValueError(f"RTS: expected n in 1..64 and channels in 1..1024, got {self.n} and {self.channels}")
        if self.blur_level not in (0, 1):
            raise ValueError(f"RTS: expected a blur_level of 0 or 1, got {self.blur_level}")
        if self.luma_input not in (0, 1) or (self.luma_input and self.blur_level):
            raise ValueError(f"RTS: expected a luma_input of 0, or 1 without blur_level, got {self.luma_input}")


class RTS(ResidualNetwork):
    """SR: (B, 3, h, w) R'G'B' in 0..1 -> (B, 3, 2h, 2w), not clamped. Zero padding, as in training.

    40,787 / 114,643 / 225,427 parameters for n = 1, 3, 6 with 64 channels.
    """

    def __init__(self, config: RTSConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.conv_in = nn.Conv2d(3, c, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(config.n))
        self.conv_out = nn.Conv2d(c, 3, 3, padding=1)
        self.conv_ext = nn.Conv2d(3, 12, 3, padding=1)
        inner = (Layer(conv, relu=True, skip=True) for conv in self.layers if isinstance(conv, nn.Conv2d))
        self.luma_input = bool(config.luma_input)
        self.branch = (Layer(self.conv_in, relu=True), *inner, Layer(self.conv_out))
        self._initialise_branch()
        self._initialise_extension()
        self.blur_level = BlurLevel() if config.blur_level else None

    def _initialise_extension(self) -> None:
        """One that repeats each pixel four times.

        With `luma_input` the second channel's and the third's departure from the first is the difference of columns
        and of rows: Haar's bands, whose diagonal one is left to the extension's 3x3 pixels.
        """
        assert self.conv_ext.bias is not None
        nn.init.zeros_(self.conv_ext.weight)
        nn.init.zeros_(self.conv_ext.bias)
        for phase in range(12):
            taps = self.conv_ext.weight.data[phase, :, 1, 1]
            if self.luma_input:
                column, row = 1.0 - 2 * (phase % 2), 1.0 - 2 * (phase % 4 // 2)
                taps.copy_(torch.tensor([1 - column - row, column, row]))
            else:
                taps[phase // 4] = 1.0

"""Live, for players on a laptop's CPU: luma at its own size, of a network that works on folded pixels.

    y = luma of x;  z = pixel_unshuffle(x, fold);  f0 = relu(conv_in(z));  f_i = f_{i-1} + relu(conv_i(f_{i-1}))
    c0, c1, c2 = conv_out(f_n);  Live(x) = y + pixel_shuffle(c0 + a*c1 + b*c2, fold), a and b the blur levels of x

Each convolution serves fold * fold pixels, as in FFDNet (arXiv 1710.04026); nothing is enlarged, so that there is no
tail. What a network of RTS learns from LR it cannot: it is trained on same-size pairs, and on what a larger one makes.
Small layers hardly learn to multiply; with the blur levels as factors they gain 0.39 dB on held-out pairs after 8,000
steps, with the levels as inputs alone 0.31.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import luma
from vidrts.networks.blur_level import BlurLevel, levels_of
from vidrts.networks.network import BranchNetwork, Layer
from vidrts.networks.spec import Context, NetworkSpec


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    """The numbers from which a Live network is built."""

    fold: int = 2
    """Pixels of each side of a square that become one, with so many times as many channels."""
    channels: int = 24
    """Width of the inner layers."""
    n: int = 3
    """Residual layers, one 3x3 convolution each."""
    blur_level: int = 1
    """1: conditioned on the picture's blur level (`networks.blur_level`)."""

    def __post_init__(self) -> None:
        if not 1 <= self.fold <= 8 or not 1 <= self.n <= 64 or not 1 <= self.channels <= 1024:
            raise ValueError(
                "Live: expected a fold of 1..8, n of 1..64 and channels of 1..1024, got "
                f"{self.fold}, {self.n} and {self.channels}"
            )
        if self.blur_level not in (0, 1):
            raise ValueError(f"Live: expected a blur_level of 0 or 1, got {self.blur_level}")


class Live(BranchNetwork):
    """(B, 3, h, w) -> the same size, not clamped; luma alone means something. Zero padding, as in training.

    h and w are multiples of `fold`. Input and result are R'G'B', or of blur levels what `Network.prepared` makes.
    """

    def __init__(self, config: LiveConfig) -> None:
        super().__init__()
        self.config = config
        self.fold, c = config.fold, config.channels
        folded = config.fold * config.fold
        self.conv_in = nn.Conv2d(3 * folded, c, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(config.n))
        self._terms = 3 if config.blur_level else 1
        self.conv_out = nn.Conv2d(c, self._terms * folded, 3, padding=1)
        inner = (Layer(conv, relu=True, skip=True) for conv in self.layers if isinstance(conv, nn.Conv2d))
        self.branch = (Layer(self.conv_in, relu=True), *inner, Layer(self.conv_out))
        self.luma_input = not config.blur_level
        self._initialise_branch()
        self.blur_level = BlurLevel() if config.blur_level else None

    @property
    def spec(self) -> NetworkSpec:
        """The same size; a pixel sees as many folded pixels as there are layers, whole ones."""
        return NetworkSpec(reach={1: self.fold * len(self.branch) + self.fold - 1}, multiple=self.fold)

    def folded(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3 * fold**2, h / fold, w / fold)."""
        return F.pixel_unshuffle(x, self.fold)

    def with_change(self, x: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """Luma of x, and the branch's result unfolded: (B, 1, h, w)."""
        first, *others = change.to(x.dtype).chunk(self._terms, dim=1)
        if others:
            for level, term in zip(levels_of(x).T, others, strict=True):
                first = first + level[:, None, None, None] * term
        return luma(x)[:, None] + F.pixel_shuffle(first, self.fold)

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """See the class: luma in each channel. Under autocast the residual alone runs in low precision."""
        return self.with_change(x, self.residual(self.folded(x))).expand(-1, 3, -1, -1)

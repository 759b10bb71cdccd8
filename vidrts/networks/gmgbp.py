"""G-MGBP, multi-grid back-projection with a noise input (Navarrete Michelini, Zhu and Liu, "Multi-Scale Recursive and
Perception-Distortion Controllable Image Super-Resolution", arXiv:1809.10711), as the authors' code has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.networks.dense_blocks import Analysis, BiasReLU, Downscale, FilterBlock, Synthesis
from vidrts.networks.network import Network
from vidrts.networks.spec import Context, NetworkSpec
from vidrts.ops.lanczos import half_taps

_FELT = 10
"""Input pixels from a border that losses leave out: what lies farther changes a result by less than a code value."""
REACH = {2: 38, 4: 48, 8: 64}
"""Factor -> input pixels that an output pixel depends on, with up to two back-projections. At 2x that is all. At 4x it
is all but what changes a result by less than 1e-6, float32's rounding (85 pixels; measured with the authors' weights);
at 8x (172 pixels) the same is assumed."""


@dataclass(frozen=True, kw_only=True)
class GMGBPConfig:
    """The paper's network has 48 features, a growth of 16 and two back-projections at each level."""

    features: int = 48
    growth: int = 16
    projections: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.features <= 512 or not 1 <= self.growth <= 256 or not 1 <= self.projections <= 2:
            raise ValueError(
                f"expected features in 1..512, growth in 1..256, projections in 1..2; got {self.features}, "
                f"{self.growth} and {self.projections}"
            )


class ClassicUpscale(nn.Module):
    """A learned linear enlargement by 2, the same for all levels; in the beginning bicubic (a = -0.5)."""

    def __init__(self) -> None:
        super().__init__()
        taps = torch.zeros(9, dtype=torch.float64)
        taps[1:] = half_taps("cubic")
        self.weight = nn.Parameter(torch.outer(taps, taps).float().expand(3, 1, 9, 9).clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, 2h, 2w)."""
        x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv_transpose2d(x, 4 * self.weight, stride=2, groups=3)[..., 6:-5, 6:-5]


class Upscale(nn.Module):
    """Features at twice the size, of those of a level, of an update to them and of the level's noise."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        seen = 2 * features + 1
        self.block = FilterBlock(seen, growth, 3)
        self.relu = BiasReLU(seen)
        self.conv = nn.ConvTranspose2d(seen, features, 3, stride=2, padding=1, output_padding=1, bias=False)

    def forward(self, features: torch.Tensor, update: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) twice and (B, 1, h, w) -> (B, C, 2h, 2w)."""
        y: torch.Tensor = self.conv(self.relu(self.block(torch.cat((features, update, noise.to(features.dtype)), 1))))
        return y


class GMGBP(Network):
    """One set of weights for 2x, 4x and 8x. 281,084 parameters with 48 features. No noise in the context is W = 0."""

    def __init__(self, config: GMGBPConfig) -> None:
        super().__init__()
        features, growth = config.features, config.growth
        self.projections = config.projections
        self.enlarge = ClassicUpscale()
        self.analysis = Analysis(3, features, growth)
        self.up = Upscale(features, growth)
        self.down = Downscale(features, growth)
        self.synthesis = Synthesis(features, 3, growth)
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """Begin near bicubic, and with little heed to noise: else training diverges in its first steps."""
        self.synthesis.conv.weight.normal_(std=1e-3)
        assert self.synthesis.conv.bias is not None
        self.synthesis.conv.bias.zero_()
        noise = 2 * len(self.synthesis.relu.bias)
        for name, weight in self.up.block.named_parameters():
            if name.endswith(("conv1.weight", "conv.weight")):
                weight[:, noise] *= 0.01

    @property
    def spec(self) -> NetworkSpec:
        """Takes noise; enlarges by 2, 4 and 8."""
        return NetworkSpec(reach=REACH, noise=True)

    @property
    def padded_reach(self) -> int:
        """`_FELT` pixels: all of the reach would leave nothing of a patch."""
        return _FELT

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x), (B, 3, h, w) -> (B, 3, factor*h, factor*w). Under autocast the pictures stay in x's type."""
        return self.pyramid(x, context)[-1]

    def pyramid(self, x: torch.Tensor, context: Context | None = None) -> list[torch.Tensor]:
        """SR(x) of all levels on the way: 2, 4, ... times the size of x."""
        context = context or Context()
        levels = context.factor.bit_length() - 1
        batch, _, height, width = x.shape
        noise = context.noise or tuple(x.new_zeros(batch, 1, height << k, width << k) for k in range(levels))
        features = [self.analysis(x)]
        picture: torch.Tensor = x + self.synthesis(features[0]).to(x.dtype)
        pictures = []
        for level in range(1, levels + 1):
            with torch.autocast(x.device.type, enabled=False):
                picture = self.enlarge(picture)
            u = self.up(features[-1], self.down(self.analysis(picture)), noise[level - 1])
            features.append(self._projected(u, level, features, noise))
            picture = picture + self.synthesis(features[level]).to(x.dtype)
            pictures.append(picture)
        return pictures

    def _projected(
        self, u: torch.Tensor, level: int, features: Sequence[torch.Tensor], noise: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Features `u` of a level, corrected by what they give of the levels below."""
        if level == 0:
            return u
        for _ in range(self.projections):
            down = self._projected(self.down(u), level - 1, features, noise)
            u = u + self.up(features[level - 1], down, noise[level - 1])
        return u

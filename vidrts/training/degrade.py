"""How LR is made from HR0: scaling down by 2 with a kernel, then the traces of a codec.

The kernel decides whether the result becomes sharper at all (specs/RTS.md section 14): the antialiased triangle is the
default. JPEG comes after scaling, so that blocks and ringing have the size in LR that they have in real video.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from vidrts.errors import OptionError
from vidrts.picture.lanczos import KERNELS, Kernel, halve


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """LR = jpeg(round(halve(HR, kernel))), drawn anew for each crop from the crop's own seed."""

    kernel: Kernel = "triangle"
    jpeg: tuple[int, int] | None = (30, 95)
    """Range of JPEG qualities, both ends included, drawn uniformly; None for no JPEG."""

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise OptionError(f"degradation kernel {self.kernel!r}: wanted one of {', '.join(KERNELS)}")
        if self.jpeg is not None and not 1 <= self.jpeg[0] <= self.jpeg[1] <= 100:
            raise OptionError(f"JPEG quality range {self.jpeg}: wanted 1 <= low <= high <= 100")

    def __str__(self) -> str:
        codec = f", then JPEG {self.jpeg[0]}-{self.jpeg[1]} 4:2:0 at LR size" if self.jpeg else ""
        return f"antialiased {self.kernel} /2{codec}"

    def __call__(self, crop: torch.Tensor, seed: int) -> torch.Tensor:
        """(3, 2h, 2w) uint8 R'G'B' -> (3, h, w) uint8; the same seed gives the same LR in every stage."""
        small = halve(crop[None].float(), self.kernel).round_().clamp_(0, 255).to(torch.uint8)[0]
        if self.jpeg is None:
            return small
        quality = int(np.random.default_rng(seed).integers(self.jpeg[0], self.jpeg[1] + 1))
        return jpeg(small, quality)


PRESETS: Mapping[str, Degradation] = {
    "video": Degradation(),
    "clean": Degradation(jpeg=None),
}
"""Name -> degradation: what `vidrts train --degrade` takes."""


def jpeg(picture: torch.Tensor, quality: int) -> torch.Tensor:
    """(3, h, w) uint8 -> the same after JPEG of `quality` with 4:2:0 chroma, by Pillow (libjpeg)."""
    buffer = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=quality, subsampling=2)
    buffer.seek(0)
    with Image.open(buffer) as decoded:
        return torch.from_numpy(np.array(decoded)).permute(2, 0, 1).contiguous()

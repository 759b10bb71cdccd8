"""How blurred a whole picture is, from its luma: what a network with a small field of view cannot see for itself.

A smooth place may be a sharp picture of something smooth, or a blurred one of something else; thirteen pixels do not
tell. So a network may be conditioned on the blur level of the whole picture, as FFDNet (arXiv 1710.04026) is on that of
noise and SRMD (arXiv 1712.06116) on the kernel. There are two levels: the share of the detail in each of two bands that
blur took, 0 for none, 1 for all. A Gaussian of a sigma of 0.8 pixels has 0.28 and 0.54, one of 1 pixel 0.40 and 0.70,
enlarging by 2 about 0.25 and 0.70: it leaves more of what is coarse.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import LUMA, luma

BANDS = ((0.1, 0.2), (0.2, 0.3))
"""Cycles per pixel, in any direction."""
MOST = (0.3, 0.5)
"""Near what a Gaussian of a sigma of 0.8 has. What seems more blurred may have been enlarged, or be smooth, and
sharpened for such a blur would get worse than it was; what really is more blurred gains less than it could."""
_WINDOW = 160
"""Side in pixels of the windows that are looked at."""
_WINDOWS = 4
"""Of them along each axis of a picture that is larger than these: at 1080p a fifth of its pixels."""
_OFFSET = 0.5
"""What a level of 1 adds to G' for the first band and to B' for the second."""


class BlurLevel(nn.Module):
    """Estimates the blur levels of pictures: local judgements, the more certain ones counting more.

    A judgement sees 17x17 pixels, so that the estimate does not depend on what a picture shows elsewhere, nor on its
    size.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList((
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.Conv2d(16, 24, 3, stride=2, padding=1),
            nn.Conv2d(24, 24, 3, stride=2, padding=1),
        ))  # fmt: skip
        self.judge = nn.Conv2d(24, len(BANDS) + 1, 1)

    def forward(self, luma: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) in 0..1 -> (B, 2): each picture's levels, about 0..1."""
        return _pooled(self._judged(luma)).T

    def of_pictures(self, luma: torch.Tensor) -> torch.Tensor:
        """The same, by evenly spread windows of a picture that is large; each picture alone, whatever stands beside it.

        Never below 0 nor above `MOST`.
        """
        levels = torch.stack([_pooled(self._judged(windows(picture)).flatten(1)) for picture in luma])
        # Numbers, no tensor of them: where a GPU's work is captured nothing may come from the host.
        return torch.stack([levels[:, band].clamp(0, most) for band, most in enumerate(MOST)], dim=1)

    @torch.no_grad()
    def scale_and_shift(self, band: int, scale: float, shift: float) -> None:
        """Make each estimate of a band `scale` times what it was, and `shift` more."""
        assert self.judge.bias is not None
        self.judge.weight[band] *= scale
        self.judge.bias[band] = scale * self.judge.bias[band] + shift

    def _judged(self, luma: torch.Tensor) -> torch.Tensor:
        """(3, B, N): of N places the levels, and how much they count."""
        x = luma - 0.5
        for conv in self.convs:
            x = F.relu(conv(x))
        judged: torch.Tensor = self.judge(x)
        return judged.flatten(2).transpose(0, 1)


def _pooled(judged: torch.Tensor) -> torch.Tensor:
    """(3, ..., N) -> (2, ...): the mean levels of N places."""
    return (judged[:-1] * judged[-1].softmax(-1)).sum(-1)


def windows(luma: torch.Tensor) -> torch.Tensor:
    """(1, H, W) -> (N, 1, h, w): evenly spread windows, the whole picture where it has no more pixels than they."""
    rows, columns = (_starts(side) for side in luma.shape[1:])
    height, width = (min(side, _WINDOW) if len(starts) > 1 else side for side, starts in
                     zip(luma.shape[1:], (rows, columns), strict=True))  # fmt: skip
    return torch.stack([luma[:, y : y + height, x : x + width] for y in rows for x in columns])


def _starts(side: int) -> list[int]:
    if side <= _WINDOW * _WINDOWS:
        return [0]
    return [round(k * (side - _WINDOW) / (_WINDOWS - 1)) for k in range(_WINDOWS)]


def conditioned(pictures: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """What a network that is told the blur levels is given: luma three times, G' and B' above it by the levels.

    pictures: (B, 3, H, W) R'G'B'; levels: (B, 2). R' is so far below that the result's luma is the pictures'.
    """
    red, green, blue = LUMA
    y = luma(pictures)[:, None]
    first, second = (_OFFSET * levels[:, band, None, None, None] for band in range(len(BANDS)))
    return torch.cat((y - (green / red * first + blue / red * second), y + first, y + second), dim=1)

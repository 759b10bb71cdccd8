"""How blurred a picture is, from its luma: what a network with a small field of view cannot see for itself.

A smooth area may be a sharp picture of something smooth, or a blurred one of something else; thirteen pixels cannot
tell. So a network may be conditioned on the blur level of the whole picture, as FFDNet (arXiv 1710.04026) is on that of
noise and SRMD (arXiv 1712.06116) on the kernel. There are two levels: the share of the detail in each of two bands that
blur took, 0 for none, 1 for all. A Gaussian of a sigma of 0.8 pixels has 0.28 and 0.54, one of 1 pixel 0.40 and 0.70,
enlarging by 2 about 0.25 and 0.70: it leaves more of what is coarse.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import LUMA, luma

BANDS = ((0.1, 0.2), (0.2, 0.3))
"""Cycles per pixel, in any direction."""
MOST = (0.3, 0.5)
"""Near what a Gaussian of a sigma of 0.8 has. What seems more blurred may have been enlarged, or be smooth, and
sharpened for such a blur would get worse than it was; what really is more blurred gains less than it could."""
_WINDOW = 112
"""Side in pixels of the windows that are looked at."""
_WINDOWS = 4
"""Of them along each axis of a picture that is larger than these: at 1080p a tenth of its pixels."""
WINDOWED = _WINDOW * _WINDOWS
"""Pixels of a side beyond which windows of a picture are looked at."""
_FREQUENCIES = (0.06, 0.11, 0.17, 0.24, 0.32, 0.42)
"""Of the patterns at first, in cycles per pixel."""
_CELL = 8
"""Side of the areas that a judgement starts from, every second pixel counted."""
_NOTHING = 1e-6
"""Added to what there is of a pattern: a fifteenth of the square of a code value."""
_LEAST = 40
"""Pixels at each side that a judgement needs; a smaller picture is made larger by repeating its last row and column."""
_HIDDEN = 48
_OFFSET = 0.5
"""What a level of 1 adds to G' for the first band and to B' for the second."""


class BlurLevel(nn.Module):
    """Estimates the blur levels of pictures: local judgements, the more certain ones counting more.

    A judgement rests on how much there is of each of 24 patterns, stripes of six widths in four directions at first,
    in 40x40 pixels, in the mean and at most; so it does not depend on brightness, and on contrast little. It sees no
    more than that, so that the estimate does not depend on what a picture shows elsewhere, nor on its size.
    """

    def __init__(self) -> None:
        super().__init__()
        patterns = _stripes()
        self.patterns = nn.Parameter(patterns)
        self.mixed = nn.Conv2d(2 * len(patterns), _HIDDEN, 1)
        self.again = nn.Conv2d(_HIDDEN, _HIDDEN, 1)
        self.near = nn.Conv2d(_HIDDEN, _HIDDEN, 3)
        self.judge = nn.Conv2d(_HIDDEN, len(BANDS) + 1, 1)

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

    def _judged(self, luma: torch.Tensor) -> torch.Tensor:
        """(3, B, N): of N places the levels, and how much they count."""
        missing = [max(0, _LEAST - side) for side in luma.shape[-2:]]
        if any(missing):
            luma = F.pad(luma, (0, missing[1], 0, missing[0]), mode="replicate")
        without_mean = self.patterns - self.patterns.mean((2, 3), keepdim=True)
        energy = F.conv2d(luma, without_mean, stride=2).contiguous(memory_format=torch.channels_last).square()
        half = _CELL // 2  # in two steps and channels last pooling takes a tenth of the time
        mean = F.avg_pool2d(F.avg_pool2d(energy, half), 2, 1)
        most = F.max_pool2d(F.max_pool2d(energy, half), 2, 1)
        x = F.relu(self.mixed((torch.log(torch.cat((mean, most), dim=1) + _NOTHING) + 11) / 4))  # about -1..1
        x = x + F.relu(self.again(x))
        x = x[..., 1:-1, 1:-1] + F.relu(self.near(x))
        judged: torch.Tensor = self.judge(x)
        return judged.flatten(2).transpose(0, 1)


def _stripes() -> torch.Tensor:
    """(24, 1, 9, 9): Gabor filters of norm 1, odd ones for coarse stripes, even ones for fine."""
    y, x = torch.meshgrid(torch.arange(-4.0, 5), torch.arange(-4.0, 5), indexing="ij")
    found = []
    for frequency in _FREQUENCIES:
        around = torch.exp(-(x.square() + y.square()) / (2 * min(2, 0.38 / frequency) ** 2))
        for angle in (0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4):
            phase = 2 * math.pi * frequency * (x * math.cos(angle) + y * math.sin(angle))
            if frequency < 0.2:
                one = torch.sin(phase) * around
            else:
                one = torch.cos(phase) * around
                one = one - around * (one.sum() / around.sum())
            found.append(one / one.norm())
    return torch.stack(found)[:, None]


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
    return [0] if side <= WINDOWED else _spread(side)


def _spread(side: int) -> list[int]:
    """Where windows begin, as near to even as whole pixels are; of a graph's sides, which have no number yet, too."""
    return [(2 * k * (side - _WINDOW) + _WINDOWS - 1) // (2 * (_WINDOWS - 1)) for k in range(_WINDOWS)]


def estimated(estimator: BlurLevel, luma: torch.Tensor) -> torch.Tensor:
    """`estimator.of_pictures` as a graph for any size beyond `WINDOWED` pixels a side: (B, 1, H, W) -> (B, 2)."""
    rows, columns = map(_spread, luma.shape[-2:])
    cut = [luma[..., y : y + _WINDOW, x : x + _WINDOW] for y in rows for x in columns]
    judged = estimator._judged(torch.cat(cut))  # (3, windows * B, N)
    of_picture = judged.view(len(judged), len(cut), -1, judged.shape[-1]).transpose(1, 2).flatten(2)
    levels = _pooled(of_picture)
    return torch.stack([levels[band].clamp(0.0, most) for band, most in enumerate(MOST)], dim=1)


def conditioned(pictures: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """The input of a network that is conditioned on blur levels: luma three times, G' and B' raised by the levels.

    pictures: (B, 3, H, W) R'G'B'; levels: (B, 2). R' is so far below that the result's luma is the pictures'.
    """
    red, green, blue = LUMA
    y = luma(pictures)[:, None]
    first, second = (_OFFSET * levels[:, band, None, None, None] for band in range(len(BANDS)))
    return torch.cat((y - (green / red * first + blue / red * second), y + first, y + second), dim=1)


def levels_of(x: torch.Tensor) -> torch.Tensor:
    """(B, 2): the blur levels of what `conditioned` made, (B, 3, H, W)."""
    pixel = x[..., :1, :1]  # each has them
    return (pixel[:, 1:] - luma(pixel)[:, None]).flatten(1) / _OFFSET

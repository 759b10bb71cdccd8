"""How much sharper, and at what price: gain by radial frequency, overshoot at edges, noise of flat areas.

The gain is measured between two pictures, and predicted by a linear model of the recurrence. All luma is that of
`measure.luma`.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.measure.luma import luma
from vidrts.ops.lanczos import Kernel, half_taps

EDGE = 0.1
"""Where the source's luma spans at least this share of full scale within 5x5 pixels there is an edge."""


def radial_gain(enhanced: torch.Tensor, source: torch.Tensor, bands: int = 20) -> tuple[list[float], list[float]]:
    """(frequencies, gains): |HR_n(f)| / |HR0(f)| from radially averaged power spectra of luma.

    Both (3, H, W) R'G'B' of one scale. Frequencies are the centres of `bands` equal bands of 0..0.5 cycles per pixel.
    A Hann window keeps the picture's borders out of the spectrum.
    """
    height, width = source.shape[-2:]
    window = torch.hann_window(height, dtype=torch.float64)[:, None] * torch.hann_window(width, dtype=torch.float64)
    powers = []
    for picture in (enhanced, source):
        plane = luma(picture.double())
        powers.append(torch.fft.fft2((plane - plane.mean()) * window).abs().square())
    radius = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None, :])
    index = (radius * 2 * bands).long()
    inside = index < bands
    sums = [torch.zeros(bands, dtype=torch.float64).index_add_(0, index[inside], p[inside]) for p in powers]
    gains = (sums[0] / sums[1].clamp_min(1e-300)).sqrt()
    return [(k + 0.5) / (2 * bands) for k in range(bands)], gains.tolist()


def response(kernel: Kernel | torch.Tensor, frequency: float) -> float:
    """Frequency response of a /2 kernel, or of symmetric taps, at `frequency` cycles per sample that it acts on."""
    taps = (kernel if isinstance(kernel, torch.Tensor) else half_taps(kernel)).tolist()
    centre = (len(taps) - 1) / 2
    return float(sum(tap * math.cos(2 * math.pi * frequency * (t - centre)) for t, tap in enumerate(taps)))


def predicted_gain(kernel: Kernel | torch.Tensor, stage: int, frequency: float) -> float:
    """Product over k = 1..stage of D(f / 2^k) / B(f / 2^k): d is Lanczos, B the LR kernel.

    `frequency` in 0..0.5 cycles per pixel, along an axis.
    """
    gain = 1.0
    for k in range(1, stage + 1):
        gain *= response("lanczos", frequency / 2**k) / response(kernel, frequency / 2**k)
    return gain


def flat_noise_gain(enhanced: torch.Tensor, source: torch.Tensor, block: int = 16, share: float = 0.1) -> float:
    """Noise of flat areas after over before: the s.d. of luma in the `share` of blocks that are flattest in the source.

    Both (3, H, W) R'G'B' of one scale. Below 1 the enhancement took noise away. Blocks without any variation (clipped
    black or white) are left out; raises ValueError where no block is left.
    """
    deviations = []
    for picture in (enhanced, source):
        plane = luma(picture.double())
        height, width = (s - s % block for s in plane.shape)
        blocks = plane[:height, :width].unfold(0, block, block).unfold(1, block, block).flatten(2)
        deviations.append(blocks.std(dim=-1).flatten())
    alive = deviations[1] > 1e-6
    if not alive.any():
        raise ValueError("no block of the source varies at all")
    after, before = deviations[0][alive], deviations[1][alive]
    flattest = before.argsort()[: max(1, int(share * len(before)))]
    return float(after[flattest].mean() / before[flattest].mean())


def overshoot(enhanced: torch.Tensor, source: torch.Tensor) -> float:
    """How far beyond the edges of the source those of the result go, in percent of the edges' own height.

    Both (3, H, W) R'G'B' in 0..1 of one scale. On the pixels of edges (`EDGE`): 100 * sum of what the result's luma
    lies above the greatest or below the least luma of the source within 5x5 pixels, over the sum of the source's spans
    there. 0: steeper perhaps, but no halo. Raises ValueError where the source has no edge.
    """
    before, after = luma(source.double())[None], luma(enhanced.double())
    highest = F.max_pool2d(before, 5, stride=1, padding=2)[0]
    lowest = -F.max_pool2d(-before, 5, stride=1, padding=2)[0]
    span = highest - lowest
    edge = span >= EDGE
    if not edge.any():
        raise ValueError("overshoot is not defined: the source has no edge")
    beyond = (after - highest).clamp_min(0) + (lowest - after).clamp_min(0)
    return float(100 * beyond[edge].sum() / span[edge].sum())


def edge_gain(enhanced: torch.Tensor, source: torch.Tensor, share: float = 0.05) -> float:
    """How much steeper edges are than the source's: the slope of luma across them, over that of the source.

    Both (3, H, W) R'G'B' of one scale, at least 8x8. Edges are the `share` of pixels where the mean of both pictures,
    smoothed by [1 2 1]/4, is steepest; its direction there is the edge's. Slopes have a sign along it, so that noise,
    whose slopes go either way, makes no difference. Raises ValueError for a picture of one colour.
    """
    before, after = luma(source.double()), luma(enhanced.double())
    taps = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64) / 4
    middle = F.pad(((before + after) / 2)[None, None], (1, 1, 1, 1), mode="replicate")
    across, down = _slopes(F.conv2d(middle, torch.outer(taps, taps)[None, None])[0, 0])
    steep = torch.hypot(across, down).flatten()
    edge = steep.topk(max(1, int(share * len(steep)))).indices
    if not steep[edge[0]] > 0:
        raise ValueError("the steepness of edges is not defined: the picture is of one colour")
    a, b = (
        sum((part.flatten()[edge] * way.flatten()[edge] / steep[edge].clamp_min(1e-12)).sum() for part, way in
            zip(_slopes(plane), (across, down), strict=True))
        for plane in (after, before)
    )  # fmt: skip
    return float(a / b)


def _slopes(plane: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(H - 1, W - 1) differences to the right neighbour and to the one below."""
    return plane[:-1].diff(dim=1), plane[:, :-1].diff(dim=0)


def block_borders(picture: torch.Tensor, block: int = 8) -> float:
    """Steps of luma across the borders of a codec's blocks over those within; about 1 for a picture without blocks.

    picture: (3, H, W) R'G'B' of any scale whose top-left pixel begins a block, larger than a block. Raises ValueError
    for a picture of one colour.
    """
    plane = luma(picture.double())
    across = within = 0.0
    for dim in (0, 1):
        steps = plane.diff(dim=dim).abs().mean(dim=1 - dim)
        border = torch.arange(len(steps)) % block == block - 1
        across += float(steps[border].mean())
        within += float(steps[~border].mean())
    if within == 0:
        raise ValueError("block borders are not defined: the picture is of one colour")
    return across / within

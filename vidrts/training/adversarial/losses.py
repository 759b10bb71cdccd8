"""The terms of the noise-adaptive loss (eq. 5 to 13), each a mean."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.ops.lanczos import halve

BAND, FLOOR, SOFT = 0.5, 0.05, 16.0
"""Of the contextual loss: h; what is added to the least distance; what is added to squared norms. With the customary
1e-5 and 0 its gradients are five times as large, and training diverges (measured)."""
_SEEN = 0.5 / 255
_LUMA = (0.2126, 0.7152, 0.0722)


def contextual(
    made: torch.Tensor, truth: torch.Tensor, *, band: float = BAND, floor: float = FLOOR, soft: float = SOFT
) -> torch.Tensor:
    """Contextual similarity CX of features (B, C, h, w) to those of the truth, (B,) in 0..1: mean_j max_i CX_ij.

    Cosine distances d_ij about the truth's mean feature; CX_ij is exp((1 - d_ij / (min_j d_ij + floor)) / band),
    normalised over j (Mechrez, Talmi and Zelnik-Manor 2018).
    """
    mean = truth.mean((0, 2, 3), keepdim=True)
    a, b = ((each - mean).flatten(2) for each in (made, truth))
    a, b = (each / (each.square().sum(1, keepdim=True) + soft).sqrt() for each in (a, b))
    distances = 1 - a.transpose(1, 2) @ b
    relative = distances / (distances.amin(2, keepdim=True) + floor)
    return torch.softmax((1 - relative) / band, 2).amax(1).mean(1)


def style(made: Sequence[torch.Tensor], truth: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean absolute difference of Gram matrices over those of the truth, over maps (B, C, h, w)."""
    terms = []
    for a, b in zip(made, truth, strict=True):
        grams = [each.flatten(2) @ each.flatten(2).transpose(1, 2) / each[0, 0].numel() for each in (a, b)]
        terms.append((grams[0] - grams[1]).abs().mean() / grams[1].abs().mean().clamp(min=1e-6))
    return torch.stack(terms).mean()


def reconstruction(made: Sequence[torch.Tensor], truth: Sequence[torch.Tensor], margin: int) -> torch.Tensor:
    """Sum over levels of L1, `margin` input pixels from borders on, where zero padding is felt."""
    return torch.stack(
        [
            F.l1_loss(_inside(a, margin << k), _inside(b, margin << k))
            for k, (a, b) in enumerate(zip(made, truth, strict=True), 1)
        ]
    ).sum()


def cycle(made: Sequence[torch.Tensor], truth: Sequence[torch.Tensor], margin: int) -> torch.Tensor:
    """Sum over levels k and halvings f = 1..k of L1 between both, halved f times; f = k compares at input size."""
    terms = []
    for level, (a, b) in enumerate(zip(made, truth, strict=True), 1):
        for halvings in range(1, level + 1):
            a, b = halve(a, "cubic"), halve(b, "cubic")
            inner = margin << (level - halvings)
            terms.append(F.l1_loss(_inside(a, inner), _inside(b, inner)))
    return torch.stack(terms).sum()


def chroma(made: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """L1 between the colours of two pictures: R'G'B' without luma."""
    difference = made - other
    weights = difference.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (difference - (difference * weights).sum(1, keepdim=True)).abs().mean()


def phase_share(difference: torch.Tensor) -> float:
    """How much of (B, C, H, W) is a grid of 2 pixels: the s.d. of the means of the four phases over its RMS.

    An RMS that nobody sees counts as `_SEEN`: of next to nothing a grid is no harm.
    """
    planes = difference.mean(1)
    means = torch.stack([planes[:, y::2, x::2].mean() for y in (0, 1) for x in (0, 1)])
    return float(means.std(unbiased=False) / planes.square().mean().sqrt().clamp(min=_SEEN))


def _inside(picture: torch.Tensor, margin: int) -> torch.Tensor:
    return picture[..., margin:-margin, margin:-margin] if margin else picture

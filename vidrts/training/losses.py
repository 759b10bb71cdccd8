"""The losses of Phase A, by name; each takes (B, 3, H, W) prediction and truth in 0..1 and gives a mean."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.training.loss_names import LossName


def charbonnier(prediction: torch.Tensor, truth: torch.Tensor, epsilon: float = 1e-3) -> torch.Tensor:
    """Mean of sqrt(d^2 + epsilon^2): L1 with a rounded tip (Charbonnier et al. 1994; Lai et al. 2017)."""
    return torch.sqrt((prediction - truth).square() + epsilon * epsilon).mean()


LOSSES: Mapping[LossName, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "charbonnier": charbonnier,
}
"""mse is the paper's."""

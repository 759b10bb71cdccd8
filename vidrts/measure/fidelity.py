"""How near a picture is to its truth."""

import math

import torch


def psnr(picture: torch.Tensor, truth: torch.Tensor, peak: float = 1.0) -> float:
    """10 log10(peak^2 / MSE) in dB over all samples of two equal shapes; infinite for equal pictures."""
    error = float((picture.double() - truth.double()).square().mean())
    return math.inf if error == 0 else 10 * math.log10(peak * peak / error)

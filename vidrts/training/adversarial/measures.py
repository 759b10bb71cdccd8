"""What a network gives without and with noise on held-out pictures: near the truth, and as detailed as it."""

from collections.abc import Sequence
from statistics import fmean

import torch

from vidrts.measure.fidelity import psnr
from vidrts.measure.luma import luma
from vidrts.networks.network import Network
from vidrts.ops.lanczos import enlarge, halve
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.training.adversarial.losses import phase_share

_SIDE = 256
"""Of the middle of each picture."""
_SHAVED = 4


class Held:
    """(3, H, W) uint8 pictures, their middles scaled down by bicubic; measures at twice the size, R'G'B' clamped."""

    def __init__(self, pictures: Sequence[torch.Tensor], device: torch.device) -> None:
        self._device = device
        self._truths = [_middle(picture).float() / 255 for picture in pictures]
        self._low = [(halve(t[None], "cubic").clamp(0, 1) * 255).round() / 255 for t in self._truths]

    def lanczos(self) -> float:
        """PSNR of luma in dB of the inputs enlarged by Lanczos: what a network must be better than."""
        s = slice(_SHAVED, -_SHAVED)
        made = [enlarge(low, 2)[0].clamp(0, 1) for low in self._low]
        return fmean(psnr(luma(a)[s, s], luma(truth)[s, s]) for a, truth in zip(made, self._truths, strict=True))

    def __call__(self, network: Network) -> dict[str, float]:
        """PSNR of luma in dB and high-frequency energy over the truth's at W = 0 and 1, and the grid that W adds."""
        plain, noisy = (
            [upscaler(low.to(self._device))[0].cpu().clamp(0, 1) for low in self._low]
            for upscaler in (
                TiledUpscaler(network, self._device, torch.float32, scale=2, amplitude=w, noise="constant")
                for w in (0, 1)
            )
        )
        s = slice(_SHAVED, -_SHAVED)
        rows = []
        for truth, a, b in zip(self._truths, plain, noisy, strict=True):
            y, y0, y1 = (luma(each)[s, s] for each in (truth, a, b))
            energy = high_energy(y)
            rows.append({
                "psnr_w0": psnr(y0, y), "psnr_w1": psnr(y1, y),
                "high_w0": high_energy(y0) / energy, "high_w1": high_energy(y1) / energy,
                "grid_w1": phase_share((b - a)[None]),
            })  # fmt: skip
        return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def high_energy(plane: torch.Tensor) -> float:
    """Energy of (H, W) at 0.25 to 0.5 cycles per pixel, under a Hann window."""
    height, width = plane.shape
    window = torch.outer(torch.hann_window(height), torch.hann_window(width))
    spectrum = torch.fft.fft2((plane - plane.mean()) * window).abs().square()
    radius = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
    return float(spectrum[(radius >= 0.25) & (radius <= 0.5)].sum().clamp(min=1e-12))


def _middle(picture: torch.Tensor) -> torch.Tensor:
    height, width = (min(side, _SIDE) // 2 * 2 for side in picture.shape[1:])
    y, x = ((side - kept) // 2 for side, kept in zip(picture.shape[1:], (height, width), strict=True))
    return picture[:, y : y + height, x : x + width]

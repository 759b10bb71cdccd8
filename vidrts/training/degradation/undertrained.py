"""The step `undertrained`: what a reconstruction network that has seen too little makes of a picture.

Comes after scaling, as codecs do. A snapshot is drawn for each picture. Pictures that would change in colour or place
beyond the limits are left as they are, and counted.
"""

import threading
from collections.abc import Sequence

import numpy as np
import torch

from vidrts.errors import OptionError
from vidrts.networks.reconstruction.checkpoint import load_degrader
from vidrts.training.degradation.step import StepKind, ends, span, stored
from vidrts.training.degrader.damage import damager, degrader_file

_LOW, _HIGH = 27.0, 30.0


class Undertrained:
    """The snapshots of a degrader file that reach `low`..`high` dB; `file` "" for the shipped one.

    Raises `ModelError`, `OptionError`.
    """

    scales = softens = False

    def __init__(self, low: float = _LOW, high: float = _HIGH, file: str = "") -> None:
        if not 0 < low <= high:
            raise OptionError(f"degradation step undertrained: expected 0 < low <= high dB, got {low:g}-{high:g}")
        degrader = load_degrader(degrader_file(file))
        self._damager = damager(degrader, low, high)
        self.weights_hash = degrader.sha256
        self._text = "undertrained" + (f":{span(low, high)}" if file or (low, high) != (_LOW, _HIGH) else "")
        self._text += f":{file}" if file else ""
        self._lock = threading.Lock()
        self.dropped = self.seen = 0

    def __str__(self) -> str:
        return self._text

    def __call__(self, pictures: Sequence[torch.Tensor], rngs: Sequence[np.random.Generator]) -> list[torch.Tensor]:
        """Each alone, whatever the batch: sums of another order would choose other codes."""
        return [self._one(picture, rng) for picture, rng in zip(pictures, rngs, strict=True)]

    def _one(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        made = self._damager(picture.float() / 255, rng)
        with self._lock:
            self.seen += 1
            self.dropped += not made.fit.keeps
        return stored(255 * made.picture) if made.fit.keeps else picture


def _step(psnr: str = "", file: str = "") -> Undertrained:
    low, high = map(float, ends(psnr)) if psnr else (_LOW, _HIGH)
    return Undertrained(low, high, file)


KIND = StepKind(
    "undertrained", "[LOW-HIGH[:FILE]]",
    "What an undertrained reconstruction network makes of it, of LOW-HIGH (27-30) dB; its FILE by `vidrts degrader`.",
    _step,
)  # fmt: skip

"""How LR is made from HR0: steps in a row, one of which scales down by 2, drawn from weighted alternatives.

    Degradation("triangle > jpeg:30-95")
    Degradation("jpeg:80-98 > triangle")
    Degradation("3*triangle > noise:0-2 > h264:18-36 | gaussian:0.9 > jpeg:30-95")

The kernel decides whether the result becomes sharper at all (specs/RTS.md section 14): the antialiased triangle is the
default. A codec comes after scaling, so that blocks and ringing have the size in LR that they have in real video; the
paper's order, JPEG before scaling, halves them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from vidrts.errors import OptionError
from vidrts.training.corrupt import Gaussian, Scale, Step, parse_step

PRESETS: Mapping[str, str] = {
    "video": "triangle > jpeg:30-95",
    "clean": "jpeg:80-98 > triangle",
    "plain": "triangle",
    "broadcast": "4*triangle > noise:0-2 > h264:18-36 | 2*triangle > noise:0-2 > mpeg2:2-10 | 4*triangle > jpeg:30-95",
}
"""Name -> degradation: what `vidrts train --degrade` takes beside a text of one's own."""


@dataclass(frozen=True)
class Degradation:
    """LR of a crop, drawn from the crop's own seed. `text` is a preset's name or a row of steps as above."""

    text: str = "broadcast"
    _alternatives: tuple[tuple[float, tuple[Step, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", PRESETS.get(self.text, self.text))
        object.__setattr__(self, "_alternatives", tuple(_alternative(part) for part in self.text.split("|")))

    def __str__(self) -> str:
        return " | ".join(
            ("" if weight == 1 else f"{weight:g}*") + " > ".join(map(str, steps))
            for weight, steps in self._alternatives
        )

    @property
    def kernels(self) -> dict[str, torch.Tensor]:
        """The low-pass of each alternative by its name: taps along each axis, float64, sum 1."""
        return {
            str(step): step.taps
            for _, steps in self._alternatives
            for step in steps
            if isinstance(step, Scale | Gaussian)
        }

    def __call__(self, crop: torch.Tensor, seed: int) -> torch.Tensor:
        """(3, 2h, 2w) uint8 R'G'B' -> (3, h, w) uint8; the same seed gives the same LR in every stage."""
        rng = np.random.default_rng(seed)
        choice = 0
        if len(self._alternatives) > 1:
            weights = np.array([weight for weight, _ in self._alternatives])
            choice = int(rng.choice(len(weights), p=weights / weights.sum()))
        for step in self._alternatives[choice][1]:
            crop = step(crop, rng)
        return crop


def _alternative(text: str) -> tuple[float, tuple[Step, ...]]:
    """(weight, steps) of "WEIGHT*step > step"; raises `OptionError`."""
    weight, star, rest = text.rpartition("*")
    try:
        share = float(weight) if star else 1.0
    except ValueError:
        share = 0.0
    if not 0 < share < 1e6:
        raise OptionError(f"degradation {text.strip()!r}: wanted a weight above 0 before the *, got {weight.strip()!r}")
    steps = tuple(parse_step(part) for part in rest.split(">"))
    if sum(step.scales for step in steps) != 1:
        raise OptionError(
            f"degradation {rest.strip()!r}: wanted exactly one step that scales down by 2: triangle, box, cubic, "
            "lanczos or gaussian:SIGMA"
        )
    return share, steps

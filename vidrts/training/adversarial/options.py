"""The settings of adversarial training: what `vidrts train --method adversarial` takes."""

import math
from dataclasses import dataclass
from typing import ClassVar

from vidrts.errors import OptionError
from vidrts.networks.names import RECIPES
from vidrts.picture.options import NOISES, NoiseKind
from vidrts.training.options import RunOptions

WEIGHTS = ("gan", "contextual", "reconstruction", "cycle", "noisy_cycle", "chroma", "style")
"""Of the terms of the noise-adaptive loss, by the names that metrics.jsonl has."""


@dataclass(frozen=True, kw_only=True)
class AdversarialOptions(RunOptions):
    """The settings of a run with two phases: L1 without noise, then the noise-adaptive loss (eq. 7) with a
    discriminator. Raises `OptionError` when made.
    """

    method: ClassVar[str] = "adversarial"
    free: ClassVar[tuple[str, ...]] = (*RunOptions.free, "features")
    model: str = "g-mgbp-lite"
    steps: int = 30_000
    """Of phase 1."""
    adversarial_steps: int = 55_000
    """Of phase 2; 0 for phase 1 alone."""
    rate: float = 1e-3
    """Of phase 1, and of the paper; falls as 1 / sqrt(1 + step / rate_steps) after `warm_up` steps."""
    adversarial_rate: float = 5e-4
    discriminator_rate: float = 3e-4
    """Not above the generator's: the discriminator would win (measured)."""
    rate_steps: int = 1000
    warm_up: int = 100
    clip: float = 1.0
    """The norm to which gradients are clipped."""
    ema: float = 0.999
    """Decay of the moving average of the weights, which is what a phase gives; 0 for none."""
    largest: int = 2
    """2: trained at 2x alone. 4, 8: at 2x, 4x (and 8x) in each step, the larger ones beginning later."""
    gan_weight: float = 0.001
    contextual_weight: float = 0.1
    reconstruction_weight: float = 10.0
    cycle_weight: float = 10.0
    """At W = 0."""
    noisy_cycle_weight: float = 10.0
    """At W = 1."""
    chroma_weight: float = 0.0
    """Of L1 between the colours at W = 1 and the truth's; the paper has none."""
    style_weight: float = 0.0
    """Of differences of Gram matrices; the paper has none."""
    noise: NoiseKind = "constant"
    """constant: ones, what --noise constant gives. static: normal noise, new in each step, as in the paper."""
    features: str = ""
    """File of VGG-19 up to relu3_1, for contextual and style loss; "" for Gabor filters."""
    judge_features: int = 48
    judge_growth: int = 16
    """Of the discriminator."""
    spectral: bool = False
    """Spectral norm in the discriminator; the paper has none."""
    patch_scores: bool = False
    """Let the discriminator judge each place; False: one score of a picture, as in the paper."""
    snapshot_every: int = 1000
    """Steps of phase 2 between two model files in snapshots/; the best is chosen by eye."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_counts("steps", "rate_steps", "judge_features", "judge_growth", "snapshot_every")
        self.check_choice("noise", NOISES)
        if self.largest not in (2, 4, 8):
            raise OptionError(f"largest {self.largest}: expected 2, 4 or 8")
        if RECIPES[self.model][0] != "g-mgbp":
            takes = [name for name, (architecture, _) in RECIPES.items() if architecture == "g-mgbp"]
            raise OptionError(f"model {self.model}: takes no noise; expected {' or '.join(takes)}")
        if self.pairs or self.blur_level or self.colour != "rgb":
            raise OptionError("adversarial training: expected R'G'B', no pairs and no blur level")
        if self.scale not in (1, 2):
            raise OptionError(f"scale {self.scale}: left out with --method adversarial, which trains enlargement")
        if self.adversarial_steps < 0 or self.warm_up < 0:
            raise OptionError(f"adversarial-steps {self.adversarial_steps}, warm-up {self.warm_up}: expected 0 or more")
        if self.patch % (self.largest // 2) or self.patch < 8 * self.largest:
            least, multiple = 8 * self.largest, self.largest // 2
            raise OptionError(f"patch {self.patch}: expected at least {least} pixels, a multiple of {multiple}")
        for name in ("rate", "adversarial_rate", "discriminator_rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)}: expected more than 0")
        for name in WEIGHTS:
            if not 0 <= self.weight(name) <= 1e4:
                raise OptionError(f"{name.replace('_', '-')}-weight {self.weight(name)}: expected 0 to 10000")
        if not 0 <= self.ema < 1:
            raise OptionError(f"ema {self.ema}: expected at least 0 and below 1, for example 0.999")

    def weight(self, term: str) -> float:
        """Of a term of `WEIGHTS`."""
        return float(getattr(self, f"{term}_weight"))

    @property
    def scales(self) -> tuple[int, ...]:
        """2; 2 and 4; or 2, 4 and 8."""
        return tuple(2**k for k in range(1, self.largest.bit_length()))

    def rate_at(self, rate: float, step: int) -> float:
        """A rate in step 0, 1, ... of a phase: rising, then falling with the square root."""
        rising = min(1.0, (step + 1) / (self.warm_up + 1))
        return rising * rate / math.sqrt(1 + step / self.rate_steps)

    def begun(self, phase: int, step: int) -> tuple[int, ...]:
        """The scales that are trained in a step: in phase 1 each larger one begins a sixth of the steps later."""
        if phase == 2:
            return self.scales
        return self.scales[: 1 + int(6 * step / self.steps)]

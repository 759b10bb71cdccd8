"""The settings of one stage's optimisation."""

import math
from dataclasses import dataclass
from typing import Literal

from vidrts.errors import OptionError
from vidrts.networks.names import COLOURS, Colour
from vidrts.training.loss_names import LOSS_NAMES, LossName

OptimizerName = Literal["adam", "muon"]
OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "muon")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The settings of one stage's optimisation. Paper: batch 8, Adam at a constant 1e-3, 200,000 steps."""

    steps: int
    batch: int = 8
    rate: float = 1e-3
    final_rate: float = 1e-5
    """The rate falls from `rate` to this along half a cosine; equal to `rate` for a constant one, as in the paper."""
    loss: LossName = "mse"
    optimizer: OptimizerName = "adam"
    """adam, the paper's, for all weights; muon for the inner convolutions with Adam for the rest."""
    ema: float = 0.0
    """Decay of an exponential moving average of the weights, which is then what a stage gives; 0 for none."""
    bf16: bool = True
    """Run the residual branch under bf16 autocast where the device computes bf16 natively; the RGB path and the loss
    stay in float32."""
    flats: int = 16
    """Patches of one random colour beside each batch, which the network has to leave as it is; 0 for none.
    Photographs hold few saturated flat areas, and without these such colours drift."""
    compile: bool = False
    """Run the network through torch.compile, which wants a C++ compiler and pays off in long runs."""
    turn: bool = False
    """Turn and mirror each batch in one of eight ways: what a photograph shows may be seen from any side."""
    colour: Colour = "rgb"
    """What the loss looks at: R'G'B' as in the paper, or BT.709 luma alone, which is what users get written back."""
    pair_weight: float = 0.0
    """Weight of the pairs' loss beside that of LR; 0 for none."""
    pair_batch: int = 8
    """Pairs in a step."""
    pair_floor: float = 1.0
    """A pair's error counts relative to what is wrong with its input, but no less than an error of so many code values:
    the larger, the less a network is kept from touching what is good already. 0: all errors count alike."""

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise OptionError(f"optimizer {self.optimizer!r}: expected one of {', '.join(OPTIMIZERS)}")
        if self.loss not in LOSS_NAMES:
            raise OptionError(f"loss {self.loss!r}: expected one of {', '.join(LOSS_NAMES)}")
        if not 0 <= self.ema < 1:
            raise OptionError(f"ema {self.ema}: expected at least 0 and below 1, for example 0.999")
        if self.colour not in COLOURS:
            raise OptionError(f"colour {self.colour!r}: expected one of {', '.join(COLOURS)}")
        if not 0 <= self.pair_weight <= 1e3 or self.pair_batch < 1 or not 0 <= self.pair_floor <= 64:
            raise OptionError(
                "pairs: expected a weight of 0 to 1000, a batch of at least 1 and a floor of 0 to 64 code values; "
                f"got {self.pair_weight:g}, {self.pair_batch} and {self.pair_floor:g}"
            )
        if self.steps < 1 or self.batch < 1 or self.flats < 0 or not 0 < self.final_rate <= self.rate:
            raise OptionError(f"schedule: expected steps, batch >= 1, flats >= 0, 0 < final rate <= rate; got {self}")

    def rate_at(self, step: int) -> float:
        """The learning rate of step 0 .. steps-1."""
        return self.final_rate + (self.rate - self.final_rate) * 0.5 * (1 + math.cos(math.pi * step / self.steps))

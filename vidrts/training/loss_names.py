"""Names of the losses of `losses.LOSSES`; loads without torch."""

from typing import Literal, get_args

LossName = Literal["mse", "l1", "charbonnier"]
LOSS_NAMES: tuple[LossName, ...] = get_args(LossName)

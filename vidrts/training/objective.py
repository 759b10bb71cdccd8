"""What a step makes small: the errors of LR's enlargement, of same-size pairs, and of flat patches.

Errors are taken where the network's zero padding does not reach: inference has no such borders.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.errors import OptionError
from vidrts.measure.luma import luma
from vidrts.networks.blur_level import BANDS
from vidrts.networks.names import Colour
from vidrts.networks.network import Network
from vidrts.ops.lanczos import HALVE_RADIUS, halve
from vidrts.picture.engines.engine import computes_bf16
from vidrts.training.batches import Batch
from vidrts.training.losses import LOSSES
from vidrts.training.schedule import Schedule

_TYPICAL = 1e-3
"""MSE of a soft or coded picture against its truth, 30 dB: what a pair's weight of 1 is meant for."""


def enlarges(network: Network) -> bool:
    """Whether a network enlarges, and so learns from LR; else it learns from same-size pairs alone."""
    return network.spec.least_factor > 1


def at_source_size(network: Network, result: torch.Tensor) -> torch.Tensor:
    """What counts of a network's result at the size of its input: d(SR(y)), or the result itself."""
    return halve(result) if enlarges(network) else result


def inner_part(network: Network, size: int) -> slice:
    """Rows and columns of a prediction of `size` pixels that no zero padding reaches; raises `OptionError` if none."""
    margin = 2 * network.padded_reach
    if size <= 2 * margin:
        raise OptionError(f"patch {size // 2}: expected more than {margin} pixels for this network")
    return slice(margin, size - margin)


def pair_part(network: Network, size: int) -> slice:
    """Rows and columns of d(SR(y)), of `size` pixels, that no zero padding reaches; raises `OptionError` if none."""
    margin = network.padded_reach + (HALVE_RADIUS if enlarges(network) else 0)
    if size <= 2 * margin:
        raise OptionError(f"patch {size}: expected more than {2 * margin} pixels for this network's pairs")
    return slice(margin, size - margin)


class Objective(nn.Module):
    """What a step makes small: the losses of LR, of pairs and of flat patches, as one module without branches on data.

    `inner`: the rows and columns of a prediction that count (`inner_part`). Of a network that does not enlarge there is
    no loss of LR.
    """

    def __init__(self, network: Network, schedule: Schedule, inner: slice) -> None:
        super().__init__()
        self.network = network
        self._schedule = schedule
        self._inner = inner
        self._forward = torch.compile(network) if schedule.compile else network
        device = next(network.parameters()).device
        self._bf16 = schedule.bf16 and computes_bf16(device)
        self._flat_levels = _all_levels(schedule.flats).to(device)
        self._enlarges = enlarges(network)

    def forward(
        self,
        low: torch.Tensor,
        target: torch.Tensor,
        colours: torch.Tensor,
        same: torch.Tensor,
        truth: torch.Tensor,
        low_levels: torch.Tensor,
        same_levels: torch.Tensor,
    ) -> torch.Tensor:
        """The parts of a `Batch` -> a scalar, float32."""
        schedule = self._schedule
        # No cache of cast weights: a captured step would go on with the ones that it was captured with.
        with torch.autocast(low.device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False):
            loss = self._lr_loss(low, target, low_levels) if self._enlarges else low.new_zeros(())
            if len(colours):
                loss = loss + flat_loss(self.network, colours, schedule.colour, self._flat_levels[: len(colours)])
            if len(same) and schedule.pair_weight:
                loss = loss + schedule.pair_weight * self._pair_loss(same, truth, same_levels)
        return loss

    def _lr_loss(self, low: torch.Tensor, target: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        prediction = self._forward(self.network.prepared(low, levels))[..., self._inner, self._inner].float()
        return LOSSES[self._schedule.loss](
            self._looked_at(prediction), self._looked_at(target[..., self._inner, self._inner])
        )

    def _pair_loss(self, same: torch.Tensor, truth: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """Errors of d(SR(y)), each relative to that of y itself, so that harm to good pictures counts as it is seen."""
        inner = pair_part(self.network, same.shape[-1])
        result = self._looked_at(self._forward(self.network.prepared(same, levels)).float())
        with torch.autocast(same.device.type, enabled=False):  # in bf16 d alone would miss by a code value
            enhanced = at_source_size(self.network, result)
        wanted, given = (self._looked_at(each)[..., inner, inner] for each in (truth, same))
        error = (enhanced[..., inner, inner] - wanted).square().mean((1, 2, 3))
        if self._schedule.pair_floor:
            before = (given - wanted).square().mean((1, 2, 3))
            error = error * _TYPICAL / (before + (self._schedule.pair_floor / 255) ** 2)
        return error.mean()

    def _looked_at(self, picture: torch.Tensor) -> torch.Tensor:
        return luma(picture)[:, None] if self._schedule.colour == "luma" else picture


def capture(objective: nn.Module, batch: Batch) -> nn.Module:
    """`objective`, forward and backward, as CUDA graphs for batches of these shapes.

    A small network's step is mostly the launching of its kernels. The module given is changed.
    """
    # The graph's own stream brings the gradients, as it must; torch would warn of that.
    if hasattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch"):
        torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    with torch.cuda.device(batch.low.device):
        torch.cuda.make_graphed_callables(objective, tuple(batch))  # in place, where it is a module
    return objective


def flat_loss(
    network: Network, colours: torch.Tensor, colour: Colour = "rgb", levels: torch.Tensor | None = None
) -> torch.Tensor:
    """MSE between colours (B, 3, 1, 1) and what becomes of flat patches of them, where zero padding does not reach.

    levels: what a network is told that is told blur levels. colour: of R'G'B', or of luma alone.
    """
    reach, multiple, factor = network.padded_reach, network.spec.multiple, network.spec.least_factor
    side = -(-(2 * reach + 1) // multiple) * multiple
    patches = colours.expand(-1, -1, side, side)
    prediction = network(network.prepared(patches, levels))
    inner = slice(factor * reach, factor * (reach + 1))
    middle = prediction[..., inner, inner]
    wanted, got = colours.expand_as(middle), middle.float()
    return F.mse_loss(luma(got), luma(wanted)) if colour == "luma" else F.mse_loss(got, wanted)


def _all_levels(count: int) -> torch.Tensor:
    """(count, 2): blur levels of all kinds, the same at each call."""
    return torch.rand(count, len(BANDS), generator=torch.Generator().manual_seed(0))

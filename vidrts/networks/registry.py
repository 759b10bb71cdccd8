"""The networks that vidrts knows, by name."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from vidrts.errors import ModelError
from vidrts.networks.edsr import EDSR
from vidrts.networks.fsrcnn import FSRCNN, FSRCNNConfig
from vidrts.networks.gmgbp import GMGBP, GMGBPConfig
from vidrts.networks.live import Live, LiveConfig
from vidrts.networks.network import Network
from vidrts.networks.residual_blocks import BlocksConfig
from vidrts.networks.rts import RTS, RTSConfig
from vidrts.networks.spandrel_network import ARCHITECTURE as SPANDREL
from vidrts.networks.spandrel_network import build_of_weights
from vidrts.networks.srcnn import SRCNN, SRCNNConfig
from vidrts.networks.srresnet import SRResNet
from vidrts.networks.vdsr import VDSR, VDSRConfig

ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "rts": lambda **numbers: RTS(RTSConfig(**numbers)),
    "srcnn": lambda **numbers: SRCNN(SRCNNConfig(**numbers)),
    "fsrcnn": lambda **numbers: FSRCNN(FSRCNNConfig(**numbers)),
    "vdsr": lambda **numbers: VDSR(VDSRConfig(**numbers)),
    "srresnet": lambda **numbers: SRResNet(BlocksConfig(**numbers)),
    "edsr": lambda **numbers: EDSR(BlocksConfig(**numbers)),
    "g-mgbp": lambda **numbers: GMGBP(GMGBPConfig(**numbers)),
    "live": lambda **numbers: Live(LiveConfig(**numbers)),
}
"""Name -> what builds such a network of its numbers; raises TypeError or ValueError for numbers it cannot have."""


def build(architecture: str, numbers: Mapping[str, Any], weights: Mapping[str, torch.Tensor] | None = None) -> Network:
    """A fresh network of `architecture`; raises `ModelError` where name or numbers are not known.

    weights: those it is to have; needed for networks of others alone, which are known by them (`SPANDREL`).
    """
    if architecture == SPANDREL:
        return build_of_weights(numbers, weights or {})
    try:
        return ARCHITECTURES[architecture](**numbers)
    except KeyError:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ModelError(f"network architecture {architecture!r} is not known; known are: {known}") from None
    except (TypeError, ValueError) as error:
        raise ModelError(f"network architecture {architecture!r} cannot have {numbers!r}: {error}") from None


def parameter_count(network: nn.Module) -> int:
    """Weights and biases together, without those that estimate the blur level, which see a part of a frame alone."""
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith("blur_level."))

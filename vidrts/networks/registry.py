"""The networks that vidrts knows, by name."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from vidrts.errors import ModelError
from vidrts.networks.network import Network
from vidrts.networks.rts import RTS, RTSConfig

ARCHITECTURES: dict[str, Callable[..., Network]] = {"rts": lambda **numbers: RTS(RTSConfig(**numbers))}
"""Name -> what builds such a network of its numbers; raises TypeError or ValueError for numbers it cannot have."""

RECIPES: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "rts-r1": ("rts", {"n": 1, "channels": 64}),
    "rts-r3": ("rts", {"n": 3, "channels": 64}),
    "rts-r6": ("rts", {"n": 6, "channels": 64}),
    "rts-lite": ("rts", {"n": 3, "channels": 16}),
    "rts-lite32": ("rts", {"n": 3, "channels": 32}),
}
"""Model name -> (architecture, its numbers): what `vidrts train --model` takes."""


def build(architecture: str, numbers: Mapping[str, Any]) -> Network:
    """A fresh network of `architecture`; raises `ModelError` where name or numbers are not known."""
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

"""The reconstruction networks, by name."""

from collections.abc import Callable, Mapping
from typing import Any

from vidrts.errors import ModelError
from vidrts.networks.reconstruction.network import ReconstructionNetwork
from vidrts.networks.reconstruction.vqvae2 import VQVAE2, VQConfig

_ARCHITECTURES: dict[str, Callable[..., ReconstructionNetwork]] = {
    "vqvae2": lambda **numbers: VQVAE2(VQConfig(**numbers)),
}
"""Name -> what builds such a network of its numbers."""


def build(architecture: str, numbers: Mapping[str, Any]) -> ReconstructionNetwork:
    """A fresh network; raises `ModelError` where name or numbers are not known."""
    if architecture not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise ModelError(f"reconstruction network {architecture!r} is not known; known are: {known}")
    try:
        return _ARCHITECTURES[architecture](**numbers)
    except (TypeError, ValueError) as error:
        raise ModelError(f"reconstruction network {architecture} cannot have {numbers!r}: {error}") from None

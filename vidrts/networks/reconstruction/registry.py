"""The reconstruction networks, by name: four of the five kinds that arXiv 2503.02767 compares.

The fifth, a diffusion model of 100 sampling steps, is left out: the paper rejects it, and on CPUs it takes hours.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vidrts.errors import ModelError
from vidrts.networks.reconstruction.mae import MAE, MAEConfig
from vidrts.networks.reconstruction.network import ReconstructionNetwork
from vidrts.networks.reconstruction.vae import VAE, VAEConfig
from vidrts.networks.reconstruction.vqvae import VQVAE
from vidrts.networks.reconstruction.vqvae2 import VQVAE2, VQConfig

_ARCHITECTURES: dict[str, Callable[..., ReconstructionNetwork]] = {
    "vqvae2": lambda **numbers: VQVAE2(VQConfig(**numbers)),
    "vqvae": lambda **numbers: VQVAE(VQConfig(**numbers)),
    "vae": lambda **numbers: VAE(VAEConfig(**numbers)),
    "mae": lambda **numbers: MAE(MAEConfig(**numbers)),
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

"""Names of models and networks that options need; loads without torch."""

from collections.abc import Mapping
from typing import Literal

AUTO = "auto"
"""In place of a model's name: the one that suits the device (`vidrts.networks.auto`)."""
DEFAULT_MODEL = "rts-r3"
LIGHT_MODEL = "rts-lite"
"""What enhances on a CPU unless another is asked for."""

RECIPES: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "rts-r1": ("rts", {"n": 1, "channels": 64}),
    "rts-r3": ("rts", {"n": 3, "channels": 64}),
    "rts-r6": ("rts", {"n": 6, "channels": 64}),
    "rts-lite": ("rts", {"n": 3, "channels": 16}),
    "rts-lite32": ("rts", {"n": 3, "channels": 32}),
    "srcnn": ("srcnn", {"channels": 64, "inner": 32}),
    "fsrcnn": ("fsrcnn", {"d": 56, "s": 12, "m": 4}),
    "vdsr": ("vdsr", {"layers": 20, "channels": 64}),
    "srresnet": ("srresnet", {"blocks": 16, "channels": 64}),
    "edsr": ("edsr", {"blocks": 16, "channels": 64}),
    "g-mgbp": ("g-mgbp", {"features": 48, "growth": 16, "projections": 2}),
    "live": ("live", {"fold": 2, "channels": 24, "n": 3}),
    "live-1x16": ("live", {"fold": 1, "channels": 16, "n": 3}),
    "live-2x16": ("live", {"fold": 2, "channels": 16, "n": 3}),
    "live-2x32": ("live", {"fold": 2, "channels": 32, "n": 3}),
    "live-4x32": ("live", {"fold": 4, "channels": 32, "n": 3}),
    "live-4x48": ("live", {"fold": 4, "channels": 48, "n": 3}),
    "g-mgbp-lite": ("g-mgbp", {"features": 24, "growth": 8, "projections": 2}),
}
"""Model name -> (architecture, its numbers): what `vidrts train --model` takes."""

SAME_SIZE = ("live",)
"""Architectures that do not enlarge, and take luma."""

Colour = Literal["rgb", "luma"]
COLOURS: dict[Colour, str] = {"rgb": "R'G'B'", "luma": "luma"}
"""What a network is trained on -> as users read it."""

RECONSTRUCTIONS: Mapping[str, Mapping[str, int]] = {
    "vqvae2": {"channels": 128, "inner": 32, "blocks": 2, "dim": 64, "codes": 512},
    "vqvae": {"channels": 128, "inner": 32, "blocks": 2, "dim": 64, "codes": 512},
    "vae": {"channels": 32, "latent": 128},
    "mae": {"dim": 128, "depth": 4, "decoder_dim": 96, "decoder_depth": 2, "heads": 4, "hidden": 75},
}
"""Name of a reconstruction network -> its numbers: what `vidrts degrader train --network` takes."""
DEGRADER = "degrader"
"""The file among the shipped models that holds a reconstruction network, which enhances nothing."""

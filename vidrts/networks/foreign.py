"""Weights that others published, as vidrts models: what `vidrts import` reads."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from vidrts.errors import ModelError
from vidrts.messages import Tell, ignore
from vidrts.networks.checkpoint import ModelInfo
from vidrts.networks.foreign_weights import foreign_weights
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.networks.spandrel_import import imported_network

_GMGBP_SOURCE = "pnavarre/pirm-sr-2018"
_GMGBP_LICENCE = "LGPL-3.0"
_GMGBP_NAMES = (
    (r"^ClassicUpscale\.", "enlarge."),
    (r"^Analysis\.conv1\.", "analysis.conv."),
    (r"^Analysis\.", "analysis."),
    (r"^Upscaling\.pre_up\.", "up.block."),
    (r"^Upscaling\.(act|conv)_up\.", r"up.\1."),
    (r"^Downscaling\.conv_down\.", "down.conv."),
    (r"^Downscaling\.post_down\.", "down.block."),
    (r"^Synthesis\.(act|conv)4\.", r"synthesis.\1."),
    (r"^Synthesis\.", "synthesis."),
    (r"\.dense\.denselayer(\d)\.", lambda match: f".units.{int(match[1]) - 1}."),
    (r"\.transition\.", "."),
    (r"\.(act|conv)_(\d)\.", r".\1\2."),
    (r"\.act(\d?)\.norm\.", r".relu\1."),
)
"""The authors' names -> ours, applied in this order."""


def read_foreign(path: str | os.PathLike[str], on_message: Tell = ignore) -> tuple[Network, ModelInfo]:
    """A network with the weights of a file that others published, and its description.

    Known are the files of G-MGBP's authors (BOE-R1, R2 and R3), of any width, and those of networks that spandrel knows
    (`imported_network`). Raises `ModelError`, one line, for others, and `MissingPackageError`.
    """
    path = Path(path)
    tensors = foreign_weights(path)
    if any(name.startswith(("Analysis.", "ClassicUpscale.")) for name in tensors):
        return _gmgbp(path, tensors)
    return imported_network(path, tensors, on_message)


def _gmgbp(path: Path, tensors: Mapping[str, torch.Tensor]) -> tuple[Network, ModelInfo]:
    expected = f"expected the weights of G-MGBP as its authors published them ({_GMGBP_SOURCE})"
    own = {_gmgbp_name(name): tensor for name, tensor in tensors.items()}
    first, grown = own.get("analysis.conv.weight"), own.get("analysis.block.units.0.conv2.weight")
    if first is None or grown is None or first.dim() != 4 or grown.dim() != 4:
        raise ModelError(f"{path}: {expected}, got {len(tensors)} tensors of other names")
    numbers = {"features": len(first), "growth": len(grown), "projections": 2}
    network = build("g-mgbp", numbers)
    wanted = network.state_dict()
    if odd := sorted(set(wanted) ^ set(own)):
        raise ModelError(f"{path}: {expected}, {len(wanted)} tensors, got {len(own)}: see {odd[0]}")
    for name, tensor in own.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(wanted[name].shape)}, got {tuple(tensor.shape)}"
            raise ModelError(f"{path}: {expected}; {name}: expected the shape {shapes}")
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise ModelError(f"{path}: {expected}; {name}: expected finite numbers; get the file again")
    network.load_state_dict(own)
    info = ModelInfo(
        name="g-mgbp", architecture="g-mgbp", numbers=numbers, stage=1, degradation="cubic", data_hash="",
        training={"imported": path.name, "source": f"https://github.com/{_GMGBP_SOURCE}", "paper": "arXiv:1809.10711"},
        licence=_GMGBP_LICENCE,
    )  # fmt: skip
    return network.eval().requires_grad_(False), info


def _gmgbp_name(name: str) -> str:
    for pattern, ours in _GMGBP_NAMES:
        name = re.sub(pattern, ours, name)
    return name

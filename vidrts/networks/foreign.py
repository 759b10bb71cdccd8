"""Weights that others published, as vidrts models: what `vidrts import` reads.

Pickles are read by torch's restricted loader, which builds tensors and plain containers and runs no code of the file.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from vidrts.errors import ModelError
from vidrts.networks.checkpoint import ModelInfo
from vidrts.networks.network import Network
from vidrts.networks.registry import build

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


def read_foreign(path: str | os.PathLike[str]) -> tuple[Network, ModelInfo]:
    """A network with the weights of a file that others published, and its description.

    Known are the files of G-MGBP's authors (BOE-R1, R2 and R3), of any width. Raises `ModelError`, one line, for
    others.
    """
    return _gmgbp(Path(path), _tensors(Path(path)))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # noqa: BLE001 - whatever torch makes of foreign bytes
        reason = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: expected a file of weights that torch.save wrote; {reason[:120]}") from None
    if not isinstance(held, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in held.items()
    ):
        raise ModelError(f"{path}: expected weights by name, got {type(held).__name__} of other things")
    return dict(held)


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

"""Model files: safetensors whose metadata rebuilds the network, so a file alone is enough.

The metadata holds one key, "vidrts", with JSON: {"format": 1, "name", "architecture", "numbers", "stage",
"degradation", "data_hash", "training", "licence", "figures", "colour", "scale",
"detail"}.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from vidrts.errors import ModelError
from vidrts.files import atomic_write
from vidrts.networks.auto import resolved
from vidrts.networks.names import AUTO, COLOURS, Colour
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.networks.shipped import find_model, shipped_models
from vidrts.networks.spec import FACTORS, NetworkSpec
from vidrts.networks.weights_file import read_header, weights_digest

FORMAT = 1
METADATA_KEY = "vidrts"


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The description in a model file."""

    name: str
    architecture: str
    numbers: Mapping[str, int]
    stage: int
    """The stage of the recurrence, 1 = trained on the originals."""
    degradation: str
    """How LR was made from HR, in words."""
    data_hash: str
    """SHA-256 of the manifest of pictures and crops it was trained on."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the run."""
    licence: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    """The card's key figures, by name."""
    colour: Colour = "rgb"
    """What the loss compared: R'G'B', or BT.709 luma alone; then only the luma of the result is meaningful."""
    scale: int = 1
    """What it was trained for. 1: to sharpen at the source's size; when it enlarges, it sharpens, too. Else: to enlarge
    by this alone."""
    detail: Sequence[tuple[float, float]] = ()
    """(detail, W) of a network that takes noise, both rising from 0, the last detail 1 (`calibration`); () for none."""

    def amplitude(self, detail: float) -> float:
        """W for a detail of 0..1, linear within the table, of which there is one."""
        for (low, start), (high, end) in pairwise(self.detail):
            if detail <= high:
                return start + (end - start) * (detail - low) / (high - low)
        return self.detail[-1][1]

    def scales(self, spec: NetworkSpec) -> tuple[int, ...]:
        """Those at which pictures can be enhanced with these weights of a network of `spec`."""
        return spec.scales if self.scale == 1 else (self.scale,)


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode on the CPU, float32, with its description and the file it came from."""

    network: Network
    info: ModelInfo
    path: Path

    @property
    def title(self) -> str:
        """A shipped model's name, else its file."""
        name = self.path.stem
        return name if shipped_models().get(name) == self.path else str(self.path)


def save_model(path: str | os.PathLike[str], network: nn.Module, info: ModelInfo) -> None:
    """Write `network` and `info` to `path`, whole or not at all; floats as float32."""
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    tensors = {name: (v.float() if v.is_floating_point() else v).contiguous() for name, v in state.items()}
    header = json.dumps({"format": FORMAT, **asdict(info), "weights_sha256": weights_digest(tensors)}, sort_keys=True)
    with atomic_write(Path(path)) as file:
        file.write_bytes(safetensors.torch.save(tensors, metadata={METADATA_KEY: header}))


def read_info(path: str | os.PathLike[str]) -> ModelInfo:
    """The description in a model file, without its weights; raises `ModelError`."""
    return _info(Path(path), _read_header(Path(path)))


def load_model(
    name_or_file: str | os.PathLike[str] = AUTO, scale: int = 1, device: torch.device | None = None
) -> LoadedModel:
    """Load a shipped model by name, or a model file; of shipped ones the weights for `scale`, where there are some.

    "auto" is the model that suits `device`, where it is to run; None: CUDA where there is one, else the CPU.
    Raises `ModelError`, one line, for a file that is missing, truncated, damaged, foreign or of another format.
    """
    kind = device.type if device is not None else "cuda" if torch.cuda.is_available() else "cpu"
    path = find_model(resolved(os.fspath(name_or_file), kind), scale)
    header = _read_header(path)
    info = _info(path, header)
    try:
        tensors = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: the weights cannot be read ({error}); get the file again") from error
    network = build(info.architecture, info.numbers, tensors)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        own = network.state_dict()
        odd = sorted(set(own) ^ set(tensors)) or sorted(k for k in own if own[k].shape != tensors[k].shape)
        raise ModelError(
            f"{path}: the weights do not fit {info.architecture} {dict(info.numbers)}: see {odd[0]}; get the file again"
        ) from None
    if weights_digest(tensors) != header.get("weights_sha256"):
        raise ModelError(f"{path}: the weights are damaged (wrong checksum); get the file again")
    return LoadedModel(network.eval().requires_grad_(False), info, path)


def _info(path: Path, header: Mapping[str, Any]) -> ModelInfo:
    try:
        info = ModelInfo(**{name: header[name] for name in ModelInfo.__dataclass_fields__ if name in header})
        for value in info.figures.values():
            float(value)
        for (low, start), (high, end) in pairwise(info.detail):
            if not (0 <= low < high <= 1 and 0 <= start <= end <= 1):
                raise ValueError("its detail does not rise with the noise")
        if info.colour not in COLOURS:
            raise ValueError(f"colour {info.colour!r}: expected rgb or luma")
        if info.scale not in FACTORS:
            raise ValueError(f"scale {info.scale!r}: expected one of {FACTORS}")
        return replace(info, detail=tuple((float(detail), float(w)) for detail, w in info.detail))
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: its vidrts metadata is damaged ({error}); get the file again") from None


def _read_header(path: Path) -> dict[str, Any]:
    """What `save_model` wrote under the one key of the file's metadata."""
    return read_header(path, METADATA_KEY, "a vidrts model", missing="no such model file", version=FORMAT)

"""Degrader files: snapshots of one reconstruction network, taken as it was trained, with what each was measured at.

Safetensors in half precision. Tensor "K.NAME" is NAME of snapshot K; the metadata holds one key, "vidrts-degrader",
with JSON: {"format": 1, "architecture", "numbers", "training", "data_hash", "licence", "snapshots": [{"views",
"psnr"}], "weights_sha256"}.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from vidrts.errors import ModelError
from vidrts.files import atomic_write
from vidrts.networks.reconstruction.network import ReconstructionNetwork
from vidrts.networks.reconstruction.registry import build
from vidrts.networks.weights_file import read_header, weights_digest

FORMAT = 1
_KEY = "vidrts-degrader"
_TRAINING_ONLY = ("counts", "sums")
"""Buffers of quantisers that only training needs."""


@dataclass(frozen=True)
class SnapshotInfo:
    """Where a network stood."""

    views: int
    """Crops that it had seen."""
    psnr: float
    """Of its reconstruction of held-out pictures, dB."""


@dataclass(frozen=True, kw_only=True)
class DegraderInfo:
    """What a degrader file says of itself."""

    architecture: str
    numbers: Mapping[str, int]
    training: Mapping[str, Any]
    """The settings of the run."""
    data_hash: str
    """SHA-256 of the pictures it was trained on."""
    licence: str
    snapshots: tuple[SnapshotInfo, ...]
    """By views."""


@dataclass(frozen=True)
class Degrader:
    """The snapshots of a file, in evaluation mode on the CPU, float32."""

    networks: tuple[ReconstructionNetwork, ...]
    info: DegraderInfo
    path: Path
    sha256: str
    """Over all weights."""


def save_degrader(path: Path, states: Sequence[Mapping[str, torch.Tensor]], info: DegraderInfo) -> None:
    """Write the state of each of `info.snapshots`, whole or not at all; raises OSError."""
    tensors = {
        f"{number}.{name}": tensor.detach().to("cpu", torch.float16).contiguous()
        for number, state in enumerate(states)
        for name, tensor in state.items()
        if name.rpartition(".")[2] not in _TRAINING_ONLY
    }
    header = json.dumps({"format": FORMAT, **asdict(info), "weights_sha256": weights_digest(tensors)}, sort_keys=True)
    with atomic_write(path) as part:
        part.write_bytes(safetensors.torch.save(tensors, metadata={_KEY: header}))


def load_degrader(path: Path) -> Degrader:
    """Raises `ModelError`, one line, for a file that is missing, damaged, foreign or of another format."""
    missing = "no such degrader file; make one with `vidrts degrader train`"
    header = read_header(path, _KEY, "a degrader", missing=missing, version=FORMAT)
    try:
        del header["format"]
        digest = header.pop("weights_sha256")
        header["snapshots"] = tuple(SnapshotInfo(**snapshot) for snapshot in header["snapshots"])
        info = DegraderInfo(**header)
        tensors = safetensors.torch.load_file(path)
    except (ValueError, TypeError, KeyError, AttributeError, OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path}: its metadata is damaged ({error}); get the file again") from None
    if digest != weights_digest(tensors):
        raise ModelError(f"{path}: the weights are damaged (wrong checksum); get the file again")
    return Degrader(tuple(_network(path, info, tensors, k) for k in range(len(info.snapshots))), info, path, digest)


def _network(path: Path, info: DegraderInfo, tensors: Mapping[str, torch.Tensor], number: int) -> ReconstructionNetwork:
    network = build(info.architecture, info.numbers)
    own = {name.removeprefix(f"{number}."): tensor.float() for name, tensor in tensors.items()
           if name.startswith(f"{number}.")}  # fmt: skip
    state = network.state_dict()
    wanted = {name for name in state if name.rpartition(".")[2] not in _TRAINING_ONLY}
    odd = sorted(wanted ^ set(own)) or sorted(name for name in wanted if state[name].shape != own[name].shape)
    if odd:
        raise ModelError(f"{path}: the weights do not fit {info.architecture}: see {odd[0]}; get the file again")
    network.load_state_dict({**state, **own})
    return network.eval().requires_grad_(False)

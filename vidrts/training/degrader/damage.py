"""Pictures damaged by a degrader's snapshots, one drawn for each picture, within the limits of colour and place."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vidrts.errors import ModelError, OptionError
from vidrts.networks import shipped
from vidrts.networks.names import DEGRADER
from vidrts.networks.reconstruction.checkpoint import Degrader, SnapshotInfo, load_degrader
from vidrts.networks.reconstruction.network import ReconstructionNetwork
from vidrts.training.degrader.control import Fit, corrected, fit
from vidrts.training.degrader.reconstruct import spun


@dataclass(frozen=True)
class Damaged:
    """What a snapshot made of a picture."""

    picture: torch.Tensor
    """(3, H, W) float32 in 0..1, corrected."""
    raw: torch.Tensor
    """The same before correction."""
    snapshot: SnapshotInfo
    fit: Fit
    """Of `picture` to the clean one."""


@dataclass(frozen=True)
class Damager:
    """The snapshots of a file to draw from."""

    networks: tuple[ReconstructionNetwork, ...]
    snapshots: tuple[SnapshotInfo, ...]

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator, number: int | None = None) -> Damaged:
        """(3, H, W) float32 in 0..1, damaged by the snapshot of this number, or by one that `rng` draws.

        The same for the same picture and state of `rng`, on one machine with as many threads: sums of another order
        round otherwise, and may choose other codes. Inputs of training are made with one thread each.
        """
        drawn = self.draw(rng) if number is None else number
        raw = spun(self.networks[drawn], picture, rng)
        made = corrected(raw, picture)
        return Damaged(made, raw, self.snapshots[drawn], fit(made, picture))

    def draw(self, rng: np.random.Generator) -> int:
        """The number of a snapshot."""
        return int(rng.integers(len(self.networks)))


def damager(degrader: Degrader, low: float = 0.0, high: float = 100.0) -> Damager:
    """Of a file's snapshots that reach `low`..`high` dB; raises `OptionError` where there is none."""
    good = [number for number, s in enumerate(degrader.info.snapshots) if low <= s.psnr <= high]
    if not good:
        there = ", ".join(f"{snapshot.psnr:.1f}" for snapshot in degrader.info.snapshots)
        raise OptionError(f"{degrader.path}: no snapshot of {low:g} to {high:g} dB; expected a range around {there}")
    return Damager(
        tuple(degrader.networks[number] for number in good), tuple(degrader.info.snapshots[number] for number in good)
    )


def degrader_file(given: str = "") -> Path:
    """The file that is meant, or the shipped one; raises `ModelError` where none came with this installation."""
    if given:
        return Path(given)
    for folder in shipped.model_folders():
        if (file := folder / f"{DEGRADER}.safetensors").is_file():
            return file
    raise ModelError("no degrader came with this installation; make one with `vidrts degrader train`")


def open_damager(given: str = "", low: float = 0.0, high: float = 100.0) -> Damager:
    """`damager` of the file that is meant; raises `ModelError`, `OptionError`."""
    return damager(load_degrader(degrader_file(given)), low, high)

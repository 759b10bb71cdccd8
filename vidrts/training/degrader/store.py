"""The folder of a degrader's run: settings.json, metrics.jsonl, checkpoint.pt, snapshots/ and degrader.safetensors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from vidrts.errors import OptionError, TrainingError
from vidrts.networks.names import DEGRADER
from vidrts.networks.reconstruction.checkpoint import DegraderInfo, SnapshotInfo, save_degrader
from vidrts.training.degrader.options import DegraderOptions
from vidrts.training.run_store import RunStore


class DegraderStore(RunStore):
    """Reads and writes the files of one run."""

    def degrader_options(self) -> DegraderOptions:
        """The settings with which the run was begun; raises `TrainingError`."""
        held = self._settings()
        held.pop("data_hash")
        try:
            return DegraderOptions.restored(held, self.path)
        except (KeyError, TypeError, ValueError, OptionError) as error:
            raise TrainingError(f"{self.path}: the settings of a degrader's run cannot be read ({error})") from None

    _begun_with = degrader_options

    def snapshot_file(self, views: int) -> Path:
        """Where the snapshot after so many views lies."""
        return self.path / "snapshots" / f"views-{views:08}.safetensors"

    def keep_snapshot(self, state: Mapping[str, torch.Tensor], info: DegraderInfo) -> None:
        """Write the file of the one snapshot of `info`; raises `TrainingError`."""
        self._save(self.snapshot_file(info.snapshots[0].views), [state], info)

    def snapshots(self) -> list[SnapshotInfo]:
        """What is kept so far, by views."""
        return [SnapshotInfo(row["views"], row["psnr"]) for row in self.rows() if "psnr" in row]

    def keep_degrader(
        self, states: Sequence[Mapping[str, torch.Tensor]], info: DegraderInfo, snapshots: Sequence[SnapshotInfo]
    ) -> Path:
        """Write the file that users take, of these snapshots; raises `TrainingError`."""
        file = self.path / f"{DEGRADER}.safetensors"
        self._save(file, states, replace(info, snapshots=tuple(snapshots)))
        return file

    def _save(self, file: Path, states: Sequence[Mapping[str, torch.Tensor]], info: DegraderInfo) -> None:
        try:
            file.parent.mkdir(exist_ok=True)
            save_degrader(file, states, info)
        except OSError as error:
            raise TrainingError(f"{file}: cannot be written ({error.strerror}); --resume when it can") from None

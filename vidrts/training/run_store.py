"""A run's folder: settings.json, manifest.json, metrics.jsonl, checkpoint.pt and stage-N.safetensors.

init.safetensors is there where the run started from a model's weights, blur-level.safetensors where it trains a network
that is told the blur level.

Every file is replaced whole, so that a run can be killed at any moment; metrics.jsonl alone grows by lines, and what
it holds beyond the checkpoint is cut off when a run goes on.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import safetensors
import safetensors.torch
import torch

from vidrts.errors import OptionError, TrainingError
from vidrts.files import atomic_write
from vidrts.networks.blur_level import BlurLevel
from vidrts.training.methods import MethodOptions, restored


class Resumable(Protocol):
    """What is trained in a stage, as a checkpoint holds it: networks, optimisers, the number of steps done."""

    step: int

    def state_dict(self) -> dict[str, Any]:
        """All of it, as tensors and numbers."""

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""


class Settings(Protocol):
    """What a run was told, as settings.json holds it."""

    free: ClassVar[tuple[str, ...]]
    """Settings that may differ when a run goes on."""

    def stored(self) -> dict[str, Any]:
        """All of them."""


type Row = dict[str, Any]
"""A line of metrics.jsonl: {"stage", "step", "loss", "rate"} while a stage is trained, {"stage", measures...} after."""


@dataclass(frozen=True)
class RunStore:
    """Reads and writes the files of one run."""

    path: Path

    def stage_file(self, stage: int) -> Path:
        """Where the model of stage 1, 2, ... lies when it is done."""
        return self.path / f"stage-{stage}.safetensors"

    @property
    def init_file(self) -> Path:
        """The run's own copy of the model with whose weights it starts."""
        return self.path / "init.safetensors"

    def begin(self, *, resume: bool) -> None:
        """Raises `TrainingError` where a new run would find one already, or one that goes on none."""
        there = self._settings_file.is_file()
        if there and not resume:
            raise TrainingError(f"{self.path}: holds a run already; give --resume to go on with it, or another --out")
        if resume and not there:
            raise TrainingError(f"{self.path}: holds no run to resume; start one without --resume")

    def keep_settings(self, options: Settings, data_hash: str) -> None:
        """Write settings.json of a new run, or hold a resumed one against its own; raises `TrainingError`."""
        settings = json.loads(json.dumps({**options.stored(), "data_hash": data_hash}))
        if not self._settings_file.is_file():
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TrainingError(f"{self.path}: the run's folder cannot be made ({error.strerror})") from None
            self._write(self._settings_file, json.dumps(settings, indent=1) + "\n")
            return
        held = self._settings()
        before = json.loads(json.dumps({**self._begun_with().stored(), "data_hash": held["data_hash"]}))
        changed = [name for name in settings if name not in options.free and before[name] != settings[name]]
        if changed:
            what = "the pictures have" if changed == ["data_hash"] else f"{changed[0]} has"
            raise TrainingError(f"{self.path}: {what} changed since the run began; start anew with another --out")

    def options(self) -> MethodOptions:
        """The settings with which the run was begun; raises `TrainingError`."""
        held = self._settings()
        try:
            return restored(_without_hash(held), self.path)
        except (KeyError, TypeError, ValueError, OptionError) as error:
            raise TrainingError(f"{self._settings_file}: the run's settings cannot be read ({error})") from None

    def _begun_with(self) -> Settings:
        """`options`; of a run of another kind its own."""
        return self.options()

    def refuse_other_weights(self, weights: Mapping[str, str]) -> None:
        """Raises `TrainingError` where the run's inputs were made by steps with other weights (`step_weights`)."""
        held = (self.manifest() or {"step_weights": weights}).get("step_weights", {})
        for step in sorted({*held, *weights}):
            if held.get(step) != weights.get(step):
                raise TrainingError(
                    f"{self.path}: the weights of degradation step {step} have changed since the run began; start anew "
                    "with another --out"
                )

    def keep_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write manifest.json; of a resumed run, see that LR comes out as it did. Raises `TrainingError`."""
        file = self.path / "manifest.json"
        if file.is_file():
            try:
                held = json.loads(file.read_text())["low_sha256"]
            except (OSError, ValueError, KeyError) as error:
                raise TrainingError(f"{file}: the run's manifest cannot be read ({error})") from None
            if held != manifest["low_sha256"]:
                raise TrainingError(
                    f"{self.path}: the LR pictures come out differently here (another version of Pillow or FFmpeg "
                    "perhaps); start anew with another --out, or go on where the run was begun"
                )
            return
        self._write(file, json.dumps(manifest) + "\n")

    def manifest(self) -> dict[str, Any] | None:
        """What `keep_manifest` wrote; None for a run of an older version, or one that has not come so far."""
        return self._read_json("manifest.json")

    def record(self, row: Row) -> None:
        """One more line of metrics.jsonl."""
        try:
            with self._metrics_file.open("a") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise TrainingError(f"{self._metrics_file}: cannot be written ({error.strerror})") from None

    def rows(self) -> list[Row]:
        """All lines of metrics.jsonl but one that was cut off when the run was killed."""
        if not self._metrics_file.is_file():
            return []
        rows = []
        for line in self._metrics_file.read_text().splitlines():
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                continue
        return rows

    def measures(self) -> dict[int, Row]:
        """Stage -> its measures, in order; stage 0 has those of HR0 and LR."""
        return dict(sorted((row["stage"], row) for row in self.rows() if "loss" not in row and "stage" in row))

    def rewind(self, stage: int, step: int) -> None:
        """Forget what metrics.jsonl says of times after `step` of `stage`."""
        reached = (stage, step)
        kept = [row for row in self.rows() if (row["stage"], row.get("step", 0)) <= reached and not _ends(row, stage)]
        self._write(self._metrics_file, "".join(json.dumps(row) + "\n" for row in kept))

    def save_checkpoint(self, stage: int, state: Resumable) -> None:
        """Where the stage under way stands."""
        try:
            with atomic_write(self._checkpoint_file) as file:
                torch.save({"stage": stage, "state": state.state_dict()}, file)
        except (OSError, RuntimeError) as error:  # torch's own error for a full disk
            raise TrainingError(f"{self._checkpoint_file}: cannot be written ({error}); --resume when it can") from None

    def load_checkpoint(self, stage: int, state: Resumable) -> None:
        """Take up the checkpoint of this stage, if there is one; raises `TrainingError` for a damaged one."""
        if not self._checkpoint_file.is_file():
            return
        try:
            held = torch.load(self._checkpoint_file, weights_only=True, map_location="cpu")
            if held["stage"] == stage:
                state.load_state_dict(held["state"])
        except Exception as error:  # noqa: BLE001 - whatever torch makes of damaged bytes
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrainingError(
                f"{self._checkpoint_file}: cannot be read ({reason}); delete it to begin stage {stage} again"
            ) from None

    def drop_checkpoint(self) -> None:
        """A stage is done."""
        self._checkpoint_file.unlink(missing_ok=True)

    def keep_blur_level(self, make: Callable[[], BlurLevel], shared: Path | None = None) -> None:
        """Keep the weights of what estimates the blur level, for the whole run; nothing where they are kept.

        shared: a file for several runs; what lies there is taken as it is, and else what is made is left there.
        """
        if self._blur_level_file.is_file():
            return
        if shared and shared.is_file():
            self._write(self._blur_level_file, shared.read_bytes())
            return
        made = safetensors.torch.save(make().state_dict())
        self._write(self._blur_level_file, made)
        if shared:
            self._write(shared, made)

    def load_blur_level(self, estimator: BlurLevel) -> None:
        """Give `estimator` what was kept; raises `TrainingError`."""
        try:
            estimator.load_state_dict(safetensors.torch.load_file(self._blur_level_file))
        except (OSError, safetensors.SafetensorError, RuntimeError) as error:
            raise TrainingError(f"{self._blur_level_file}: cannot be read ({error}); delete it and resume") from None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """A small file of the run, whole or not at all."""
        self._write(self.path / name, json.dumps(content, indent=1) + "\n")

    def _read_json(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(json.loads((self.path / name).read_text()))
        except (OSError, ValueError):
            return None

    def _settings(self) -> dict[str, Any]:
        file = self._settings_file
        try:
            held = dict(json.loads(file.read_text()))
            held["data_hash"]
        except FileNotFoundError:
            raise TrainingError(f"{self.path}: holds no training run (no settings.json)") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{file}: the run's settings cannot be read ({error})") from None
        return held

    def _write(self, file: Path, content: str | bytes) -> None:
        try:
            with atomic_write(file) as part:
                part.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise TrainingError(f"{file}: cannot be written ({error.strerror})") from None

    @property
    def _settings_file(self) -> Path:
        return self.path / "settings.json"

    @property
    def _metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def _blur_level_file(self) -> Path:
        return self.path / "blur-level.safetensors"

    @property
    def _checkpoint_file(self) -> Path:
        return self.path / "checkpoint.pt"


def _without_hash(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "data_hash"}


def _ends(row: Row, stage: int) -> bool:
    """Whether a row holds the measures with which `stage` ended."""
    return bool(row["stage"] == stage and "step" not in row)

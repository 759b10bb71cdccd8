"""The recurrence: for each stage Phase A trains SR_n towards HR_{n-1}, then Phase B makes HR_n = d(SR_n(HR0)).

A run lives in one folder: settings.json, metrics.jsonl, checkpoint.pt (network, optimiser, step of the stage under
way) and stage-N.safetensors after each stage. It can be killed at any moment and resumed to the same numbers.

    vidrts train --photos DIR --model rts-r3 --out RUN
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from vidrts.errors import OptionError, TrainingError
from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr
from vidrts.measure.flats import flat_shift
from vidrts.measure.sharpness import radial_gain
from vidrts.networks.checkpoint import ModelInfo, load_model, save_model
from vidrts.networks.registry import RECIPES, build
from vidrts.networks.rts import RTS
from vidrts.picture.engine import pick_device
from vidrts.picture.resolver import Resolver
from vidrts.training import phase_a, phase_b
from vidrts.training.corpus import Corpus, collect, read_picture
from vidrts.training.degrade import Degradation
from vidrts.training.losses import LossName

LICENCE = "Apache-2.0"
StageInit = Literal["warm", "fresh"]
STAGE_INITS: tuple[StageInit, ...] = ("warm", "fresh")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The settings of a run; kept in its folder as settings.json."""

    photos: Path
    out: Path
    model: str = "rts-r3"
    """A name of `networks.registry.RECIPES`."""
    stages: int = 3
    steps: int = 15_000
    """Steps of stage 1."""
    later_steps: int = 8_000
    """Steps of each later stage, which starts from the weights of the one before (warm start)."""
    batch: int = 8
    rate: float = 1e-3
    later_rate: float = 5e-4
    patch: int = 64
    """Side of an LR patch in pixels."""
    crops: int = 400
    """Crops for each photograph."""
    held_out: int = 8
    """Photographs kept for validation."""
    decay: bool = True
    """Let the rates fall along half a cosine; False keeps them constant, as in the paper."""
    stage_init: StageInit = "warm"
    """Later stages start from the weights of the one before (warm) or from new ones (fresh)."""
    loss: LossName = "mse"
    ema: float = 0.0
    """Decay of a moving average of the weights, which is then what a stage gives; 0 for none."""
    optimizer: phase_a.OptimizerName = "adam"
    """adam as in the paper, or muon for the inner convolutions, which needs fewer steps."""
    flats: int = 16
    """Flat patches of random colours beside each batch, which have to stay as they are; 0 for none."""
    lock_mean: bool = True
    """Give each target the mean colour of its photograph."""
    degradation: Degradation = field(default_factory=Degradation)
    seed: int = 1
    checkpoint_every: int = 500
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.model not in RECIPES:
            raise OptionError(f"model {self.model!r}: wanted one of {', '.join(RECIPES)}")
        for name in ("stages", "steps", "later_steps", "batch", "crops", "held_out", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)}: wanted at least 1")
        if self.patch < 16:
            raise OptionError(f"patch {self.patch}: wanted at least 16 pixels")
        if self.stage_init not in STAGE_INITS:
            raise OptionError(f"stage-init {self.stage_init!r}: wanted one of {', '.join(STAGE_INITS)}")
        for stage in (1, 2):
            self.schedule(stage)  # raises for what it does not take

    def schedule(self, stage: int) -> phase_a.Schedule:
        """The schedule of stage 1, 2, ..."""
        if stage == 1:
            steps, rate, final_rate = self.steps, self.rate, self.rate / 100
        else:
            steps, rate, final_rate = self.later_steps, self.later_rate, self.later_rate / 50
        return phase_a.Schedule(
            steps=steps, batch=self.batch, rate=rate, final_rate=final_rate if self.decay else rate, loss=self.loss,
            ema=self.ema, optimizer=self.optimizer, flats=self.flats,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What is told while a run goes on: the stage, its steps done and in all, the mean loss since last told."""

    stage: int
    stages: int
    step: int
    steps: int
    loss: float
    seconds_per_step: float


def train(
    options: TrainOptions,
    *,
    resume: bool = False,
    on_message: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Path]:
    """Run (or go on with) a training; returns the model file of each stage.

    With `resume`, a run whose folder holds other settings or whose pictures have changed is refused with
    `TrainingError`; without, a folder that holds a run already.
    """
    device = pick_device(options.device)
    corpus = collect(
        options.photos,
        crop_size=2 * options.patch,
        crops_per_picture=options.crops,
        held_out=options.held_out,
        seed=options.seed,
        on_message=on_message,
    )
    _settle(options, corpus, resume)
    torch.manual_seed(options.seed)
    on_message(f"{len(corpus.training)} photographs, {len(corpus.validation)} held out, {len(corpus.crops)} crops")
    originals = [read_picture(path) for path in corpus.training]
    low = torch.stack([
        options.degradation(originals[c.picture][:, c.y : c.y + corpus.crop_size, c.x : c.x + corpus.crop_size], c.seed)
        for c in corpus.crops
    ])  # fmt: skip
    validation = _Validation([read_picture(path) for path in corpus.validation], options.degradation, device)

    architecture, numbers = RECIPES[options.model]
    network = build(architecture, numbers).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    targets: Sequence[torch.Tensor] = originals
    files: list[Path] = []
    for stage in range(1, options.stages + 1):
        file = options.out / f"stage-{stage}.safetensors"
        if file.is_file():
            network.load_state_dict(load_model(file).network.state_dict())
            validation.after(network)
            on_message(f"stage {stage}: done already")
        else:
            if stage > 1 and options.stage_init == "fresh":
                torch.manual_seed(options.seed + stage)
                network.load_state_dict(build(architecture, numbers).state_dict())
            _phase_a(options, stage, network, low, targets, corpus, on_progress)
            metrics = validation.after(network)
            _record(options.out, {"stage": stage, **metrics})
            on_message(f"stage {stage}: " + ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
            save_model(file, network, ModelInfo(
                name=options.model,
                architecture=architecture,
                numbers=dict(numbers),
                stage=stage,
                degradation=str(options.degradation),
                data_hash=corpus.manifest_hash,
                training=_public_settings(options),
                licence=LICENCE,
                figures=metrics,
            ))  # fmt: skip
            (options.out / "checkpoint.pt").unlink(missing_ok=True)
        files.append(file)
        if stage < options.stages:
            on_message(f"stage {stage}: making its targets, HR{stage} = d(SR{stage}(HR0))")
            targets = list(phase_b.targets(network, originals, device, lock_mean=options.lock_mean))
    return files


def _phase_a(
    options: TrainOptions,
    stage: int,
    network: RTS,
    low: torch.Tensor,
    targets: Sequence[torch.Tensor],
    corpus: Corpus,
    on_progress: Callable[[Progress], None],
) -> None:
    """Phase A of one stage, from the checkpoint of this stage if there is one."""
    schedule = options.schedule(stage)
    state = phase_a.fresh_state(network, schedule)
    checkpoint = options.out / "checkpoint.pt"
    if checkpoint.is_file():
        held = torch.load(checkpoint, weights_only=True, map_location="cpu")
        if held["stage"] == stage:
            state.load_state_dict(held["state"])
    while state.step < schedule.steps:
        until = min(state.step + options.checkpoint_every, schedule.steps)
        began = time.monotonic()
        losses = phase_a.run(
            state, schedule, low=low, targets=targets, crops=corpus.crops, seed=options.seed * 1000 + stage,
            until=until,
        )  # fmt: skip
        mean = sum(losses) / len(losses)
        rate = schedule.rate_at(state.step - 1)
        _record(options.out, {"stage": stage, "step": state.step, "loss": mean, "rate": rate})
        _save_checkpoint(checkpoint, stage, state)
        on_progress(Progress(
            stage=stage, stages=options.stages, step=state.step, steps=schedule.steps, loss=mean,
            seconds_per_step=(time.monotonic() - began) / len(losses),
        ))  # fmt: skip
    state.finish()


class _Validation:
    """What is measured after each stage, on photographs that no crop has touched."""

    def __init__(self, originals: Sequence[torch.Tensor], degradation: Degradation, device: torch.device) -> None:
        self._device = device
        self._originals = [o.float() / 255 for o in originals]
        self._low = [degradation(o, seed).float() / 255 for seed, o in enumerate(originals)]
        self._before = self._originals

    def after(self, network: RTS) -> dict[str, float]:
        """The measures of SR_n, means over the photographs; remembers HR_n for the next stage."""
        enhance = Resolver(network, self._device, torch.float32)
        double = Resolver(network, self._device, torch.float32, scale=2)
        rows = []
        pictures = []
        for low, original, before in zip(self._low, self._originals, self._before, strict=True):
            predicted = double(low[None].to(self._device))[0].clamp_(0, 1).cpu()
            enhanced = enhance(original[None].to(self._device))[0].clamp_(0, 1).cpu()
            pictures.append(enhanced)
            frequencies, gains = radial_gain(enhanced, original)
            at = min(range(len(frequencies)), key=lambda k: abs(frequencies[k] - 0.35))
            rows.append({
                "psnr_lr_to_hr0": psnr(predicted, original),
                "psnr_lr_to_target": psnr(predicted, before),
                "difference_ratio": difference_ratio(enhanced, original),
                "step_ratio": difference_ratio(enhanced, before),
                "gain_at_0.35": gains[at],
            })  # fmt: skip
        self._before = pictures
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        return {**means, "flat_shift": flat_shift(enhance, self._device)}


def load_options(run: Path) -> TrainOptions:
    """The settings with which the run in this folder was begun; raises `TrainingError`."""
    file = run / "settings.json"
    try:
        held = json.loads(file.read_text())
        del held["data_hash"]
        held["degradation"] = Degradation(held["degradation"])
        return TrainOptions(**{**held, "photos": Path(held["photos"]), "out": run})
    except FileNotFoundError:
        raise TrainingError(f"{run}: holds no run to resume (no settings.json)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{file}: the run's settings cannot be read ({error})") from None


def _public_settings(options: TrainOptions) -> dict[str, Any]:
    """The settings that belong in a model file: all but paths and the device."""
    settings = asdict(options)
    for name in ("photos", "out", "device", "checkpoint_every", "degradation", "model"):
        del settings[name]
    return settings


def _settle(options: TrainOptions, corpus: Corpus, resume: bool) -> None:
    """Write settings.json of a new run, or hold a resumed one against its own."""
    file = options.out / "settings.json"
    settings = json.loads(json.dumps({
        **_public_settings(options),
        "model": options.model,
        "photos": str(options.photos.resolve()),
        "device": options.device,
        "checkpoint_every": options.checkpoint_every,
        "degradation": str(options.degradation),
        "data_hash": corpus.manifest_hash,
    }))  # fmt: skip
    if file.is_file():
        if not resume:
            raise TrainingError(f"{options.out}: holds a run already; give --resume to go on with it, or another --out")
        held = json.loads(file.read_text())
        free = ("device", "checkpoint_every")  # where it runs and how often it saves do not change its numbers
        changed = [name for name in settings if name not in free and held.get(name) != settings[name]]
        if changed:
            what = "the pictures have" if changed == ["data_hash"] else f"{changed[0]} has"
            raise TrainingError(f"{options.out}: {what} changed since the run began; start anew with another --out")
        return
    if resume:
        raise TrainingError(f"{options.out}: holds no run to resume; start one without --resume")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings, indent=1) + "\n")
    except OSError as error:
        raise TrainingError(f"{options.out}: the run's folder cannot be written ({error.strerror})") from None


def _record(out: Path, row: dict[str, Any]) -> None:
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def _save_checkpoint(path: Path, stage: int, state: phase_a.State) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save({"stage": stage, "state": state.state_dict()}, temporary)
    temporary.replace(path)

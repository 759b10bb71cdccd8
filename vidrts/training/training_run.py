"""What every training method needs of a run: pictures and inputs, a network to start from, checkpoints, measures.

A method (`training.recurrence`) makes stages of it: what a stage learns, from which batches, towards which targets.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vidrts.errors import OptionError
from vidrts.networks.blur_level import BlurLevel
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model, save_model
from vidrts.networks.net2net import init_from
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.training.blur_estimator import train_blur_level
from vidrts.training.corpus import Corpus
from vidrts.training.distributed import Team
from vidrts.training.lr_cache import Inputs, make_inputs, manifest, step_weights
from vidrts.training.options import RunOptions
from vidrts.training.run_pictures import run_pictures
from vidrts.training.run_store import Resumable, Row, RunStore
from vidrts.training.validation import Validation, summary

LICENCE = "Apache-2.0"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands: the stage, its steps done and in all, the mean loss of the last ones."""

    stage: int
    stages: int
    step: int
    steps: int
    loss: float
    seconds_per_step: float


@dataclass(frozen=True)
class Prepared:
    """What a method starts with."""

    corpus: Corpus
    originals: list[torch.Tensor]
    """HR0 of the corpus's training pictures, (3, H, W) uint8."""
    inputs: Inputs
    network: Network
    """With the weights to start from, on the device."""


class TrainingRun[O: RunOptions]:
    """One run in this process. Of a team the process that leads alone writes and speaks."""

    def __init__(
        self,
        options: O,
        team: Team,
        on_message: Callable[[str], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.options = options
        self.team = team
        self.store = RunStore(options.out)
        self.cache = Path(options.cache) if options.cache else options.out
        self.tell: Callable[[str], None] = on_message if team.leads else lambda line: None
        self._on_progress = on_progress if team.leads else lambda progress: None
        self._validation: Validation | None = None

    def prepare(self, *, resume: bool) -> Prepared:
        """Make or take up the run's folder; raises `TrainingError` where it does not fit, `OptionError`."""
        options, team, store = self.options, self.team, self.store
        initial = self._initial(resume)
        for name in ("batch", "pair_batch"):
            if (size := getattr(options, name)) % team.size:
                raise OptionError(f"{name.replace('_', '-')} {size}: expected a multiple of the {team.size} processes")
        if team.leads:
            store.begin(resume=resume)
        corpus = run_pictures(options, team, self.tell, resume=resume)
        if team.leads:
            store.keep_settings(options, corpus.manifest_hash)
            store.refuse_other_weights(step_weights(options.degradation, options.pairs))
        team.wait()
        frames = sum(picture.name.startswith("stills-") for picture in corpus.training)
        self.tell(
            f"{len(corpus.training) - frames} photographs, " + (f"{frames} stills, " if frames else "")
            + f"{len(corpus.validation)} held out, {len(corpus.crops)} crops"
        )  # fmt: skip
        originals = [picture.original() for picture in corpus.training]
        inputs = make_inputs(
            originals, corpus, options.degradation, options.pairs, team, self.cache, self.tell,
            levels=options.blur_level,
        )  # fmt: skip
        if team.leads:
            if initial:
                save_model(store.init_file, initial.network, initial.info)
            store.keep_manifest(manifest(corpus, options.degradation, options.pairs, inputs))
            self.begin_measuring(corpus)
        network = self.fresh_network(options.seed)
        if initial:
            network.load_state_dict(initial.network.state_dict())
        if options.blur_level:
            self._learn_blur_level(network, corpus, originals)
        network = network.to(team.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Prepared(corpus, originals, inputs, network)

    def known_blur_level(self) -> BlurLevel | None:
        """What estimates the blur level, where a run need not learn it."""
        return None

    def begin_measuring(self, corpus: Corpus) -> None:
        """Before the first stage, in the process that leads."""
        options = self.options
        self._validation = Validation(
            [picture.path for picture in corpus.validation], options.degradation, self.team.device,
            options.out / "examples", viqet=options.viqet, luma=options.colour == "luma",
        )  # fmt: skip

    def fresh_network(self, seed: int) -> Network:
        """The run's network with new weights, the same in every process."""
        torch.manual_seed(seed)
        return build(*self.options.network)

    def _initial(self, resume: bool) -> LoadedModel | None:
        """The model whose weights are the start: the run's own copy once there is one, since a model may change."""
        own = self.store.init_file
        if not self.options.init:
            return None
        given = load_model(own if resume and own.is_file() else self.options.init)
        architecture, numbers = self.options.network
        if (given.info.architecture, dict(given.info.numbers)) == (architecture, dict(numbers)):
            return given
        network = self.fresh_network(self.options.seed)
        try:
            init_from(network, given.network)
        except ValueError as error:
            raise OptionError(f"init {self.options.init}: {error}; expected a part of {self.options.model}") from None
        return replace(given, network=network, info=replace(given.info, architecture=architecture, numbers=numbers))

    def _learn_blur_level(self, network: Network, corpus: Corpus, originals: list[torch.Tensor]) -> None:
        """Train what estimates the blur level, once a run, and give it to the network, which is not to change it."""
        options, store = self.options, self.store
        assert network.blur_level is not None and options.pairs is not None
        if self.team.leads:
            counts = Counter(crop.picture for crop in corpus.crops)
            crops = [counts[number] for number in range(len(originals))]
            pairs, seed = options.pairs, options.seed
            about = f"{corpus.manifest_hash}\n{pairs}\n{json.dumps(step_weights(pairs), sort_keys=True)}\n{seed}"
            name = f"blur-level-{hashlib.sha256(about.encode()).hexdigest()[:16]}.safetensors"
            known = self.known_blur_level()
            store.keep_blur_level(
                lambda: known or train_blur_level(originals, crops, pairs, seed, self.tell),
                Path(options.cache) / name if options.cache and not known else None,
            )
        self.team.wait()
        store.load_blur_level(network.blur_level)
        network.blur_level.requires_grad_(False)

    def train_stage(
        self,
        stage: int,
        stages: int,
        state: Resumable,
        steps: int,
        part: Callable[[int], list[float]],
        row: Callable[[], Row] = dict,
    ) -> None:
        """Take a stage to its last step, from its checkpoint if there is one, with a checkpoint after each part.

        part: train to this step and give the loss of each step done. row: what metrics.jsonl has of a part beside its
        mean loss.
        """
        team, store = self.team, self.store
        store.load_checkpoint(stage, state)
        if team.leads:
            store.rewind(stage, state.step)
        while state.step < steps:
            began = time.monotonic()
            losses = part(min(state.step + self.options.checkpoint_every, steps))
            mean = sum(losses) / len(losses)
            if team.leads:
                store.record({"stage": stage, "step": state.step, "loss": mean, **row()})
                store.save_checkpoint(stage, state)
            self._on_progress(Progress(
                stage=stage, stages=stages, step=state.step, steps=steps, loss=mean,
                seconds_per_step=(time.monotonic() - began) / len(losses),
            ))  # fmt: skip

    def finish_stage(self, network: Network, stage: int, data_hash: str) -> None:
        """Measure a stage, and write its model file."""
        figures = self.measure(network, stage)
        if self.team.leads:
            save_model(self.store.stage_file(stage), network, self.info(stage, data_hash, figures))
            self.store.drop_checkpoint()

    def info(self, stage: int, data_hash: str, figures: Mapping[str, float]) -> ModelInfo:
        """What a model file of a stage says."""
        options = self.options
        architecture, numbers = options.network
        return ModelInfo(
            name=options.model, architecture=architecture, numbers=dict(numbers), stage=stage,
            degradation=str(options.degradation), data_hash=data_hash, training=options.public(), licence=LICENCE,
            figures=figures, colour=options.colour, scale=options.scale,
        )  # fmt: skip

    def measure(self, network: Network, stage: int) -> dict[str, float]:
        """The measures of a stage, taken unless the run has them already; {} in processes that do not lead."""
        if self._validation is None:
            return {}
        held = self.store.measures()
        if 0 not in held:
            self.store.record({"stage": 0, **self._validation.start()})
        if "delta_scalar" in held.get(stage, {}):
            self._validation.pass_over(network)
            return held[stage]
        measures = self._validation.after(network, stage)
        self.store.record({"stage": stage, **measures})
        self.tell(summary(stage, measures))
        return measures

    def finish(self) -> None:
        """Remove the run's own cache of inputs and targets."""
        if self.team.leads:
            for name in ("inputs-*.u8", "targets-*.f16"):
                for file in self.options.out.glob(name):
                    file.unlink()

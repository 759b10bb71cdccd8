"""The recurrence: for each stage Phase A trains SR_n towards HR_{n-1}, then Phase B makes HR_n = d(SR_n(HR0)).

A run lives in one folder (`training.run_store`). It can be killed at any moment and resumed to the same numbers.

    vidrts train --photos DIR --model rts-r3 --out RUN
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from vidrts.errors import OptionError
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model, save_model
from vidrts.networks.net2net import init_from
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.training import frame_extraction, make_targets, train_stage
from vidrts.training.batches import Supply, near
from vidrts.training.blur_estimator import train_blur_level
from vidrts.training.corpus import Corpus, collect
from vidrts.training.distributed import Team, joined
from vidrts.training.held_pairs import HeldPairs
from vidrts.training.lr_cache import make_inputs, manifest, step_weights
from vidrts.training.objective import inner_part, pair_part
from vidrts.training.options import TrainOptions
from vidrts.training.rendered import render_pages
from vidrts.training.run_store import RunStore
from vidrts.training.selection import select
from vidrts.training.validation import Validation, summary

LICENCE = "Apache-2.0"
_HELD_EVERY = 5000
"""Steps between two looks at the held-out pairs."""


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
    `TrainingError`; without, a folder that holds a run already. Among the processes that torchrun starts, the first
    one alone writes and calls `on_message` and `on_progress`.
    """
    with joined(options.device) as team:
        if not team.leads:
            return _Run(options, team, lambda line: None, lambda progress: None).train(resume=resume)
        return _Run(options, team, on_message, on_progress).train(resume=resume)


class _Run:
    """One run in this process."""

    def __init__(
        self,
        options: TrainOptions,
        team: Team,
        on_message: Callable[[str], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._options = options
        self._team = team
        self._folder = RunStore(options.out)
        self._say = on_message
        self._on_progress = on_progress

    def train(self, *, resume: bool) -> list[Path]:
        options, team, folder = self._options, self._team, self._folder
        initial = self._initial(resume)
        network = build(*options.network)
        inner_part(network, 2 * options.patch)  # is refused before anything is written
        if options.pairs:
            pair_part(network, options.patch)
        corpus = self._corpus(resume)
        torch.manual_seed(options.seed)
        frames = sum(picture.name.startswith("stills-") for picture in corpus.training)
        self._say(
            f"{len(corpus.training) - frames} photographs, " + (f"{frames} stills, " if frames else "")
            + f"{len(corpus.validation)} held out, {len(corpus.crops)} crops"
        )  # fmt: skip
        originals = [picture.original() for picture in corpus.training]
        cache = Path(options.cache) if options.cache else options.out
        inputs = make_inputs(
            originals, corpus, options.degradation, options.pairs, team, cache, self._say, levels=options.blur_level
        )  # fmt: skip
        validation = held = None
        if team.leads and options.pairs:
            unseen = [picture.original() for picture in corpus.validation]
            held = HeldPairs(unseen, options.pairs, corpus.crop_size, team.device)
        if team.leads:
            if initial:
                save_model(folder.init_file, initial.network, initial.info)
            folder.keep_manifest(manifest(corpus, options.degradation, options.pairs, inputs))
            photographs = [picture.path for picture in corpus.validation]
            validation = Validation(
                photographs, options.degradation, team.device, options.out / "examples", viqet=options.viqet,
                luma=options.colour == "luma",
            )  # fmt: skip

        architecture, numbers = options.network
        kept = [inputs.low] if inputs.same is None else [inputs.low, inputs.same]
        low, *same = near(kept, team.device)
        near_originals = near(originals, team.device)
        supply = Supply(
            low, near_originals, corpus.crops, same[0] if same else None, near_originals, inputs.low_levels,
            inputs.same_levels,
        )  # fmt: skip
        network = build(architecture, numbers)
        if initial:
            network.load_state_dict(initial.network.state_dict())
        if options.blur_level:
            counts = Counter(crop.picture for crop in corpus.crops)
            self._learn_blur_level(network, originals, [counts[number] for number in range(len(originals))])
        network = network.to(team.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        files: list[Path] = []
        for stage in range(1, options.stages + 1):
            file = folder.stage_file(stage)
            if file.is_file():
                network.load_state_dict(load_model(file).network.state_dict())
                self._say(f"stage {stage}: done already")
                self._measure(network, stage, validation)
            else:
                if stage > 1 and options.stage_init == "fresh":
                    torch.manual_seed(options.seed + stage)
                    network.load_state_dict(build(architecture, numbers).state_dict())
                self._phase_a(network, stage, supply, held)
                figures = self._measure(network, stage, validation)
                if team.leads:
                    save_model(file, network, ModelInfo(
                        name=options.model,
                        architecture=architecture,
                        numbers=dict(numbers),
                        stage=stage,
                        degradation=str(options.degradation),
                        data_hash=corpus.manifest_hash,
                        training=options.public(),
                        licence=LICENCE,
                        figures=figures,
                        colour=options.colour,
                    ))  # fmt: skip
                    folder.drop_checkpoint()
            files.append(file)
            if stage < options.stages and options.aim == "recurrent":
                self._say(f"stage {stage}: making its targets, HR{stage} = d(SR{stage}(HR0))")
                targets = near(self._targets(network, stage, originals), team.device)
                supply = replace(supply, targets=targets)
                if options.pair_aim == "recurrent":
                    supply = replace(supply, truths=targets)
        self._clear_targets()
        if team.leads:
            for file in options.out.glob("inputs-*.u8"):
                file.unlink()
        self._choose()
        return files

    def _initial(self, resume: bool) -> LoadedModel | None:
        """The model whose weights are the start: the run's own copy once there is one, since a model may change."""
        own = self._folder.init_file
        if not self._options.init:
            return None
        given = load_model(own if resume and own.is_file() else self._options.init)
        architecture, numbers = self._options.network
        if (given.info.architecture, dict(given.info.numbers)) == (architecture, dict(numbers)):
            return given
        torch.manual_seed(self._options.seed)  # every process grows the same
        network = build(architecture, numbers)
        try:
            init_from(network, given.network)
        except ValueError as error:
            raise OptionError(f"init {self._options.init}: {error}; wanted a part of {self._options.model}") from None
        return replace(given, network=network, info=replace(given.info, architecture=architecture, numbers=numbers))

    def _corpus(self, resume: bool) -> Corpus:
        """The pictures of the run, held against those with which it was begun."""
        options, team, folder = self._options, self._team, self._folder
        for name in ("batch", "pair_batch"):
            if getattr(options, name) % team.size:
                raise OptionError(
                    f"{name.replace('_', '-')} {getattr(options, name)}: wanted a multiple of the {team.size} processes"
                )
        if team.leads:
            folder.begin(resume=resume)
        corpus = collect(
            options.photos,
            crop_size=2 * options.patch,
            crops_per_picture=options.crops,
            held_out=options.held_out,
            seed=options.seed,
            stills=self._stills(resume),
            stills_weight=options.stills_weight,
            shrink=options.shrink,
            shrink_below=options.shrink_below,
            grey=options.grey,
            left_for_truth=options.left_for_truth,
            on_message=self._say,
        )
        if team.size > 1 and len(corpus.crops) < options.batch:
            raise OptionError(f"batch {options.batch}: there are only {len(corpus.crops)} crops; wanted more --crops")
        if team.leads:
            folder.keep_settings(options, corpus.manifest_hash)
            folder.refuse_other_weights(step_weights(options.degradation, options.pairs))
        team.wait()
        return corpus

    def _stills(self, resume: bool) -> list[Path]:
        """The folders of stills; those of videos, and rendered pages, are made once and then belong to the run."""
        options = self._options
        given = [Path(still) for still in options.stills]
        folders = [path for path in given if path.is_dir()]
        videos = [path for path in given if not path.is_dir()]
        if options.rendered:
            pages = options.out / "rendered"
            if self._team.leads and len(list(pages.glob("page-*.png"))) < options.rendered:
                render_pages(pages, options.rendered, seed=options.seed, on_message=self._say)
            self._team.wait()
            folders.append(pages)
        if not videos:
            return folders
        own = options.out / "stills"
        if self._team.leads and not (resume and own.is_dir()):
            part = own.with_suffix(".part")
            for left in (own, part):  # of a run that was killed before it began
                shutil.rmtree(left, ignore_errors=True)
            try:
                count = frame_extraction.save_stills(videos, part, on_message=self._say)
                part.replace(own)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            self._say(f"{count} stills taken from {', '.join(str(video) for video in videos)}")
        self._team.wait()
        return [*folders, own]

    def _learn_blur_level(self, network: Network, originals: Sequence[torch.Tensor], crops: Sequence[int]) -> None:
        """Train what estimates the blur level, once a run, and give it to the network, which is not to change it."""
        options, team, folder = self._options, self._team, self._folder
        assert network.blur_level is not None and options.pairs is not None
        if team.leads and not folder.has_blur_level:
            folder.keep_blur_level(train_blur_level(originals, crops, options.pairs, options.seed, self._say))
        team.wait()
        folder.load_blur_level(network.blur_level)
        network.blur_level.requires_grad_(False)

    def _phase_a(self, network: Network, stage: int, supply: Supply, held: HeldPairs | None) -> None:
        """Phase A of one stage, from the checkpoint of this stage if there is one."""
        options, team, folder = self._options, self._team, self._folder
        schedule = options.schedule(stage)
        state = train_stage.fresh_state(network, schedule)
        folder.load_checkpoint(stage, state)
        if team.leads:
            folder.rewind(stage, state.step)
        while state.step < schedule.steps:
            until = min(state.step + options.checkpoint_every, schedule.steps)
            began = time.monotonic()
            losses = train_stage.run(
                state, schedule, supply=supply, seed=options.seed * 1000 + stage, until=until, team=team
            )
            mean = sum(losses) / len(losses)
            if team.leads:
                rate = schedule.rate_at(state.step - 1)
                row: dict[str, float] = {"stage": stage, "step": state.step, "loss": mean, "rate": rate}
                if held and (until % _HELD_EVERY < options.checkpoint_every or until == schedule.steps):
                    row["held_pair_gain"] = held.gain(state.result)
                    self._say(f"stage {stage}, step {until}: {row['held_pair_gain']:+.3f} dB on held-out pairs")
                folder.record(row)
                folder.save_checkpoint(stage, state)
            self._on_progress(Progress(
                stage=stage, stages=options.stages, step=state.step, steps=schedule.steps, loss=mean,
                seconds_per_step=(time.monotonic() - began) / len(losses),
            ))  # fmt: skip
        state.finish()

    def _measure(self, network: Network, stage: int, validation: Validation | None) -> dict[str, float]:
        """The measures of a stage, taken unless the run has them already; {} in processes that do not lead."""
        if validation is None:
            return {}
        held = self._folder.measures()
        if 0 not in held:
            self._folder.record({"stage": 0, **validation.start()})
        if "delta_scalar" in held.get(stage, {}):
            validation.pass_over(network)
            return held[stage]
        measures = validation.after(network, stage)
        self._folder.record({"stage": stage, **measures})
        self._say(summary(stage, measures))
        return measures

    def _targets(self, network: Network, stage: int, originals: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """HR_n of all pictures, in memory or, beyond the limit, in a file."""
        options, team = self._options, self._team
        made = make_targets.targets(
            network, originals, team.device, lock_mean=options.lock_mean, colour=options.colour, team=team
        )
        if 2 * sum(original.numel() for original in originals) <= options.target_memory * 1e9:
            return list(made)
        file = options.out / f"targets-{stage}.f16"
        kept = make_targets.kept_in_file(made, [original.shape for original in originals], file, team)
        self._clear_targets(file)
        return kept

    def _clear_targets(self, *needed: Path) -> None:
        if self._team.leads:
            for file in set(self._options.out.glob("targets-*.f16")) - set(needed):
                file.unlink()

    def _choose(self) -> None:
        """Say which stage ships, and keep it in selection.json."""
        if self._team.leads:
            stages = {n: row for n, row in self._folder.measures().items() if 1 <= n <= self._options.stages}
            scores = {n: row["mos"] for n, row in stages.items() if "mos" in row}
            deltas = {n: row["delta_scalar"] for n, row in stages.items()}
            selection = select(scores, deltas)
            self._folder.write_json("selection.json", asdict(selection))
            self._say(selection.told(scores, deltas))

"""The recurrence: for each stage Phase A trains SR_n towards HR_{n-1}, then Phase B makes HR_n = d(SR_n(HR0)).

A run lives in one folder (`training.run_store`). It can be killed at any moment and resumed to the same numbers.

    vidrts train --photos DIR --model rts-r3 --out RUN
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from vidrts.networks.blur_level import BlurLevel
from vidrts.networks.checkpoint import load_model
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.training import make_targets, train_stage
from vidrts.training.batches import Supply, near
from vidrts.training.distributed import joined
from vidrts.training.held_pairs import HeldPairs
from vidrts.training.improvement import last_pair_gains, shortfalls
from vidrts.training.lr_cache import Inputs
from vidrts.training.objective import inner_part, pair_part
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import Row
from vidrts.training.selection import select
from vidrts.training.teacher import kept_targets
from vidrts.training.training_run import Prepared, Progress, TrainingRun

_HELD_EVERY = 5000
"""Steps between two looks at the held-out pairs."""


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
        return _Recurrence(options, team, on_message, on_progress).train(resume=resume)


class _Recurrence(TrainingRun[TrainOptions]):
    """Phases A and B in turn."""

    def train(self, *, resume: bool) -> list[Path]:
        options, store = self.options, self.store
        network = build(*options.network)
        inner_part(network, 2 * options.patch)  # is refused before anything is written
        if options.pairs:
            pair_part(network, options.patch)
        prepared = self.prepare(resume=resume)
        network, supply, held = prepared.network, self._supply(prepared), self._held_pairs(prepared)
        files: list[Path] = []
        for stage in range(1, options.stages + 1):
            file = store.stage_file(stage)
            if file.is_file():
                network.load_state_dict(load_model(file).network.state_dict())
                self.tell(f"stage {stage}: done already")
                self.measure(network, stage)
            else:
                if stage > 1 and options.stage_init == "fresh":
                    network.load_state_dict(self.fresh_network(options.seed + stage).state_dict())
                    if network.blur_level is not None:
                        store.load_blur_level(network.blur_level)
                self._phase_a(network, stage, supply, held)
                self.finish_stage(network, stage, prepared.corpus.manifest_hash)
            files.append(file)
            if stage < options.stages and options.aim == "recurrent":
                self.tell(f"stage {stage}: making its targets, HR{stage} = d(SR{stage}(HR0))")
                targets = near(self._phase_b(network, stage, prepared.originals), self.team.device)
                supply = replace(supply, targets=targets)
                if options.pair_aim == "recurrent":
                    supply = replace(supply, truths=targets)
        self._clear_targets()
        self.finish()
        self._select()
        return files

    def _supply(self, prepared: Prepared) -> Supply:
        """What the batches of stage 1 are taken from."""
        inputs, device = prepared.inputs, self.team.device
        low, *same = near([each for each in (inputs.low, inputs.same) if each is not None], device)
        originals = near(prepared.originals, device)
        return Supply(
            low, originals, prepared.corpus.crops, same[0] if same else None, originals, inputs.low_levels,
            inputs.same_levels, self._taught(inputs), self.options.teacher_weight,
        )  # fmt: skip

    def known_blur_level(self) -> BlurLevel | None:
        return load_model(self.options.teacher).network.blur_level if self.options.teacher else None

    def _taught(self, inputs: Inputs) -> torch.Tensor | None:
        """What the teacher makes of the inputs of pairs."""
        if not self.options.teacher:
            return None
        return kept_targets(load_model(self.options.teacher), inputs, self.cache, self.tell)

    def _held_pairs(self, prepared: Prepared) -> HeldPairs | None:
        corpus, pairs = prepared.corpus, self.options.pairs
        if not self.team.leads or pairs is None:
            return None
        unseen = [picture.original() for picture in corpus.validation]
        return HeldPairs(unseen, pairs, corpus.crop_size, self.team.device)

    def _phase_a(self, network: Network, stage: int, supply: Supply, held: HeldPairs | None) -> None:
        options = self.options
        schedule = options.schedule(stage)
        state = train_stage.fresh_state(network, schedule)

        def part(until: int) -> list[float]:
            return train_stage.run(
                state, schedule, supply=supply, seed=options.seed * 1000 + stage, until=until, team=self.team
            )

        def row() -> Row:
            step = state.step
            found: Row = {"rate": schedule.rate_at(step - 1)}
            if held and (step % _HELD_EVERY < options.checkpoint_every or step == schedule.steps):
                found["held_pair_gain"] = held.gain(state.result)
                self.tell(f"stage {stage}, step {step}: {found['held_pair_gain']:+.3f} dB on held-out pairs")
            return found

        self.train_stage(stage, options.stages, state, schedule.steps, part, row)
        state.finish()

    def _phase_b(self, network: Network, stage: int, originals: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """HR_n of all pictures, in memory or, beyond the limit, in a file."""
        options, team = self.options, self.team
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
        if self.team.leads:
            for file in set(self.options.out.glob("targets-*.f16")) - set(needed):
                file.unlink()

    def _select(self) -> None:
        """Say which stage ships, or why none does, and keep it in selection.json."""
        if self.team.leads:
            stages = {n: row for n, row in self.store.measures().items() if 1 <= n <= self.options.stages}
            scores = {n: row["mos"] for n, row in stages.items() if "mos" in row}
            deltas = {n: row["delta_scalar"] for n, row in stages.items()}
            measures = {0: self.store.measures().get(0, {}), **stages}
            failed = shortfalls(self.options, measures, last_pair_gains(self.store.rows()))
            selection = select(scores, deltas, failed)
            self.store.write_json("selection.json", asdict(selection))
            self.tell(selection.told(scores, deltas))

"""Adversarial training in two phases: stage-1.safetensors is faithful, stage-2.safetensors takes noise for detail.

vidrts train --method adversarial --photos DIR --out RUN --degrade cubic --features vgg19_relu3_1.safetensors
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import ModelInfo, load_model, save_model
from vidrts.networks.gmgbp import GMGBP
from vidrts.networks.network import Network
from vidrts.training.adversarial import features, steps
from vidrts.training.adversarial.measures import Held
from vidrts.training.adversarial.options import AdversarialOptions
from vidrts.training.adversarial.state import State, fresh_state
from vidrts.training.batches import Supply, near
from vidrts.training.corpus import Corpus
from vidrts.training.distributed import joined
from vidrts.training.run_store import Row
from vidrts.training.selection import in_words
from vidrts.training.training_run import Prepared, Progress, TrainingRun

_LARGE_NORM, _SURE, _GRID, _LOST = 100.0, 0.9, 0.15, 0.2
"""From which on people are told: norm of gradients, how sure the discriminator is of both kinds, `phase_share`, dB of
PSNR at W = 0 below phase 1's."""


def train(
    options: AdversarialOptions,
    *,
    resume: bool = False,
    on_message: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Path]:
    """Run (or go on with) a training; returns the model file of each phase. As `recurrence.train`."""
    with joined(options.device) as team:
        return _Adversarial(options, team, on_message, on_progress).train(resume=resume)


class _Adversarial(TrainingRun[AdversarialOptions]):
    """Both phases in turn."""

    def train(self, *, resume: bool) -> list[Path]:
        options, store = self.options, self.store
        seen = features.load(options.features).to(self.team.device)
        prepared = self.prepare(resume=resume)
        network = prepared.network
        assert isinstance(network, GMGBP)
        (low,) = near([prepared.inputs.low], self.team.device)
        supply = Supply(low, near(prepared.originals, self.team.device), prepared.corpus.crops)
        files = []
        for phase in (1, 2) if options.adversarial_steps else (1,):
            file = store.stage_file(phase)
            if file.is_file():
                network.load_state_dict(load_model(file).network.state_dict())
                self.tell(f"phase {phase}: done already")
            else:
                self._phase(phase, network, supply, seen, prepared)
            files.append(file)
        self.finish()
        self._judge()
        return files

    def begin_measuring(self, corpus: Corpus) -> None:
        """See the parent."""
        self._held = Held([picture.original() for picture in corpus.validation], self.team.device)

    def info(self, stage: int, data_hash: str, figures: Mapping[str, float]) -> ModelInfo:
        """See the parent; trained at several scales it is for all of them."""
        return replace(super().info(stage, data_hash, figures), scale=2 if self.options.largest == 2 else 1)

    def _phase(self, phase: int, network: GMGBP, supply: Supply, seen: features.Features, prepared: Prepared) -> None:
        options, team = self.options, self.team
        state = fresh_state(network, options, phase)
        if phase == 2:
            self.tell(Message(Code.FEATURES_COMPARED, features=seen.title))

        def part(until: int) -> list[float]:
            if phase == 1:
                return steps.pretrain(state, options, supply, team, until)
            return steps.adversarial(state, options, supply, team, until, seen)

        def row() -> Row:
            rates = {1: options.rate, 2: options.adversarial_rate}
            found = {"rate": options.rate_at(rates[phase], state.step - 1), **state.means()}
            self._warn(phase, state.step, found)
            if phase == 2 and (state.step % options.snapshot_every < options.checkpoint_every):
                found |= self._snapshot(state, prepared)
            return found

        total = options.steps if phase == 1 else options.adversarial_steps
        self.train_stage(phase, 2 if options.adversarial_steps else 1, state, total, part, row)
        network.load_state_dict(state.result.state_dict())
        network.eval()
        self.finish_stage(network, phase, prepared.corpus.manifest_hash)

    def measure(self, network: Network, stage: int) -> dict[str, float]:
        """Those of `measures`, kept in metrics.jsonl."""
        if not self.team.leads:
            return {}
        found = self._held(network)
        self.store.record({"stage": stage, **found})
        self.tell(f"phase {stage}: {_told(found)}")
        return found

    def _judge(self) -> None:
        """Say what to do next; a network that is no nearer the truth than Lanczos, even without noise, is of no use."""
        if not self.team.leads:
            return
        phases, lanczos = {n: m for n, m in self.store.measures().items() if n > 0}, self._held.lanczos()
        failed = {
            n: Message(Code.NOT_ABOVE_LANCZOS, psnr=m["psnr_w0"], lanczos=lanczos)
            for n, m in phases.items() if not m["psnr_w0"] > lanczos
        }  # fmt: skip
        if len(failed) == len(phases):
            self.tell(Message(Code.NO_STAGE_IMPROVES, reasons=in_words(failed)))
        elif failed:
            self.tell(Message(Code.STAGE_FAILED, reasons=in_words(failed)))
        elif 2 in phases:
            self.tell(Message(Code.CALIBRATE_NEXT, file=self.store.stage_file(2)))

    def _snapshot(self, state: State, prepared: Prepared) -> dict[str, float]:
        """A model file to look at, and its measures."""
        options = self.options
        network = state.result
        training = network.training
        found = self._held(network.eval())
        network.train(training)
        folder = options.out / "snapshots"
        folder.mkdir(exist_ok=True)
        save_model(
            folder / f"step-{state.step}.safetensors", network, self.info(2, prepared.corpus.manifest_hash, found)
        )
        self.tell(f"step {state.step}: {_told(found)}")
        first = self.store.measures().get(1, {}).get("psnr_w0", found["psnr_w0"])
        if found["psnr_w0"] < first - _LOST:
            self.tell(Message(Code.FAITHFULNESS_LOST, step=state.step, lost=first - found["psnr_w0"]))
        return found

    def _warn(self, phase: int, step: int, means: dict[str, float]) -> None:
        """Tell what goes wrong in ways that numbers show."""
        if means.get("norm", 0) > _LARGE_NORM:
            self.tell(Message(Code.GRADIENTS_LARGE, phase=phase, step=step, norm=means["norm"]))
        if means.get("real_score", 0) > _SURE and means.get("fake_score", 1) < 1 - _SURE:
            scores = {"real": means["real_score"], "fake": means["fake_score"]}
            self.tell(Message(Code.DISCRIMINATOR_WINS, step=step, **scores))
        if means.get("grid", 0) > _GRID:
            self.tell(Message(Code.GRID_FOUND, step=step, share=means["grid"]))


def _told(measures: dict[str, float]) -> str:
    return (
        f"luma PSNR {measures['psnr_w0']:.2f} dB at W = 0 and {measures['psnr_w1']:.2f} at W = 1, high frequencies "
        f"{measures['high_w0']:.2f} and {measures['high_w1']:.2f} of the truth's"
    )

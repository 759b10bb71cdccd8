"""Training a degrader: a reconstruction network on crops of photographs scaled down as LR is.

The customary training leaves one or two codes in use when it is short. So the first steps have no quantisers, the codes
are then drawn from the data, and codes that nothing chooses are drawn anew again and again.

A run can be killed at any moment and resumed to the same numbers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidrts.errors import TrainingError
from vidrts.measure.fidelity import psnr
from vidrts.networks.names import RECONSTRUCTIONS
from vidrts.networks.reconstruction.checkpoint import DegraderInfo, SnapshotInfo, load_degrader
from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork
from vidrts.networks.reconstruction.registry import build
from vidrts.ops.lanczos import halve
from vidrts.picture.device import pick_device
from vidrts.training.batches import turned
from vidrts.training.corpus import Corpus, collect, read_picture
from vidrts.training.degradation.step import stored
from vidrts.training.degrader.options import DegraderOptions
from vidrts.training.degrader.reconstruct import reconstructed
from vidrts.training.degrader.store import DegraderStore
from vidrts.training.training_run import LICENCE

FAST, SLOW = 1e-3, 3e-4
"""Learning rates."""
_REDRAWN = (20, 50)
"""Steps between two looks for unused codes, at these rates."""
_UNUSED = 0.1
"""Mean count in a batch below which a code is unused."""
_MEASURED = 256
"""Most pixels each way of the part of a held-out picture that is measured: its middle."""
GOOD = (27.0, 30.0)
"""dB of reconstruction at which damage looks real: below, a lattice of 4 pixels shows; above, too little is damaged."""
_SHIPPED = 3
"""Snapshots at most in the file that users take."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands."""

    step: int
    steps: int
    views: int
    loss: float
    """Mean squared error of the last part's crops, of values -1..1, with what is added to it."""
    codes: tuple[int, ...]
    """In use in the last batch, of each level."""
    seconds_per_step: float


@dataclass
class _State:
    network: ReconstructionNetwork
    adam: torch.optim.Adam
    step: int = 0

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "adam": self.adam.state_dict(), "step": self.step}

    def load_state_dict(self, held: dict[str, Any]) -> None:
        self.network.load_state_dict(held["network"])
        self.adam.load_state_dict(held["adam"])
        self.step = held["step"]


def train_degrader(
    options: DegraderOptions,
    *,
    resume: bool = False,
    on_message: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Run (or go on with) a training; returns the degrader file, which holds the snapshots that are `GOOD`.

    With `resume`, a run whose folder holds other settings or whose pictures have changed is refused with
    `TrainingError`; without, a folder that holds a run already.
    """
    device = pick_device(options.device)
    store = DegraderStore(options.out)
    store.begin(resume=resume)
    corpus = corpus_of(options, on_message)
    store.keep_settings(options, corpus.manifest_hash)
    pictures = training_pictures(corpus)
    held = held_out_pictures(corpus, options)
    on_message(f"{len(pictures)} photographs, {len(held)} held out")
    torch.manual_seed(options.seed)
    network = build(options.network, RECONSTRUCTIONS[options.network]).to(device)
    state = _State(network, torch.optim.Adam(network.parameters(), lr=FAST))
    store.load_checkpoint(1, state)
    store.rewind(1, state.step)
    snapshots = options.snapshots
    while state.step < options.steps:
        began, first = time.monotonic(), state.step
        until = min(step for step in (*snapshots, (first // options.checkpoint_every + 1) * options.checkpoint_every)
                    if step > first)  # fmt: skip
        losses: list[float] = []
        codes: tuple[int, ...] = ()
        while state.step < until:
            loss, made = _step(state, options, pictures)
            losses.append(loss)
            codes = tuple(len(torch.bincount(coded.indices.flatten()).nonzero()) for coded in made.coded)
            state.step += 1
        mean, views = sum(losses) / len(losses), state.step * options.batch
        row: dict[str, Any] = {"stage": 1, "step": state.step, "views": views, "loss": mean, "codes": codes}
        if state.step in snapshots:
            row["psnr"] = _psnr(network, held, options.seed)
            info = _info(options, corpus, [SnapshotInfo(views, row["psnr"])])
            store.keep_snapshot(network.state_dict(), info)
            on_message(f"{views} views: {row['psnr']:.2f} dB on held-out pictures")
        store.record(row)
        store.save_checkpoint(1, state)
        on_progress(Progress(
            step=state.step, steps=options.steps, views=views, loss=mean, codes=codes,
            seconds_per_step=(time.monotonic() - began) / len(losses),
        ))  # fmt: skip
    return _keep_chosen(store, _info(options, corpus, []))


def corpus_of(options: DegraderOptions, on_message: Callable[[str], None] = lambda line: None) -> Corpus:
    """The photographs of a run, and which are held out; raises `TrainingError`."""
    return collect(
        options.photos, crop_size=2 * options.side, crops_per_picture=1, held_out=options.held_out, seed=options.seed,
        shrink=options.shrink, shrink_below=options.shrink, left_for_truth=options.left_for_truth,
        on_message=on_message,
    )  # fmt: skip


def training_pictures(corpus: Corpus) -> list[torch.Tensor]:
    """(3, h, w) uint8, scaled down as LR is."""
    return [_halved(picture.original()) for picture in corpus.training]


def held_out_pictures(corpus: Corpus, options: DegraderOptions) -> list[torch.Tensor]:
    """The middle of each held-out photograph as the network sees them: (3, h, w) uint8, scaled down as LR is."""
    found = []
    for picture in corpus.validation:
        whole = _halved(read_picture(picture.path, options.shrink))
        top, left = ((length - min(length, _MEASURED)) // 2 for length in whole.shape[1:])
        found.append(whole[:, top : top + _MEASURED, left : left + _MEASURED])
    return found


def _halved(picture: torch.Tensor) -> torch.Tensor:
    return stored(halve(picture[None].float(), "triangle")[0])


def _step(state: _State, options: DegraderOptions, pictures: Sequence[torch.Tensor]) -> tuple[float, Reconstruction]:
    """One step; raises `TrainingError` where the loss is not finite."""
    network, step = state.network, state.step
    rng = np.random.default_rng((options.seed, step))
    device = next(network.parameters()).device
    x = _crops(pictures, options.batch, options.side, rng).to(device).float() / 127.5 - 1
    fast = step < options.free_steps + options.fast_steps
    for group in state.adam.param_groups:
        group["lr"] = FAST if fast else SLOW
    network.train()
    for quantizer in network.quantizers:
        quantizer.passes = step < options.free_steps
    made = network(x, rng)
    loss = (made.picture - x).square().mean() + made.penalty
    state.adam.zero_grad()
    loss.backward()
    value = float(loss.detach())
    if not np.isfinite(value):
        raise TrainingError(f"step {step}: the loss is {value}; start anew with another --seed or --batch")
    state.adam.step()
    for quantizer, coded in zip(network.quantizers, made.coded, strict=True):
        if step == options.free_steps - 1:
            quantizer.fill(coded.vectors, rng)
        elif step >= options.free_steps and (step + 1) % _REDRAWN[0 if fast else 1] == 0:
            quantizer.redraw(coded.vectors, rng, _UNUSED)
    return value, made


def _crops(pictures: Sequence[torch.Tensor], count: int, side: int, rng: np.random.Generator) -> torch.Tensor:
    """(count, 3, side, side) uint8, each turned and mirrored at random."""
    found = []
    for number in rng.integers(len(pictures), size=count):
        picture = pictures[number]
        y, x = (int(rng.integers(length - side + 1)) for length in picture.shape[1:])
        found.append(turned(picture[:, y : y + side, x : x + side], int(rng.integers(8))))
    return torch.stack(found)


def _psnr(network: ReconstructionNetwork, pictures: Sequence[torch.Tensor], seed: int) -> float:
    """Mean PSNR of the reconstruction of these, dB."""
    network.eval()
    found = [psnr(reconstructed(network, picture.float() / 255, np.random.default_rng(seed)), picture.float() / 255)
             for picture in pictures]  # fmt: skip
    return float(np.mean(found))


def _info(options: DegraderOptions, corpus: Corpus, snapshots: Sequence[SnapshotInfo]) -> DegraderInfo:
    return DegraderInfo(
        architecture=options.network, numbers=RECONSTRUCTIONS[options.network], training=options.public(),
        data_hash=corpus.manifest_hash, licence=LICENCE, snapshots=tuple(snapshots),
    )  # fmt: skip


def chosen(snapshots: Sequence[SnapshotInfo]) -> list[SnapshotInfo]:
    """Those that users take: of the `GOOD` ones the least, the middle and the best, else the last one of all."""
    good = sorted((s for s in snapshots if GOOD[0] <= s.psnr <= GOOD[1]), key=lambda s: s.psnr)
    if not good:
        return list(snapshots[-1:])
    places = {round(k * (len(good) - 1) / (_SHIPPED - 1)) for k in range(_SHIPPED)}
    return sorted((good[place] for place in places), key=lambda s: s.views)


def _keep_chosen(store: DegraderStore, info: DegraderInfo) -> Path:
    taken = chosen(store.snapshots())
    networks = [load_degrader(store.snapshot_file(snapshot.views)).networks[0] for snapshot in taken]
    return store.keep_degrader([network.state_dict() for network in networks], info, taken)

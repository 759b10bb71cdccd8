"""The registry of steps, and a small learned degrader that registers itself: batches, mixtures, hashes, refusals."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner
from helpers.paths import ROOT
from PIL import Image
from torch import nn

from vidrts.cli.train import train as train_command
from vidrts.errors import OptionError, TrainingError
from vidrts.training.corpus import Corpus, Crop, read_picture
from vidrts.training.degradation import registry
from vidrts.training.degradation.in_batches import in_batches
from vidrts.training.degradation.presets import PAIR_PRESETS, PRESETS
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.degradation.step import StepKind
from vidrts.training.distributed import Team
from vidrts.training.lr_cache import make_inputs
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore


class Toy(nn.Module):
    """Two convolutions, the second of one noise channel more, in float64: its rounding does not depend on batches."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(5, 3, 3, padding=1)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return x + 0.2 * self.second(torch.cat([self.first(x).relu(), noise], 1))


class ToyStep:
    """The step of a weights file; notes how many pictures each call brings."""

    scales = softens = False

    def __init__(self, file: Path) -> None:
        self.file = file
        self.weights_hash = hashlib.sha256(file.read_bytes()).hexdigest()
        self.network = Toy()
        self.network.load_state_dict(safetensors.torch.load_file(file))
        self.network.double().requires_grad_(False)
        self.calls: list[int] = []

    def __str__(self) -> str:
        return "toy"

    def __call__(self, pictures: Sequence[torch.Tensor], rngs: Sequence[np.random.Generator]) -> list[torch.Tensor]:
        self.calls.append(len(pictures))
        x = torch.stack(list(pictures)).double() / 255
        noise = torch.stack([torch.from_numpy(rng.standard_normal((1, *x.shape[2:]))) for rng in rngs])
        return list((255 * self.network(x, noise)).round().clamp(0, 255).to(torch.uint8))


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Path]:
    """The weights of the toy, which recipes may name for one test."""
    file = tmp_path / "toy.safetensors"
    torch.manual_seed(1)
    safetensors.torch.save_file(Toy().state_dict(), file)
    registry.register(StepKind("toy", "", "What a small network makes of it.", lambda: ToyStep(file)))
    yield file
    del registry.STEPS["toy"]


def toy_step(degradation: Degradation) -> ToyStep:
    (step,) = (step for step in degradation._choice.steps() if isinstance(step, ToyStep))
    return step


@pytest.fixture(scope="module")
def crops(kodak: Path) -> list[torch.Tensor]:
    pictures = [read_picture(path) for path in sorted(kodak.rglob("*.png"))[:3]]
    return [pictures[k % 3][:, 30 * k : 30 * k + 64, 40 * k : 40 * k + 64] for k in range(9)]


SEEDS = list(range(100, 109))


@pytest.mark.parametrize("recipe", [*PRESETS.values(), "3*triangle > jpeg:30-95 | 0.3*toy > triangle"])
def test_results_do_not_depend_on_batches(crops: list[torch.Tensor], toy: Path, recipe: str) -> None:
    degradation = Degradation(recipe)
    alone = [degradation(crop, seed) for crop, seed in zip(crops, SEEDS, strict=True)]
    for size in (2, 9):
        found = [
            made
            for first in range(0, 9, size)
            for made in degradation.batch(crops[first : first + size], SEEDS[first : first + size])
        ]
        assert all(torch.equal(a, b) for a, b in zip(alone, found, strict=True))


def test_blur_levels_do_not_depend_on_batches(crops: list[torch.Tensor]) -> None:
    film = Degradation(PAIR_PRESETS["film"], halves=False)
    together = film.batch_with_blur_levels(crops, SEEDS)
    for crop, seed, (made, levels) in zip(crops, SEEDS, together, strict=True):
        alone, levels_alone = film.with_blur_levels(crop, seed)
        assert torch.equal(made, alone) and levels == levels_alone
        assert torch.equal(made, film(crop, seed))
    assert len({levels for _, levels in together}) > 2


def test_batches_come_back_in_order() -> None:
    sizes: list[int] = []

    def work(numbers: range) -> list[int]:
        sizes.append(len(numbers))
        return [number * number for number in numbers]

    assert in_batches(work, range(1, 200, 3)) == [number * number for number in range(1, 200, 3)]
    assert 1 < max(sizes) <= 32 and in_batches(work, range(0)) == []


def test_a_learned_step_mixes_in_and_is_called_in_batches(crops: list[torch.Tensor], toy: Path) -> None:
    degradation = Degradation("(3*none | toy) > (none | jpeg:40)", halves=False)
    assert str(degradation) == "(3*none | toy) > (none | jpeg:40)"
    step, seeds = toy_step(degradation), list(range(40))
    made = degradation.batch([crops[k % 9] for k in range(40)], seeds)
    assert len(step.calls) == 1 and 4 <= sum(step.calls) <= 18, "one call for all crops that it is drawn for"
    pure = Degradation("none > (none | jpeg:40)", halves=False)
    changed = sum(not torch.equal(made[k], crops[k % 9]) for k in range(40))
    assert changed > sum(not torch.equal(pure(crops[k % 9], k), crops[k % 9]) for k in range(40)) / 2
    assert [kind.name for kind in degradation.kinds] == ["none", "jpeg", "toy"]
    assert degradation.weights == {"toy": step.weights_hash} and pure.weights == {}
    assert [levels for _, levels in degradation.batch_with_blur_levels(crops, SEEDS)] == [(0.0, 0.0)] * 9


def test_other_weights_are_other_inputs(crops: list[torch.Tensor], toy: Path, tmp_path: Path) -> None:
    corpus = Corpus(training=(), validation=(), left_out=(), crop_size=64,
                    crops=tuple(Crop(k, 0, 0, 100 + k) for k in range(9)))  # fmt: skip
    cache = tmp_path / "cache"
    first = Degradation("toy > triangle")
    made = make_inputs(crops, corpus, first, None, Team(), cache)
    calls = toy_step(first).calls
    assert sum(calls) == 9 and len(calls) < 9
    again = Degradation("toy > triangle")
    assert torch.equal(make_inputs(crops, corpus, again, None, Team(), cache).low, made.low)
    assert toy_step(again).calls == [], "from the cache"
    torch.manual_seed(2)
    safetensors.torch.save_file(Toy().state_dict(), toy)
    other = Degradation("toy > triangle")
    assert not torch.equal(make_inputs(crops, corpus, other, None, Team(), cache).low, made.low)
    assert sum(toy_step(other).calls) == 9 and len(list(cache.iterdir())) == 2


def test_a_run_goes_on_with_the_same_weights_alone(crops: list[torch.Tensor], toy: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, crop in enumerate(crops[:3]):
        Image.fromarray(crop.permute(1, 2, 0).contiguous().numpy()).save(photos / f"{number}.png")
    run = tmp_path / "run"
    train(TrainOptions(
        photos=photos, out=run, model="rts-lite", stages=1, steps=1, batch=1, patch=16, crops=3, held_out=1,
        device="cpu", viqet=False, degradation=Degradation("3*triangle > jpeg:30-95 | 0.3*toy > triangle"),
    ))  # fmt: skip
    before = hashlib.sha256(toy.read_bytes()).hexdigest()
    assert json.loads((run / "manifest.json").read_text())["step_weights"] == {"toy": before}
    train(RunStore(run).options(), resume=True)
    torch.manual_seed(2)
    safetensors.torch.save_file(Toy().state_dict(), toy)
    with pytest.raises(TrainingError, match="weights of degradation step toy"):
        train(RunStore(run).options(), resume=True)


def test_unknown_steps_and_arguments_are_errors_that_say_what_there_is(toy: Path) -> None:
    with pytest.raises(OptionError, match=r"'sinc': .*triangle.*mpeg2.*toy"):
        Degradation("sinc")
    with pytest.raises(OptionError, match=r"'h264': expected h264:LOW-HIGH\[:FRAMES\[:PAN\]\]"):
        Degradation("triangle > h264")
    with pytest.raises(OptionError, match="'triangle:3': expected triangle"):
        Degradation("triangle:3")
    for name in ("toy", "jpeg", "a b", "a:b", ""):
        with pytest.raises(ValueError, match="expected a new name"):
            registry.register(StepKind(name, "", "", registry.STEPS["none"].make))


def test_every_step_is_in_help_and_docs() -> None:
    shown = " ".join(CliRunner().invoke(train_command, ["--help"], terminal_width=200).output.split())
    docs = (ROOT / "models" / "data.md").read_text()
    for usage, about in registry.step_table():
        assert f"{usage} {about}" in shown and about.endswith(".")
        assert f"| `{usage}` | {about} |" in docs

"""Same-size pairs: their places, their loss against a second computation, what a run with them learns and keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.few_photos import shrunk
from helpers.networks import tiny_network
from hypothesis import given
from hypothesis import strategies as st

from vidrts.errors import OptionError
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import load_model
from vidrts.ops.lanczos import halve
from vidrts.training import corpus, make_targets
from vidrts.training.batches import Supply, turned
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.distributed import Team
from vidrts.training.held_pairs import HeldPairs
from vidrts.training.lr_cache import make_inputs, pair_place
from vidrts.training.objective import Objective, inner_part, pair_part
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.schedule import Schedule

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def few_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small photographs."""
    return shrunk(photos, tmp_path_factory.mktemp("few"), (400, 300))


@given(seed=st.integers(0, 2**31 - 1), patch=st.integers(16, 160))
def test_a_pair_lies_within_its_crop_away_from_the_edge(seed: int, patch: int) -> None:
    y, x = pair_place(corpus.Crop(0, 0, 0, seed), 2 * patch)
    edge = min(8, patch // 4)
    assert edge <= min(y, x) and max(y, x) + patch <= 2 * patch - edge
    assert (y, x) == pair_place(corpus.Crop(5, 9, 9, seed), 2 * patch)


@pytest.fixture(scope="module")
def cropped(kodak: Path) -> tuple[list[torch.Tensor], corpus.Corpus]:
    pictures = [corpus.read_picture(path) for path in sorted(kodak.rglob("*.png"))[:2]]
    crops = tuple(corpus.Crop(k % 2, 40 * k, 30 * k, 100 + k, grey=k == 3) for k in range(5))
    return pictures, corpus.Corpus(training=(), validation=(), left_out=(), crops=crops, crop_size=96)


def test_inputs_come_again_from_the_cache(
    cropped: tuple[list[torch.Tensor], corpus.Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, whole = cropped
    lows, pairs = Degradation("any-kernel"), Degradation("film", halves=False)
    made = make_inputs(pictures, whole, lows, pairs, Team(), tmp_path)
    assert made.same is not None and made.low.shape == made.same.shape == (5, 3, 48, 48)
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr(Degradation, "__call__", None)  # nothing is made again
    again = make_inputs([], whole, lows, pairs, Team(), tmp_path)
    assert again.same is not None and torch.equal(again.low, made.low) and torch.equal(again.same, made.same)
    assert again.sha256 == made.sha256 and list(tmp_path.iterdir()) == [file]


def test_a_batch_has_the_truth_of_each_pair_at_its_place(
    cropped: tuple[list[torch.Tensor], corpus.Corpus], tmp_path: Path
) -> None:
    """With nothing spoiled an input is its truth: this shows the place, and that grey is taken on both sides."""
    pictures, whole = cropped
    inputs = make_inputs(pictures, whole, Degradation("plain"), Degradation("none", halves=False), Team(), tmp_path)
    supply = Supply(inputs.low, pictures, whole.crops, inputs.same, pictures)
    low, target, same, truth = supply.batch(np.array([0, 3]), np.array([1, 3, 4]), CPU)
    assert low.shape == (2, 3, 48, 48) and target.shape == (2, 3, 96, 96)
    assert (same - truth).abs().max() <= 0.5 / 255 + 1e-6  # grey is rounded in the input
    assert torch.equal(same[0], truth[0]) and torch.equal(same[2], truth[2])
    assert (target[1].amax(0) - target[1].amin(0)).max() < 1e-6 and (same[1].amax(0) == same[1].amin(0)).all()
    y, x = pair_place(whole.crops[1], 96)
    assert torch.equal(same[0] * 255, pictures[1][:, 40 + y : 88 + y, 30 + x : 78 + x].float())


@pytest.mark.parametrize(
    ("colour", "floor", "told"), [("luma", 1.0, 0), ("luma", 0.0, 0), ("rgb", 4.0, 0), ("luma", 1.0, 1)]
)
def test_the_pairs_loss_is_the_error_of_d_of_sr_over_that_of_the_input(colour: str, floor: float, told: int) -> None:
    """A network that is told blur levels is told those of each pair."""
    network = tiny_network(blur_level=told).requires_grad_()
    levels = torch.tensor([[0.0, 0.1], [0.5, 0.9], [0.2, 0.6]])
    schedule = Schedule(
        steps=1, bf16=False, flats=0, colour=colour, pair_weight=2.0, pair_floor=floor  # type: ignore[arg-type]
    )  # fmt: skip
    low, target = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 64, 64)
    truth = torch.rand(3, 3, 40, 40)
    same = (truth + 0.1 * torch.randn_like(truth)).clamp(0, 1)
    objective = Objective(network, schedule, inner_part(network, 64))
    none = low[:0]
    flats = torch.rand(0, 3, 1, 1)
    alone = objective(low, target, flats, none, none, levels[:1], levels[:0])
    both = objective(low, target, flats, same, truth, levels[:1], levels)
    errors = []
    part = pair_part(network, 40)
    for y, t, level in zip(same.double(), truth.double(), levels, strict=True):
        with torch.no_grad():
            enhanced = halve(network.double()(network.prepared(y[None], level[None])))[0]
        network.float()
        planes = [luma(p) if colour == "luma" else p for p in (enhanced, y, t)]
        e, before, wanted = (p[..., part, part] for p in planes)
        error = float((e - wanted).square().mean())
        errors.append(
            error * 1e-3 / (float((before - wanted).square().mean()) + (floor / 255) ** 2) if floor else error
        )
    assert float((both - alone).detach()) == pytest.approx(2 * np.mean(errors), rel=1e-3)


@contextmanager
def seen_types(layer: torch.nn.Module) -> Iterator[set[torch.dtype]]:
    """The types of what a layer gives within the block."""
    types: set[torch.dtype] = set()
    hook = layer.register_forward_hook(lambda _layer, _given, result: types.add(result.dtype))
    yield types
    hook.remove()


@pytest.mark.parametrize("native", [True, False])
def test_bf16_is_for_the_residual_alone(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that leaves a picture as it is has no loss by rounding: d itself is in float32.

    Where bf16 would be emulated, several times slower, the residual is computed in float32, too.
    """
    monkeypatch.setattr("vidrts.training.objective.computes_bf16", lambda device: native)
    network = tiny_network().requires_grad_()
    with torch.no_grad():
        network.conv_out.weight.zero_()
        network.conv_out.bias.zero_()  # type: ignore[union-attr]
    same = torch.rand(2, 3, 40, 40)
    losses = []
    for bf16 in (False, True):
        schedule = Schedule(steps=1, bf16=bf16, flats=0, colour="luma", pair_weight=1.0)
        objective = Objective(network, schedule, inner_part(network, 64))
        low, target = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 64, 64)
        flats, levels = torch.rand(0, 3, 1, 1), torch.zeros(2, 2)
        with seen_types(network.conv_in) as types:
            losses.append(float(objective(low, target, flats, same, same, levels[:1], levels).detach()))
        assert types == {torch.bfloat16 if bf16 and native else torch.float32}
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_a_pair_too_small_for_the_network_is_refused() -> None:
    network = tiny_network(n=3)
    assert pair_part(network, 20) == slice(9, 11)
    with pytest.raises(OptionError, match=r"patch 18: .* more than 18 "):
        pair_part(network, 18)


def test_targets_of_a_luma_run_have_the_originals_chroma(kodak: Path) -> None:
    original = corpus.read_picture(sorted(kodak.rglob("*.png"))[3])[:, :96, :128]
    network = tiny_network()
    for lock_mean in (False, True):
        (target,) = make_targets.targets(network, [original], CPU, lock_mean=lock_mean, colour="luma")
        change = target.float() - original.float() / 255
        inner = ((target > 0) & (target < 1)).all(dim=0)
        assert change.abs().max() > 0.01 and inner.float().mean() > 0.5
        assert (change.amax(0) - change.amin(0))[inner].max() < 1.5e-3  # float16
    grey = original[:1].expand(3, -1, -1)
    (target,) = make_targets.targets(network, [grey], CPU, lock_mean=True, colour="luma")
    assert torch.equal(target[0], target[1]) and torch.equal(target[0], target[2])


def test_turning_is_one_of_the_eight_ways() -> None:
    picture = torch.arange(9.0).view(1, 1, 3, 3)
    ways = {tuple(turned(picture, way).flatten().tolist()) for way in range(8)}
    assert len(ways) == 8 and all(sorted(way) == list(range(9)) for way in ways)
    assert torch.equal(turned(picture, 0), picture)


def test_a_run_with_pairs_learns_and_says_what_it_looked_at(few_photos: Path, tmp_path: Path) -> None:
    options = TrainOptions(
        photos=few_photos, out=tmp_path / "run", model="rts-r1", init="rts-r1", stages=2, steps=40, later_steps=5,
        batch=4, patch=32, crops=4, held_out=1, viqet=False, colour="luma", pair_weight=5.0, pair_batch=4, grey=0.5,
        pairs=Degradation("none | blur:1.2-1.2", halves=False), pair_aim="recurrent", turn=True, shrink=0.9,
        rendered=2, checkpoint_every=20, device="cpu",
    )  # fmt: skip
    said: list[str] = []
    files = train(options, on_message=said.append)
    assert load_model(files[1]).info.colour == "luma"
    assert any("2 stills" in line for line in said) and len(list((tmp_path / "run" / "rendered").iterdir())) == 2
    assert not list((tmp_path / "run").glob("inputs-*"))
    gains = [float(line.split("step 40: ")[1].split(" dB")[0]) for line in said if "step 40: " in line]
    assert len(gains) == 1
    held = HeldPairs(
        [corpus.read_picture(p) for p in sorted(few_photos.iterdir())[:1]],
        Degradation("none", halves=False), 64, CPU,
    )  # fmt: skip
    before, after = (held.gain(load_model(name).network) for name in ("rts-r1", str(files[0])))
    assert after > before + 1, "sharp pictures are left alone better than before"
    kept = TrainOptions.restored(options.stored(), options.out)
    assert kept == options and replace(kept, pairs=None).stored()["pairs"] == ""

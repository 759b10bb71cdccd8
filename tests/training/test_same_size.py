"""Training of networks that do not enlarge: from pairs alone, and from what a teacher makes of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.few_photos import shrunk
from helpers.networks import tiny_network

from vidrts.colorplan import luma
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.networks.live import Live, LiveConfig
from vidrts.ops.lanczos import halve
from vidrts.training.batches import Supply
from vidrts.training.corpus import Crop
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.lr_cache import Inputs, pair_place
from vidrts.training.objective import Objective, flat_loss, inner_part
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore
from vidrts.training.schedule import Schedule
from vidrts.training.teacher import kept_targets, taught

PAIRS = Degradation("blur:1.2", halves=False)


HARD = {"rate": 5e-4, "pair_batch": 6, "pair_floor": 0.0, "pair_weight": 20.0}
"""Absolute errors: in so few steps relative ones are hardly felt."""


def options(photos: Path, out: Path, **more: object) -> TrainOptions:
    small = {"model": "live", "stages": 1, "steps": 40, "batch": 1, "pair_batch": 4, "patch": 48, "crops": 12,
             "rate": 3e-3, "held_out": 1, "checkpoint_every": 100, "device": "cpu", "viqet": False,
             "colour": "luma", "pairs": PAIRS,
             "flats": 1}  # fmt: skip
    return TrainOptions(photos=photos, out=out, **{**small, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def few_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shrunk(photos, tmp_path_factory.mktemp("few"), (320, 240))


def test_it_learns_to_sharpen_what_is_soft(few_photos: Path, tmp_path: Path) -> None:
    """The file is a model of scale 1 alone, and has no measures of LR."""
    (file,) = train(options(few_photos, tmp_path / "run", steps=200, optimizer="muon", **HARD))
    model, store = load_model(file), RunStore(tmp_path / "run")
    gains = [row["held_pair_gain"] for row in store.rows() if "held_pair_gain" in row]
    assert gains[-1] > 0.5
    assert model.info.scales(model.network.spec) == (1,)
    assert store.measures()[1]["gain_at_0.35"] > 1
    assert "psnr_lr_to_hr0" not in store.measures()[1]


def test_a_run_has_a_teacher(few_photos: Path, tmp_path: Path) -> None:
    cached = {"steps": 4, "cache": str(tmp_path / "cache")}
    said: list[str] = []
    files = [
        *train(options(few_photos, tmp_path / "taught", teacher="rts-lite", **cached), on_message=said.append),
        *train(options(few_photos, tmp_path / "again", teacher="rts-lite", **cached), on_message=said.append),
        *train(options(few_photos, tmp_path / "alone", **cached)),
    ]
    taught_too, again, alone = map(load_model, files)
    assert sum("rts-lite makes targets" in line for line in said) == 1
    assert torch.equal(taught_too.network.conv_out.weight, again.network.conv_out.weight)  # type: ignore[arg-type]
    assert taught_too.info.training["teacher"] == "rts-lite" and alone.info.training["teacher"] == ""
    assert not torch.equal(taught_too.network.conv_out.weight, alone.network.conv_out.weight)  # type: ignore[arg-type]


def test_blur_levels_are_estimated_as_the_teacher_does(few_photos: Path, tmp_path: Path) -> None:
    said: list[str] = []
    small = options(few_photos, tmp_path / "run", steps=2, teacher="rts-lite", blur_level=True)
    (file,) = train(small, on_message=said.append)
    assert not any("known blur levels" in line for line in said)
    own, given = (load_model(name).network.blur_level for name in (str(file), "rts-lite"))
    assert own is not None and given is not None
    assert all(torch.equal(weight, given.state_dict()[name]) for name, weight in own.state_dict().items())


def test_the_loss_is_that_of_pairs_alone() -> None:
    network = Live(LiveConfig(fold=2, channels=4, n=1, blur_level=0))
    schedule = Schedule(steps=1, flats=0, colour="luma", pair_weight=2.0, pair_floor=0.0)
    low, target = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 64, 64)
    same, truth = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    none, levels = torch.zeros(0, 3, 1, 1), torch.zeros(2, 2)
    objective = Objective(network, schedule, inner_part(network, 64))
    got = objective(low, target, none, same, truth, levels[:1], levels)
    inner = slice(network.spec.reach[1], -network.spec.reach[1])
    error = (luma(network(network.prepared(same))) - luma(truth))[:, inner, inner]
    torch.testing.assert_close(got, 2 * error.square().mean())


def test_flat_patches_are_left_as_they_are() -> None:
    network = Live(LiveConfig(fold=4, channels=4, n=1, blur_level=0))
    torch.nn.init.zeros_(network.conv_out.weight)
    colours = torch.rand(5, 3, 1, 1)
    with torch.no_grad():
        assert flat_loss(network, colours, "luma") < 1e-12
        torch.nn.init.constant_(network.conv_out.bias, 0.1)  # type: ignore[arg-type]
        torch.testing.assert_close(flat_loss(network, colours, "luma"), torch.tensor(0.01))


def test_a_teacher_moves_the_luma_of_the_truth_by_its_share() -> None:
    pictures = [torch.randint(0, 256, (3, 80, 80), dtype=torch.uint8)]
    crops = [Crop(0, 2, 4, 7), Crop(0, 9, 1, 8)]
    low = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    lesson = torch.rand(2, 32, 32).half()
    plain = Supply(low, pictures, crops, low, pictures)
    taught_too = Supply(low, pictures, crops, low, pictures, taught=lesson, taught_weight=0.25)
    chosen = np.array([1])
    truth, moved = (supply.batch(chosen, chosen, torch.device("cpu"))[3] for supply in (plain, taught_too))
    y, x = pair_place(crops[1], 64)
    assert torch.equal(truth[0], pictures[0][:, 9 + y : 41 + y, 1 + x : 33 + x].float() / 255)
    torch.testing.assert_close(luma(moved), 0.75 * luma(truth) + 0.25 * lesson[1:].float())
    colour = (moved - truth)[:, 0]
    torch.testing.assert_close((moved - truth)[:, 2], colour)


def test_a_teacher_gives_d_of_sr() -> None:
    teacher, same = tiny_network(), torch.randint(0, 256, (40, 3, 24, 24), dtype=torch.uint8)
    made = taught(teacher, same, None)
    wanted = luma(halve(teacher(same.float() / 255))).clamp(0, 1)
    torch.testing.assert_close(made.float(), wanted, rtol=0, atol=1e-3)


def test_targets_are_kept_for_these_inputs_and_levels_alone(tmp_path: Path) -> None:
    teacher, said = load_model("rts-lite"), list[str]()
    same = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)

    def made(levels: torch.Tensor | None) -> torch.Tensor:
        return kept_targets(teacher, Inputs(same, same, levels, levels), tmp_path, said.append)

    told = made(torch.full((2, 2), 120, dtype=torch.uint8))
    assert torch.equal(made(torch.full((2, 2), 120, dtype=torch.uint8)), told) and len(said) == 1
    assert not torch.equal(made(None), told) and not torch.equal(made(torch.zeros(2, 2, dtype=torch.uint8)), told)
    assert len(said) == 3


@pytest.mark.parametrize(("more", "says"), [
    ({"stages": 2}, "live: makes luma of the same size"), ({"pairs": None}, "live: makes luma"),
    ({"colour": "rgb"}, "live: makes luma"), ({"teacher": "rts-lite", "teacher_weight": 0.0}, "teacher: expected"),
    ({"model": "rts-lite", "pairs": None, "teacher": "rts-lite"}, "teacher: expected --pairs"),
])  # fmt: skip
def test_what_does_not_fit(more: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=says):
        options(tmp_path, tmp_path / "run", **more)

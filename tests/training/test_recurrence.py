"""The recurrence in small: it learns, it resumes to the same numbers, it refuses what has changed."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vidrts.errors import ModelError, OptionError, TrainingError
from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import load_model
from vidrts.ops.lanczos import halve
from vidrts.training import corpus, make_targets, train_stage
from vidrts.training.batches import Supply, batches, flat_colours
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.loss_names import LOSS_NAMES
from vidrts.training.losses import LOSSES
from vidrts.training.objective import flat_loss, inner_part
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore
from vidrts.training.schedule import Schedule


@pytest.fixture(scope="module")
def few_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small pieces of real photographs, as PNG."""
    folder = tmp_path_factory.mktemp("photos")
    for path in sorted(photos.glob("*.jpg"))[::15][:6]:
        with Image.open(path) as image:
            image.convert("RGB").crop((200, 200, 520, 440)).save(folder / f"{path.stem}.png")
    return folder


def options(photos: Path, out: Path, **more: object) -> TrainOptions:
    small = {"model": "rts-lite", "stages": 2, "steps": 12, "later_steps": 8, "batch": 2, "patch": 32, "crops": 6,
             "held_out": 2, "checkpoint_every": 4, "device": "cpu", "viqet": False}  # fmt: skip
    return TrainOptions(photos=photos, out=out, **{**small, **more})


def test_no_crop_touches_a_held_out_picture(few_photos: Path) -> None:
    found = corpus.collect(few_photos, crop_size=64, crops_per_picture=5, held_out=2, seed=3)
    assert len(found.training) == 4
    assert len(found.validation) == 2
    assert not set(found.training) & set(found.validation)
    assert len(found.crops) == 20
    pictures = [corpus.read_picture(p.path) for p in found.training]
    assert corpus.cut(pictures, found.crops, 64).shape == (20, 3, 64, 64)
    again = corpus.collect(few_photos, crop_size=64, crops_per_picture=5, held_out=2, seed=3)
    assert again.manifest_hash == found.manifest_hash
    other = corpus.collect(few_photos, crop_size=64, crops_per_picture=5, held_out=2, seed=4)
    assert other.manifest_hash != found.manifest_hash


def test_pictures_of_no_use_are_told(few_photos: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(few_photos, tmp_path / "photos")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.new("RGB", (20, 200)).save(folder / "thin.png")
    (folder / "notes.txt").write_text("no picture")
    said: list[Message] = []
    found = corpus.collect(folder, crop_size=64, crops_per_picture=1, held_out=2, seed=1, on_message=said.append)
    assert len(found.training) == 4
    assert len(said) == 2
    assert {line.code for line in said} == {Code.PICTURE_LEFT_OUT}
    why = {line.values["path"].name: line.values["reason"] for line in said}
    assert set(why) == {"broken.png", "thin.png"} and "20x200" in why["thin.png"]
    assert "cannot be read" in why["broken.png"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="0 usable"):
        corpus.collect(empty, crop_size=64, crops_per_picture=1, held_out=1, seed=1)


@given(count=st.integers(2, 40), batch=st.integers(1, 5), seed=st.integers(0, 9), cut=st.integers(0, 30))
def test_batches_do_not_depend_on_where_a_run_was_broken(count: int, batch: int, seed: int, cut: int) -> None:
    whole = batches(count, batch, seed, 0, 30)
    parts = batches(count, batch, seed, 0, cut) + batches(count, batch, seed, cut, 30)
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))
    per_epoch = max(1, count // batch)
    first = np.concatenate(whole[: min(per_epoch, 30)])
    assert len(set(first.tolist())) == len(first)  # no crop twice in an epoch


def test_the_rate_decays_along_half_a_cosine() -> None:
    schedule = Schedule(steps=100, rate=1e-3, final_rate=1e-5)
    rates = [schedule.rate_at(s) for s in range(100)]
    assert rates[0] == 1e-3
    assert rates[50] == pytest.approx((1e-3 + 1e-5) / 2)
    assert all(a > b for a, b in pairwise(rates))


@pytest.mark.parametrize("more", [{}, {"ema": 0.9, "optimizer": "muon", "stage_init": "fresh", "loss": "charbonnier"}])
def test_a_broken_run_goes_on_to_the_same_numbers(few_photos: Path, tmp_path: Path, more: dict[str, object]) -> None:
    whole = train(options(few_photos, tmp_path / "whole", **more))

    class KilledError(Exception):
        pass

    told = 0

    def kill(_: object) -> None:
        nonlocal told
        told += 1
        if told in (2, 4):
            raise KilledError

    run = tmp_path / "broken"
    with pytest.raises(KilledError):
        train(options(few_photos, run, **more), on_progress=kill)
    with pytest.raises(KilledError):
        train(RunStore(run).options(), resume=True, on_progress=kill)
    broken = train(RunStore(run).options(), resume=True)
    for a, b in zip(whole, broken, strict=True):
        one, two = load_model(a), load_model(b)
        assert one.info == two.info
        assert all(torch.equal(x, two.network.state_dict()[k]) for k, x in one.network.state_dict().items())
    assert RunStore(run).rows() == RunStore(tmp_path / "whole").rows()
    assert sorted(p.name for p in run.iterdir()) == [
        "examples", "manifest.json", "metrics.jsonl", "selection.json", "settings.json",
        "stage-1.safetensors", "stage-2.safetensors",
    ]  # fmt: skip


def test_a_run_is_not_mixed_up(few_photos: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(few_photos, tmp_path / "photos")
    run = tmp_path / "run"
    train(options(photos, run, stages=1, steps=4))
    with pytest.raises(TrainingError, match="--resume"):
        train(options(photos, run, stages=1, steps=4))
    with pytest.raises(TrainingError, match="steps has changed"):
        train(options(photos, run, stages=1, steps=5), resume=True)
    picture = sorted(photos.iterdir())[0]
    with Image.open(picture) as image:
        changed = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    changed.save(picture)
    with pytest.raises(TrainingError, match="pictures have changed"):
        train(RunStore(run).options(), resume=True)
    with pytest.raises(TrainingError, match="holds no training run"):
        RunStore(tmp_path / "nowhere").options()
    (run / "settings.json").write_text("{")
    with pytest.raises(TrainingError, match="cannot be read"):
        RunStore(run).options()


def test_training_learns_and_the_next_stage_aims_at_d_of_sr(few_photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    files = train(options(few_photos, run, stages=2, steps=60, later_steps=4, batch=4, checkpoint_every=20))
    losses = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    stage1 = [row["loss"] for row in losses if row["stage"] == 1 and "loss" in row]
    assert stage1[-1] < 0.9 * stage1[0]
    network = load_model(files[0]).network
    original = corpus.read_picture(sorted(few_photos.iterdir())[0])
    (target,) = make_targets.targets(network, [original], torch.device("cpu"), lock_mean=False)
    assert target.dtype == torch.float16
    x = original[None].float() / 255
    wanted = halve(network(x)).clamp(0, 1)[0]
    # bf16 residual on some processors, float16 storage, zero against replicate padding at the border
    assert (target.float() - wanted)[:, 12:-12, 12:-12].abs().max() < 6e-3


def test_a_run_can_start_from_a_models_weights(few_photos: Path, tmp_path: Path) -> None:
    (given, _) = train(options(few_photos, tmp_path / "first"))
    run = tmp_path / "second"
    # At a rate that moves nothing, what comes out is what went in.
    (still, _) = train(options(few_photos, run, init=str(given), rate=1e-12, later_rate=1e-12, flats=0))
    before, after = (load_model(file).network.state_dict() for file in (given, still))
    assert all(torch.allclose(before[k], after[k], atol=1e-7) for k in before)
    assert load_model(still).info.training["init"] == "stage-1"
    # The run keeps its own copy: it goes on although the model is gone.
    (run / "stage-2.safetensors").unlink()
    given.unlink()
    train(RunStore(run).options(), resume=True)
    with pytest.raises(
        OptionError, match=r"init rts-r1: 1 layers of 64 .* fit into 3 of 16; expected a part of rts-lite"
    ):
        train(options(few_photos, tmp_path / "third", init="rts-r1"))
    with pytest.raises(ModelError, match="neither a shipped model"):
        train(options(few_photos, tmp_path / "third", init="nowhere.safetensors"))
    with pytest.raises(OptionError, match=r"patch 18: .* more than 18 pixels"):
        train(options(few_photos, tmp_path / "third", patch=18, model="rts-r6"))
    assert not (tmp_path / "third").exists()
    with pytest.raises(TrainingError, match="holds a run already"):  # and not that its init does not fit
        train(options(few_photos, run, init="rts-lite", model="rts-lite32"))


@pytest.mark.cuda
def test_a_captured_step_equals_an_eager_one() -> None:
    schedule = Schedule(steps=3, batch=2, flats=2, bf16=False)
    low = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    targets = [torch.rand(3, 64, 64).half() for _ in range(6)]
    crops = [corpus.Crop(k, 0, 0, 0) for k in range(6)]
    weights = []
    for device in ("cpu", "cuda"):
        network = tiny_network().requires_grad_().to(device)
        state = train_stage.fresh_state(network, schedule)
        train_stage.run(state, schedule, supply=Supply(low, targets, crops), seed=1, until=3)
        weights.append({k: v.cpu() for k, v in network.state_dict().items()})
    assert all(torch.allclose(weights[0][k], weights[1][k], atol=1e-4) for k in weights[0])


def test_a_loss_that_is_not_finite_stops_the_run(few_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .*lower --rate"):
        train(options(few_photos, tmp_path / "run", rate=1e18, steps=50))


def test_settings_are_checked(tmp_path: Path) -> None:
    for wrong in (
        {"model": "rts-r9"}, {"stages": 0}, {"patch": 8}, {"steps": -1}, {"scale": 3}, {"scale": 2, "stages": 2},
        {"scale": 2, "stages": 1, "pairs": Degradation("blur:1", halves=False)},
    ):  # fmt: skip
        with pytest.raises(OptionError):
            options(tmp_path, tmp_path, **wrong)
    with pytest.raises(TrainingError, match="no such folder"):
        train(options(tmp_path / "none", tmp_path / "out"))


def test_the_flat_loss_is_the_shift_of_a_flat_colour_squared() -> None:
    colours = flat_colours(16, seed=1, step=2)
    assert torch.equal(colours, flat_colours(16, seed=1, step=2))
    assert not torch.equal(colours, flat_colours(16, seed=1, step=3))
    network = tiny_network()
    large = network(colours.expand(-1, -1, 64, 64))[..., 40:88, 40:88]
    assert torch.allclose(
        large, large[..., :2, :2].repeat(1, 1, 24, 24), atol=1e-6
    )  # far from borders only phases differ
    wanted = (large[..., :2, :2] - colours).square().mean()
    assert wanted > 1e-5
    assert torch.allclose(flat_loss(network, colours), wanted, rtol=1e-4)


def test_flat_colours_are_learned(few_photos: Path, tmp_path: Path) -> None:
    shifts = {}
    for flats in (0, 16):
        more = {"stages": 1, "steps": 60, "flats": flats, "rate": 3e-3, "patch": 16, "checkpoint_every": 60}
        train(options(few_photos, tmp_path / str(flats), **more))
        rows = [json.loads(line) for line in (tmp_path / str(flats) / "metrics.jsonl").read_text().splitlines()]
        shifts[flats] = rows[-1]["flat_shift"]
    assert shifts[16] < 0.8 * shifts[0]


def test_targets_keep_the_mean_colour_of_their_photograph(few_photos: Path, tiny_model: Path) -> None:
    network = load_model(tiny_model).network
    original = corpus.read_picture(sorted(few_photos.glob("*.png"))[0])
    wanted = original.float().mean(dim=(1, 2)) / 255
    (locked,) = make_targets.targets(network, [original], torch.device("cpu"), lock_mean=True)
    (free,) = make_targets.targets(network, [original], torch.device("cpu"), lock_mean=False)
    assert (locked.float().mean(dim=(1, 2)) - wanted).abs().max() < 1e-3  # clamping may leave a little
    assert (free.float().mean(dim=(1, 2)) - wanted).abs().max() > 2e-3


def test_losses_and_average_against_their_formulas() -> None:
    a, b = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    d = (a - b).double().numpy()
    assert tuple(LOSSES) == LOSS_NAMES  # those that options know
    assert LOSSES["mse"](a, b).item() == pytest.approx((d**2).mean())
    assert LOSSES["l1"](a, b).item() == pytest.approx(np.abs(d).mean())
    assert LOSSES["charbonnier"](a, b).item() == pytest.approx(np.sqrt(d**2 + 1e-6).mean())
    state = train_stage.fresh_state(tiny_network().requires_grad_(), Schedule(steps=1, ema=0.75))
    assert state.average is not None
    values = []
    for value in (1.0, 3.0, 7.0):
        state.network.conv_out.bias.data.fill_(value)
        state.average.update_parameters(state.network)
        values.append(value if not values else 0.75 * values[-1] + 0.25 * value)
    state.finish()
    assert state.network.conv_out.bias[0].item() == pytest.approx(values[-1])


def test_a_loss_that_is_no_number_stops_the_run_before_it_spoils_the_weights() -> None:
    state = train_stage.fresh_state(tiny_network().requires_grad_(), Schedule(steps=2, batch=1))
    before = {k: v.clone() for k, v in state.network.state_dict().items()}
    bad = torch.full((3, 32, 32), torch.nan, dtype=torch.float16)
    with pytest.raises(TrainingError, match=r"step 0: the loss is nan.*lower --rate"):
        train_stage.run(
            state, Schedule(steps=2, batch=1), seed=1, until=2,
            supply=Supply(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), [bad], [corpus.Crop(0, 0, 0, 0)]),
        )  # fmt: skip
    assert all(torch.equal(v, before[k]) for k, v in state.network.state_dict().items())


@pytest.mark.parametrize("n", [1, 3])
def test_the_loss_looks_only_where_no_padding_reaches(n: int) -> None:
    network = tiny_network(n=n)
    context = torch.rand(1, 3, 48, 48)
    inner = inner_part(network, 64)
    alone = network(context[..., 8:40, 8:40])[..., inner, inner]
    assert torch.allclose(alone, network(context)[..., 16:80, 16:80][..., inner, inner], atol=1e-6)
    wider = slice(inner.start - 2, inner.stop)
    alone = network(context[..., 8:40, 8:40])[..., wider, inner]
    assert not torch.allclose(alone, network(context)[..., 16:80, 16:80][..., wider, inner], atol=1e-6)
    with pytest.raises(OptionError, match="patch"):
        inner_part(network, 4 * (network.radius + 1))

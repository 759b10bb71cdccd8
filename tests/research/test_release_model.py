"""A finished run as a model that ships: the file, the card, the line that repeats the training."""

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from vidrts.cli.train import train as command
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.research import release_model
from vidrts.research.card_facts import WRITTEN, written_part
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import read_run


@pytest.fixture(scope="module")
def pictures(kodak: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two flat parts of photographs: VIQET makes each 1200 pixels long before it looks."""
    folder = tmp_path_factory.mktemp("pictures")
    for path in sorted(kodak.rglob("*.png"))[:2]:
        with Image.open(path) as image:
            image.crop((100, 100, 420, 180)).save(folder / path.name)
    return folder


@pytest.fixture(scope="module")
def runs(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp("runs") / f"seed-{seed}" for seed in (1, 2)]
    for seed, out in enumerate(folders, 1):
        train(TrainOptions(
            photos=pictures, out=out, model="rts-lite", stages=2, steps=2, later_steps=3, batch=2, patch=16, crops=2,
            held_out=1, viqet=False, optimizer="muon", lock_mean=False, seed=seed, device="cpu",
            degradation=Degradation("triangle > jpeg:40-90"),
        ))  # fmt: skip
    return folders


def test_a_card_and_the_line_that_repeats_the_training(
    runs: list[Path], pictures: Path, clips: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run, other = (read_run(folder) for folder in runs)
    assert run.selection and run.selection.shipped is None, "two steps make a network that blurs"
    with pytest.raises(OptionError, match="no stage improves on its input"):
        release_model.publish(run, "rts-own", "Made for a test.", pictures, [], [], tmp_path)
    assert not list(tmp_path.iterdir())
    run = replace(run, measures={n: {**row, "gain_at_0.35": 1 + n / 10} for n, row in run.measures.items()})
    assert run.selection
    clip = tmp_path_factory.mktemp("clip") / "small.mkv"
    few = ["-frames:v", "3", "-vf", "crop=256:144", "-c:v", "ffv1", clip]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", clips / "intel__car-detection.mp4", *few], check=True)
    told = ("rts-own", "Made for a test.", pictures, [("fixed camera", clip)], [run, other], tmp_path)
    card = release_model.publish(run, *told, count=2)
    text = card.read_text()
    assert text.endswith("Nobody has looked at this model yet.\n")
    model = load_model(tmp_path / "rts-own.safetensors")
    assert (model.info.name, model.info.stage) == ("rts-own", run.selection.shipped)
    assert set(model.info.figures) == {"gain_at_0.35", "difference_ratio", "flicker"}
    assert f"| rts-own, stage {model.info.stage} | " in text
    assert "| fixed camera | " in text and f" | {model.info.figures['flicker']:.2f} | " in text
    assert f"Difference ratio {model.info.figures['difference_ratio']:.2f} %." in text
    assert (tmp_path / "rts-own-controls.png").stat().st_size > 5000
    for n in run.stages:
        assert f"| {n} | {run.measures[n]['psnr_lr_to_hr0']:.2f} dB |" in text
    assert "2 runs that differ in nothing but the seed" in text and " ± " in text
    assert "8,179 (8,100 weights" in text
    assert "`triangle`: Scales down by 2" in text and "`jpeg:LOW-HIGH[:444]`: JPEG at this quality" in text
    table = text[text.index("### Precisions") :].splitlines()[4:9]
    assert table[0] == "| precision | PSNR, photograph | PSNR, fixed camera | VIQET, 2 photographs | flicker |"
    decibels = {row.split("|")[1].strip(): float(row.split("|")[3].split()[0]) for row in table[2:]}
    assert decibels["fp32"] > 120 and decibels["fp32"] > decibels["bf16"] > decibels["int8"] > 50

    line = next(line.strip() for line in text.splitlines() if line.strip().startswith("vidrts train"))
    words = shlex.split(line.replace("PHOTOS", str(pictures)).replace("RUN", str(tmp_path / "new")))
    given = command.make_context("train", words[2:]).params
    degradation = Degradation(given.pop("degrade"))
    assert given.pop("method") == run.options.method
    assert given.pop("resume") is None and not given.pop("pairs")
    settings = {name: value for name, value in given.items() if name in TrainOptions.__dataclass_fields__}
    again = TrainOptions(**settings, degradation=degradation)
    held = run.options.stored()
    assert {k: v for k, v in again.stored().items() if k not in ("viqet", "device")} == {
        k: v for k, v in held.items() if k not in ("viqet", "device")
    }

    card.write_text(text[: text.index(WRITTEN)] + f"{WRITTEN}\n\nLooked at: good.\n")
    assert written_part(card) == "## What it says\n\nLooked at: good.\n"


def test_a_stage_of_a_luma_run_is_shipped_with_what_the_truth_bench_says(pictures: Path, tmp_path: Path) -> None:
    train(TrainOptions(
        photos=pictures, out=tmp_path / "run", model="rts-lite", stages=2, steps=2, later_steps=2, batch=2, patch=32,
        crops=2, held_out=1, viqet=False, device="cpu", colour="luma", grey=0.1, turn=True,
        degradation=Degradation("any-kernel"), pairs=Degradation("film", halves=False), pair_weight=10, pair_floor=5,
    ))  # fmt: skip
    run = read_run(tmp_path / "run")
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(min(pictures.iterdir()), one)
    told = ("rts-own", "Made for a test.", one, [], [], tmp_path)
    text = release_model.publish(run, *told, stage=1, truth=("Held to it.", "| a |\n|---|")).read_text()
    model = load_model(tmp_path / "rts-own.safetensors")
    assert model.info.stage == 1 and model.info.colour == "luma"
    assert (
        "1, chosen by hand; 2 of 2 planned were trained." in text
        and "Held to it." in text
        and "weight 10, floor 5" in text
    )
    line = next(line.strip() for line in text.splitlines() if line.strip().startswith("vidrts train"))
    assert "--degrade any-kernel" in line and "--pairs film" in line and "--colour luma" in line and "--turn" in line
    assert "formula" not in text[text.index("| gain at") : text.index("Difference ratio")]
    with pytest.raises(OptionError, match="stage 3"):
        release_model.publish(run, *told, stage=3)


def test_an_unfinished_run_is_refused(runs: list[Path], pictures: Path, tmp_path: Path) -> None:
    run = read_run(runs[0])
    half = type(run)(run.name, run.folder, run.options, run.photographs, {0: {}, 1: run.measures[1]}, run.losses)
    with pytest.raises(OptionError, match="expected a finished run; resume it with `vidrts train --resume"):
        release_model.publish(half, "x", "x", pictures, [], [], tmp_path)
    assert not list(tmp_path.iterdir())

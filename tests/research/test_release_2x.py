"""A finished run for scale 2 as a model that ships: the file, the card, the crops."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.paths import DATA, need
from PIL import Image

from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.research import release_2x
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import read_run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Tiny") / "HR"
    folder.mkdir()
    for path in sorted((need(DATA / "eval") / "Set14" / "HR").glob("*.png"))[:3]:
        with Image.open(path) as image:
            image.convert("RGB").crop((20, 20, 191, 160)).save(folder / path.name)
    return folder


def trained(pictures: Path, out: Path, scale: int) -> Path:
    train(TrainOptions(
        photos=pictures, out=out, model="rts-lite", scale=scale, stages=1, steps=2, batch=2, patch=16, crops=2,
        held_out=1, viqet=False, device="cpu", colour="luma", degradation=Degradation("cubic"),
    ))  # fmt: skip
    return out


def test_a_card_has_the_standard_test_and_crops(pictures: Path, tmp_path: Path) -> None:
    run = read_run(trained(pictures, tmp_path / "run", 2))
    crop = release_2x.Crop.parse(f"{next(pictures.iterdir())}:40x30+50+60")
    assert (crop.width, crop.height, crop.x, crop.y) == (40, 30, 50, 60)
    with pytest.raises(OptionError, match="no stage improves on its input"):  # two steps are not enough
        release_2x.publish(run, "own-2x", "Made for a test.", [pictures], tmp_path)
    run = replace(run, measures={n: row for n, row in run.measures.items() if n > 0})  # nothing to compare with
    card = release_2x.publish(run, "own-2x", "Made for a test.", [pictures], tmp_path, crfs=[28], crops=[crop])
    text = card.read_text()
    name = pictures.parent.name
    for line in (
        f"|  | parameters | {name} |", f"|  | {name} |", "| own-2x | 8,179 | ", "| scale | 2 alone |",
        f"    python -m vidrts.research experiment x2 --photos {name}/HR --crf 28 --model own-2x --out OUT",
        " --scale 2 ", "](own-2x-crops.webp)", "Nobody has looked at this model yet.",
    ):  # fmt: skip
        assert line in text
    assert str(tmp_path) not in text
    with Image.open(tmp_path / "own-2x-crops.webp") as shown:
        assert shown.width == 4 * 80 + 3 * 6
    assert (info := load_model(tmp_path / "own-2x.safetensors").info).name == "own-2x"
    assert info.scale == 2


def test_a_run_for_another_scale_and_a_crop_of_another_form(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="train --scale 2"):
        release_2x.publish(read_run(trained(pictures, tmp_path / "run", 1)), "x", "x", [pictures], tmp_path)
    with pytest.raises(OptionError, match=r"FILE:WxH\+X\+Y"):
        release_2x.Crop.parse("zebra.png:40x30")

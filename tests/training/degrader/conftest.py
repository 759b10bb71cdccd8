"""A degrader that is trained in seconds: a small network on crops of a few photographs."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from vidrts.networks.names import RECONSTRUCTIONS
from vidrts.training.corpus import read_picture
from vidrts.training.degrader.options import DegraderOptions
from vidrts.training.degrader.run import train_degrader

SMALL = {"channels": 32, "inner": 8, "blocks": 1, "dim": 8, "codes": 64}


def shrink_network(patch: pytest.MonkeyPatch) -> None:
    """Make vqvae2 a small one."""
    patch.setitem(RECONSTRUCTIONS, "vqvae2", SMALL)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def pictures(kodak: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four photographs of 384x256 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    for number, path in enumerate(sorted(kodak.rglob("*.png"))[:4]):
        Image.open(path).convert("RGB").resize((384, 256), Image.Resampling.LANCZOS).save(folder / f"{number}.png")
    return folder


def small_options(pictures: Path, out: Path, **more: object) -> DegraderOptions:
    """Settings of a run of seconds."""
    settings = {
        "views": 200, "side": 32, "batch": 4, "shrink": 1.0, "held_out": 1, "free_steps": 10, "fast_steps": 30,
        "checkpoint_every": 20, "device": "cpu", **more,
    }  # fmt: skip
    return DegraderOptions(photos=pictures, out=out, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("run") / "degrader"
    with pytest.MonkeyPatch.context() as patch:
        shrink_network(patch)
        train_degrader(small_options(pictures, out))
    return out


@pytest.fixture
def picture(kodak: Path) -> torch.Tensor:
    """(3, 250, 332) float32 in 0..1: sides that are no multiples of 8."""
    return read_picture(sorted(kodak.rglob("*.png"))[6])[:, 100:350, 100:432].float() / 255

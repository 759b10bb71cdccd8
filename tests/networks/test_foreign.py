"""Weights that others published: names, widths, licence, and files that are none."""

import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from vidrts.cli import run
from vidrts.errors import ModelError
from vidrts.networks.checkpoint import load_model
from vidrts.networks.foreign import read_foreign
from vidrts.networks.gmgbp import GMGBP, GMGBPConfig


def dense(name: str, channels: int, units: int, growth: int) -> dict[str, tuple[int, ...]]:
    """The authors' names and shapes of a filter block."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(1, units + 1):
        layer, c = f"{name}.dense.denselayer{i}", channels + growth * (i - 1)
        shapes |= {
            f"{layer}.act_1.norm.bias": (c,),
            f"{layer}.conv_1.weight": (4 * growth, c, 1, 1),
            f"{layer}.act_2.norm.bias": (4 * growth,),
            f"{layer}.conv_2.weight": (growth, 4 * growth, 3, 3),
        }
    c = channels + growth * units
    return {
        **shapes,
        f"{name}.transition.act.norm.bias": (c,),
        f"{name}.transition.conv.weight": (channels, c, 1, 1),
    }


def published(features: int = 48, growth: int = 16) -> OrderedDict[str, torch.Tensor]:
    """Random weights under the names and in the order of the authors' files."""
    seen = 2 * features + 1
    shapes: dict[str, tuple[int, ...]] = {
        "ClassicUpscale.weight": (3, 1, 9, 9),
        "Analysis.conv1.weight": (features, 3, 3, 3),
        **dense("Analysis.block", features, 3, growth),
        **dense("Upscaling.pre_up", seen, 3, growth),
        "Upscaling.act_up.norm.bias": (seen,),
        "Upscaling.conv_up.weight": (seen, features, 3, 3),
        "Downscaling.conv_down.weight": (features, features, 3, 3),
        **dense("Downscaling.post_down", features, 4, growth),
        **dense("Synthesis.block", features, 3, growth),
        "Synthesis.act4.norm.bias": (features,),
        "Synthesis.conv4.weight": (3, features, 3, 3),
        "Synthesis.conv4.bias": (3,),
    }
    assert len(shapes) == 68
    return OrderedDict((name, torch.randn(shape) * 0.1) for name, shape in shapes.items())


def saved(tensors: object, path: Path) -> Path:
    """As torch saved it in 2018."""
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path


def test_the_authors_file_becomes_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = published()
    file, out = saved(tensors, tmp_path / "BOE-R1.model"), tmp_path / "r1.safetensors"
    assert run(["import", str(file), str(out)]) == 0
    assert "281,084" in capsys.readouterr().err
    loaded = load_model(out)
    assert loaded.info.licence == "LGPL-3.0" and loaded.info.training["imported"] == "BOE-R1.model"
    network = loaded.network
    assert isinstance(network, GMGBP)
    # Every tensor has its place: those of one shape, too.
    assert torch.equal(network.enlarge.weight, tensors["ClassicUpscale.weight"])
    assert torch.equal(
        network.up.block.units[2].conv1.weight, tensors["Upscaling.pre_up.dense.denselayer3.conv_1.weight"]
    )  # type: ignore[union-attr]
    assert torch.equal(network.up.relu.bias, tensors["Upscaling.act_up.norm.bias"])
    assert torch.equal(network.up.conv.weight, tensors["Upscaling.conv_up.weight"])
    assert torch.equal(
        network.down.block.units[3].relu2.bias, tensors["Downscaling.post_down.dense.denselayer4.act_2.norm.bias"]
    )  # type: ignore[union-attr]
    assert torch.equal(network.synthesis.block.relu.bias, tensors["Synthesis.block.transition.act.norm.bias"])
    assert torch.equal(network.synthesis.relu.bias, tensors["Synthesis.act4.norm.bias"])
    # The authors' modules were made in the order of ours.
    for ours, theirs in zip(network.state_dict().values(), tensors.values(), strict=True):
        assert torch.equal(ours, theirs)
    assert run(["import", str(file), str(out)]) == 2, "an OUT that exists is kept"
    assert run(["import", str(file), str(tmp_path / "r1.pt")]) == 2


def test_other_widths(tmp_path: Path) -> None:
    network, info = read_foreign(saved(published(8, 4), tmp_path / "small.model"))
    assert info.numbers == {"features": 8, "growth": 4, "projections": 2}
    assert isinstance(network, GMGBP)
    assert network(torch.rand(1, 3, 5, 6)).shape == (1, 3, 10, 12)
    assert sum(p.numel() for p in network.parameters()) == sum(
        p.numel() for p in GMGBP(GMGBPConfig(features=8, growth=4)).parameters()
    )


class Evil:
    """Whose unpickling would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_wrong_files_are_one_line(tmp_path: Path) -> None:
    good = published(4, 2)
    short, wide, bad = dict(good), dict(good), dict(good)
    short.pop("Synthesis.conv4.bias")
    wide["Upscaling.conv_up.weight"] = torch.zeros(9, 5, 3, 3)
    bad["Synthesis.conv4.bias"] = torch.full((3,), torch.nan)
    files = {
        "others": saved({"conv.weight": torch.zeros(3)}, tmp_path / "others"),
        "short": saved(short, tmp_path / "short"),
        "wide": saved(wide, tmp_path / "wide"),
        "bad": saved(bad, tmp_path / "bad"),
        "list": saved([1, 2], tmp_path / "list"),
        "cut": tmp_path / "cut",
        "text": tmp_path / "text",
        "empty": tmp_path / "empty",
        "evil": tmp_path / "evil",
        "folder": tmp_path,
        "missing": tmp_path / "missing",
    }
    whole = saved(good, tmp_path / "whole").read_bytes()
    files["cut"].write_bytes(whole[:-200])
    files["text"].write_text("not weights")
    files["empty"].write_bytes(b"")
    files["evil"].write_bytes(pickle.dumps(Evil(tmp_path / "touched")))
    says = {"others": "1 tensors", "short": "68 tensors, got 67", "wide": r"\(9, 4, 3, 3\)", "bad": "finite"}
    for name, file in files.items():
        with pytest.raises(ModelError, match=says.get(name, "expected|cannot|no such")) as caught:
            read_foreign(file)
        assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value), name
    assert not (tmp_path / "touched").exists()

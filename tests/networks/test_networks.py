"""The networks and their files."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from helpers.networks import tiny_network

from vidrts.errors import ModelError, OptionError
from vidrts.images import read_photo
from vidrts.networks.checkpoint import ModelInfo, load_model, read_info, save_model
from vidrts.networks.names import RECIPES
from vidrts.networks.net2net import init_from
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.shipped import find_model, shipped_models
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions


@pytest.mark.parametrize(
    ("name", "with_biases", "weights_only"),
    [
        ("rts-r1", 40_787, 40_644),
        ("rts-r3", 114_643, 114_372),
        ("rts-r6", 225_427, 224_964),
        ("rts-lite", 8_179, 8_100),
    ],
)
def test_parameter_counts(name: str, with_biases: int, weights_only: int) -> None:
    architecture, numbers = RECIPES[name]
    network = build(architecture, numbers)
    assert parameter_count(network) == with_biases
    assert sum(p.numel() for p in network.parameters() if p.dim() > 1) == weights_only


def test_a_fresh_network_repeats_each_pixel() -> None:
    network = build("rts", {"n": 3, "channels": 8})
    torch.nn.init.zeros_(network.conv_out.weight)
    x = torch.rand(2, 3, 6, 9)
    assert torch.equal(network(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_forward_is_the_graph_of_the_paper() -> None:
    """A second implementation, with loops over the paper's formula."""
    network = tiny_network(n=3, channels=5).double()
    x = torch.rand(1, 3, 10, 12, dtype=torch.float64)
    state = network.state_dict()

    def conv(value: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        padded = torch.nn.functional.pad(value, (1, 1, 1, 1))
        windows = padded.unfold(2, 3, 1).unfold(3, 3, 1)
        return torch.einsum("bchwij,ocij->bohw", windows, weight) + bias.view(1, -1, 1, 1)

    f = conv(x, "conv_in").relu()
    for i in range(3):
        f = f + conv(f, f"layers.{i}").relu()
    twelve = conv(x + conv(f, "conv_out"), "conv_ext")
    wanted = torch.zeros(1, 3, 20, 24, dtype=torch.float64)
    for c in range(3):
        for dy in range(2):
            for dx in range(2):
                wanted[:, c, dy::2, dx::2] = twelve[:, 4 * c + 2 * dy + dx]
    assert torch.allclose(network(x), wanted, atol=1e-12)


@pytest.mark.parametrize("n", [1, 3])
def test_radius_is_how_far_a_pixel_is_felt(n: int) -> None:
    network = tiny_network(n=n)
    with torch.no_grad():  # all weights positive: nothing that is felt is cut by a ReLU
        for p in network.parameters():
            p.abs_()
    a = torch.full((1, 3, 31, 31), 0.5)
    b = a.clone()
    b[..., 15, 15] = 1
    felt = (network.residual(a) != network.residual(b)).any(dim=1)[0].nonzero()
    assert (felt - 15).abs().max() == network.radius


def test_a_file_rebuilds_its_network(tmp_path: Path) -> None:
    network = tiny_network(n=2, channels=6)
    info = ModelInfo(
        name="mine", architecture="rts", numbers={"n": 2, "channels": 6}, stage=2, degradation="triangle",
        data_hash="ab", training={"steps": 3, "jpeg": [30, 95]}, licence="Apache-2.0", figures={"gain": 1.5},
    )  # fmt: skip
    save_model(tmp_path / "mine.safetensors", network, info)
    loaded = load_model(tmp_path / "mine.safetensors")
    assert loaded.info == info
    assert read_info(tmp_path / "mine.safetensors") == info
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(loaded.network(x), network(x))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.safetensors"]


def damaged_files(good: Path, folder: Path) -> dict[str, Path]:
    """Every way in which a model file can be wrong."""
    data = good.read_bytes()
    found = {
        "empty": b"",
        "cut in the header": data[:40],
        "cut in the weights": data[:-100],
        "not safetensors": b"RIFF" + bytes(300),
        "text": b"hello, I am a model\n" * 20,
        "header length nonsense": struct.pack("<Q", 2**62) + data[8:],
        "header bytes flipped": data[:30] + b"\x00\xff\x00" + data[33:],
    }
    files = {}
    for name, content in found.items():
        files[name] = folder / f"{name.replace(' ', '-')}.safetensors"
        files[name].write_bytes(content)
    tensors = safetensors.torch.load_file(good)
    header = {"format": 1, **ModelInfo(name="x", architecture="rts", numbers={"n": 1, "channels": 4}, stage=1,
                                       degradation="", data_hash="").__dict__}  # fmt: skip

    def write(name: str, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        files[name] = folder / f"{name.replace(' ', '-')}.safetensors"
        safetensors.torch.save_file(tensors, files[name], metadata=metadata)

    write("foreign", tensors, {"format": "pt"})
    write("metadata not json", tensors, {"vidrts": "{"})
    write("metadata incomplete", tensors, {"vidrts": json.dumps({"format": 1, "name": "x"})})
    write("future format", tensors, {"vidrts": json.dumps({**header, "format": 99})})
    write("unknown architecture", tensors, {"vidrts": json.dumps({**header, "architecture": "gan"})})
    write("absurd size", tensors, {"vidrts": json.dumps({**header, "numbers": {"n": 10**9, "channels": 4}})})
    write("other numbers", tensors, {"vidrts": json.dumps({**header, "numbers": {"n": 2, "channels": 4}})})
    write("tensor missing", dict(list(tensors.items())[1:]), {"vidrts": json.dumps(header)})
    first = next(iter(tensors))
    with safetensors.safe_open(good, framework="pt") as file:
        whole = file.metadata()
    write("weights changed", {**tensors, first: tensors[first] * 1.001}, whole)
    write("not finite", {**tensors, first: tensors[first] * float("nan")}, whole)
    write("numbers of another kind", tensors, {"vidrts": json.dumps({**header, "numbers": [1]})})
    write("figures of another kind", tensors, {"vidrts": json.dumps({**header, "figures": {"gain": "high"}})})
    return files


def test_a_bad_file_gets_one_clear_line(tiny_model: Path, tmp_path: Path) -> None:
    for name, path in damaged_files(tiny_model, tmp_path).items():
        with pytest.raises(ModelError) as caught:
            load_model(path)
        line = str(caught.value)
        assert "\n" not in line, name
        assert path.name in line or "architecture" in line, (name, line)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no-such.*vidrts models"):
        find_model("no-such")


def test_a_scale_has_weights_of_its_own(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAME-2x is taken for NAME at scale 2, alone there; files are what they are."""
    monkeypatch.setattr("vidrts.networks.shipped.model_folders", lambda: [tmp_path])
    for name, scale in (("one", 1), ("two", 1), ("two-2x", 2)):
        info = replace(read_info(tiny_model), name=name, scale=scale)
        save_model(tmp_path / f"{name}.safetensors", tiny_network(), info)
    for asked, scale, wanted in (
        ("one", 1, "one"), ("one", 2, "one"), ("two", 1, "two"), ("two", 2, "two-2x"), ("two", 4, "two"),
        ("two-2x", 2, "two-2x"), (str(tmp_path / "two.safetensors"), 2, "two"),
    ):  # fmt: skip
        assert load_model(asked, scale).info.name == wanted
    assert [sorted(shipped_models(scale)) for scale in (None, 1, 2, 4)] == [
        ["one", "two", "two-2x"], ["one", "two"], ["one", "two-2x"], ["one", "two"],
    ]  # fmt: skip
    Enhancer(load_model("two", 2), EnhancerOptions(scale=2, device="cpu"))
    with pytest.raises(OptionError, match="two-2x: expected scale 2, got 1"):
        Enhancer(load_model("two-2x"), EnhancerOptions(device="cpu"))
    save_model(tmp_path / "odd.safetensors", tiny_network(), replace(info, scale=3))
    with pytest.raises(ModelError, match=r"scale 3: expected one of \(1, 2, 4, 8\)"):
        read_info(tmp_path / "odd.safetensors")


def test_shipped_models_load_and_have_cards() -> None:
    shipped = shipped_models()
    assert {"rts-lite", "rts-r1", "rts-r3"} <= set(shipped)
    for name, path in shipped.items():
        loaded = load_model(name)
        assert loaded.info.name == name
        assert loaded.info.licence
        assert loaded.info.scale == 2 or "triangle" in loaded.info.degradation
        assert (loaded.info.scale == 2) == name.endswith("-2x")
        assert len(loaded.info.data_hash) == 64
        card = path.with_suffix(".md").read_text()
        assert f"{parameter_count(loaded.network):,}" in card
        assert loaded.info.data_hash in card


@pytest.mark.parametrize(("n", "channels", "tolerance"), [(3, 64, 1e-6), (6, 32, 0.01), (3, 32, 0)])
def test_a_larger_network_begins_as_the_smaller_one(kodak: Path, n: int, channels: int, tolerance: float) -> None:
    """And all of it learns: after a step each convolution has changed in its new part too."""
    smaller = load_model("rts-lite32").network  # no channel of it is dead, as three of rts-lite are
    network = build("rts", {"n": n, "channels": channels})
    init_from(network, smaller)
    x = read_photo(sorted(kodak.rglob("*.png"))[7])[None, :, 128:224, 256:384]
    before = network(x)
    assert (before - smaller(x)).abs().max() <= tolerance
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-2)
    held = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(2):  # what leads nowhere yet gets no gradient in the first step
        optimizer.zero_grad()
        (network(x) - before.detach() - 0.1 * torch.rand(before.shape)).square().mean().backward()
        optimizer.step()
    for name, value in network.state_dict().items():
        if value.dim() == 4:
            moved = (value != held[name]).flatten(2).any(2)
            assert moved.float().mean() > 0.9, name


def test_a_smaller_network_does_not_begin_as_a_larger_one() -> None:
    with pytest.raises(ValueError, match="3 layers of 16 channels do not fit into 1 of 64"):
        init_from(build("rts", {"n": 1, "channels": 64}), build("rts", {"n": 3, "channels": 16}))

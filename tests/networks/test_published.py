"""The networks of other papers: their counts, how far they see, tiles, chroma, files and training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidrts.networks.checkpoint import ModelInfo, load_model, save_model
from vidrts.networks.luma_network import LumaNetwork
from vidrts.networks.names import RECIPES
from vidrts.networks.network import Network
from vidrts.networks.registry import build, parameter_count
from vidrts.ops.lanczos import enlarge
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore

COUNTS = {"srcnn": 57_281, "fsrcnn": 12_809, "vdsr": 665_921, "srresnet": 1_401_749, "edsr": 1_369_859}
SMALL: dict[str, tuple[str, dict[str, int]]] = {
    "srcnn": ("srcnn", {"channels": 8, "inner": 4}),
    "fsrcnn": ("fsrcnn", {"d": 8, "s": 4, "m": 2}),
    "vdsr": ("vdsr", {"layers": 5, "channels": 8}),
    "srresnet": ("srresnet", {"blocks": 2, "channels": 8}),
    "edsr": ("edsr", {"blocks": 2, "channels": 8}),
}
LUMA = ("srcnn", "fsrcnn", "vdsr")


def small(name: str) -> Network:
    """A seeded network with few parameters, whose normalisation has seen something."""
    torch.manual_seed(3)
    network = build(*SMALL[name])
    with torch.no_grad():
        network.train()(torch.rand(2, 3, 32, 32))
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_as_many_as_published(name: str) -> None:
    assert parameter_count(build(*RECIPES[name])) == COUNTS[name]


def test_fsrcnn_has_the_papers_weights_without_biases_and_prelus() -> None:
    network = build(*RECIPES["fsrcnn"])
    assert sum(p.numel() for p in network.parameters() if p.ndim == 4) == 12_464


@pytest.mark.parametrize("name", SMALL)
def test_reach_is_how_far_a_pixel_is_felt(name: str) -> None:
    network = small(name).double()
    x = torch.rand(1, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    felt = x.clone()
    felt[..., 32, 32] += 0.5
    rows = (network(felt) - network(x)).abs().amax((0, 1, 3)).nonzero().flatten()
    reach = network.spec.reach[2]
    assert 64 - int(rows.min()) <= 2 * reach
    assert int(rows.max()) - 65 <= 2 * reach
    assert max(64 - int(rows.min()), int(rows.max()) - 65) > 2 * (reach - 1)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("scale", [1, 2])
def test_tiles_equal_the_whole(name: str, scale: int) -> None:
    picture = torch.rand(1, 3, 70, 90, generator=torch.Generator().manual_seed(2))
    whole, tiled = (
        TiledUpscaler(small(name), torch.device("cpu"), torch.float32, scale=scale, tile=tile)(picture)
        for tile in ("none", (32, 24))
    )
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", LUMA)
def test_chroma_is_bicubic(name: str) -> None:
    network = small(name)
    assert isinstance(network, LumaNetwork)
    x = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(2))
    y, bicubic = network(x), enlarge(x, 2, kernel="cubic")
    for a, b in ((0, 1), (2, 1)):  # differences of channels are chroma
        torch.testing.assert_close(y[:, a] - y[:, b], bicubic[:, a] - bicubic[:, b], rtol=0, atol=1e-5)
    grey = x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    result = network(grey)
    torch.testing.assert_close(result[:, :1].expand_as(result), result, rtol=0, atol=1e-5)


def test_bicubic_is_pillows_within_the_picture(kodak: Path) -> None:
    with Image.open(sorted((kodak / "HR").glob("*.png"))[4]) as file:
        picture = np.asarray(file.convert("L").crop((100, 100, 180, 160)), np.float32)
    truth = np.asarray(Image.fromarray(picture).resize((160, 120), Image.Resampling.BICUBIC))
    ours = enlarge(torch.from_numpy(picture)[None, None], 2, kernel="cubic")[0, 0].numpy()
    np.testing.assert_allclose(ours[4:-4, 4:-4], truth[4:-4, 4:-4], atol=1e-3)


@pytest.mark.parametrize("name", SMALL)
def test_a_file_rebuilds_the_network(name: str, tmp_path: Path) -> None:
    network = small(name)
    architecture, numbers = SMALL[name]
    file = tmp_path / "model.safetensors"
    info = ModelInfo(
        name=name, architecture=architecture, numbers=numbers, stage=1, degradation="cubic", data_hash=""
    )  # fmt: skip
    save_model(file, network, info)
    x = torch.rand(1, 3, 24, 24)
    assert torch.equal(load_model(file).network(x), network(x))


@pytest.mark.parametrize("name", SMALL)
def test_two_stages_resumed_are_two_stages(
    name: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, name, SMALL[name])  # type: ignore[arg-type]
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted(photos.glob("*.jpg"))[:4]:
        with Image.open(path) as image:
            image.convert("RGB").crop((200, 200, 360, 340)).save(folder / f"{path.stem}.png")
    runs = [
        TrainOptions(
            photos=folder, out=tmp_path / out, model=name, stages=2, steps=4, later_steps=2, batch=2, patch=32, crops=4,
            held_out=1, checkpoint_every=1, device="cpu", viqet=False, flats=2,
        )
        for out in ("whole", "broken")
    ]  # fmt: skip

    class KilledError(Exception):
        pass

    def kill(_: object) -> None:
        raise KilledError

    whole = train(runs[0])
    with pytest.raises(KilledError):
        train(runs[1], on_progress=kill)
    broken = train(RunStore(tmp_path / "broken").options(), resume=True)
    for a, b in zip(whole, broken, strict=True):
        one, two = load_model(a).network.state_dict(), load_model(b).network.state_dict()
        assert all(torch.equal(one[key], two[key]) for key in one)
    rows = RunStore(tmp_path / "whole").rows()
    assert rows == RunStore(tmp_path / "broken").rows()
    assert all(np.isfinite(row["psnr_lr_to_hr0"]) for row in rows if "psnr_lr_to_hr0" in row)

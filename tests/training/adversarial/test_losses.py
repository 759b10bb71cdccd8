"""The terms of the noise-adaptive loss by their formulas, and the features that they compare."""

import math
from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers.paths import DATA, need

from vidrts.errors import TrainingError
from vidrts.images import read_photo
from vidrts.ops.lanczos import halve
from vidrts.training.adversarial import features, losses


def test_contextual_similarity_by_its_formula() -> None:
    """Equations of Mechrez et al. with loops, in float64."""
    made, truth = torch.rand(2, 5, 3, 4, dtype=torch.float64), torch.rand(2, 5, 3, 4, dtype=torch.float64)
    got = losses.contextual(made, truth, band=0.4, floor=1e-5, soft=0)
    mean = truth.mean((0, 2, 3))
    for b in range(2):
        xs = [made[b, :, y, x] - mean for y in range(3) for x in range(4)]
        ys = [truth[b, :, y, x] - mean for y in range(3) for x in range(4)]
        d = [[1 - float(x @ y / (x.norm() * y.norm())) for y in ys] for x in xs]
        w = [[math.exp((1 - v / (min(row) + 1e-5)) / 0.4) for v in row] for row in d]
        cx = [[v / sum(row) for v in row] for row in w]
        assert float(got[b]) == pytest.approx(sum(max(row[j] for row in cx) for j in range(12)) / 12)
    assert float(losses.contextual(truth, truth, floor=1e-5, soft=0).min()) > 0.99
    assert float(losses.contextual(truth, truth).min()) <= 1


def test_reconstruction_and_cycle_by_their_sums() -> None:
    made = [torch.rand(1, 3, 16 << k, 16 << k, dtype=torch.float64) for k in (1, 2)]
    truth = [torch.rand(1, 3, 16 << k, 16 << k, dtype=torch.float64) for k in (1, 2)]
    inner = [slice(4, -4), slice(8, -8)]
    wanted = sum(float((a - b)[..., i, i].abs().mean()) for a, b, i in zip(made, truth, inner, strict=True))
    assert float(losses.reconstruction(made, truth, 2)) == pytest.approx(wanted)

    def off(a: torch.Tensor, b: torch.Tensor, margin: int) -> float:
        return float((a - b)[..., margin:-margin, margin:-margin].abs().mean())

    (a1, a2), (b1, b2) = ([halve(each, "cubic") for each in side] for side in (made, truth))
    wanted = off(a1, b1, 2) + off(a2, b2, 4) + off(halve(a2, "cubic"), halve(b2, "cubic"), 2)
    assert float(losses.cycle(made, truth, 2)) == pytest.approx(wanted)


def test_chroma_sees_colours_alone() -> None:
    a = torch.rand(1, 3, 8, 8)
    assert float(losses.chroma(a + 0.1, a)) == pytest.approx(0, abs=1e-6)
    assert float(losses.chroma(a + torch.tensor([0.1, 0, 0]).view(1, 3, 1, 1), a)) > 0.01


def test_style_is_zero_for_the_same_and_grows() -> None:
    maps = [torch.rand(2, 4, 6, 6), torch.rand(2, 8, 3, 3)]
    assert float(losses.style(maps, maps)) == 0
    near, far = (losses.style([m * s for m in maps], maps) for s in (1.1, 2))
    assert 0 < near < far and float(far) == pytest.approx(3, rel=1e-4)


def test_a_grid_of_two_pixels_is_found() -> None:
    noise = torch.randn(2, 3, 64, 64)
    grid = torch.zeros(2, 3, 64, 64)
    grid[..., ::2, ::2] = 1
    assert losses.phase_share(noise) < 0.05
    assert losses.phase_share(grid) == pytest.approx(math.sqrt(3) / 4 / 0.5)
    assert losses.phase_share(noise + grid) > 0.15
    assert losses.phase_share(1e-4 * grid) < 0.05, "nobody sees it"


def test_vgg_is_rescaled_to_unit_means() -> None:
    file = need(DATA / "features") / "vgg19_relu3_1.safetensors"
    loaded = features.load(str(file))
    assert loaded.title == "VGG-19 relu3_1"
    photo = read_photo(need(DATA / "viqet") / "kodim13.png")[None, :, :128, :128]
    maps = loaded(photo)
    assert [tuple(m.shape) for m in maps] == [(1, 64, 128, 128), (1, 128, 64, 64), (1, 256, 32, 32)]
    assert all(0.3 < float(m.mean()) < 3 for m in maps)
    assert not list(loaded.parameters())


def test_gabor_filters_answer_to_their_direction() -> None:
    loaded = features.load("")
    assert loaded.title == "Gabor filters"
    wave = 0.5 + 0.4 * torch.cos(2 * math.pi * torch.arange(64) / 5)
    across = wave.expand(1, 3, 64, 64)
    (maps,) = loaded(across)
    energies = maps[0, :24].mean((1, 2))
    assert int(energies.argmax()) == 8, "wavelength 5, direction 0"
    assert int(loaded(across.transpose(2, 3))[0][0, :24].mean((1, 2)).argmax()) == 12, "direction 4 of 8"


def test_files_that_hold_no_features(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"no")
    for name, says in (("a", "expected the weights of VGG-19"), ("b", "cannot be read"), ("c", "no such file")):
        with pytest.raises(TrainingError, match=says):
            features.load(str(tmp_path / f"{name}.safetensors"))

"""A degrader on pictures and videos of any size: by seed, in tiles, everything else kept."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from vidrts.compare.frames import frames, to_rgb
from vidrts.errors import InputError, Interrupted, OptionError, OutputError
from vidrts.images import read_photo, to_image
from vidrts.measure.fidelity import psnr
from vidrts.messages import Code, Message
from vidrts.networks.reconstruction.checkpoint import load_degrader
from vidrts.networks.reconstruction.network import Reconstruction, ReconstructionNetwork
from vidrts.training.degrader import damage
from vidrts.training.degrader.apply import MANIFEST, apply_to_folder, apply_to_video
from vidrts.training.degrader.control import Fit
from vidrts.training.degrader.damage import Damager, damager, open_damager
from vidrts.training.degrader.reconstruct import reconstructed, spun


@pytest.fixture
def two(trained: Path) -> Damager:
    """Two snapshots to draw from, the same weights with other names for each."""
    (network,), (first,) = (lambda held: (held.networks, held.info.snapshots))(
        load_degrader(trained / "degrader.safetensors")
    )
    return Damager((network, network), (first, type(first)(first.views + 1, first.psnr)))


@pytest.fixture
def folder(tmp_path: Path, picture: torch.Tensor) -> Path:
    """Pictures of odd sizes, two of one name."""
    source = tmp_path / "in"
    (source / "more").mkdir(parents=True)
    for name, rows, columns in (("a.png", 50, 75), ("a.jpg", 64, 64), ("more/b.png", 33, 41)):
        to_image(picture[:, :rows, :columns]).save(source / name, quality=95)
    return source


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (47, 64), (40, 56)])
def test_any_size_comes_back(two: Damager, picture: torch.Tensor, size: tuple[int, int]) -> None:
    made = two(picture[:, : size[0], : size[1]], np.random.default_rng(1))
    assert made.picture.shape == made.raw.shape == (3, *size)
    assert float(made.picture.min()) >= 0 and float(made.picture.max()) <= 1


def test_tiles_are_not_seen(two: Damager, picture: torch.Tensor) -> None:
    rng = np.random.default_rng(0)
    whole = reconstructed(two.networks[0], picture, rng)
    tiled = reconstructed(two.networks[0], picture, rng, tile=64)
    assert psnr(tiled, whole) > 60 and float((tiled - whole).abs().quantile(0.999)) < 1e-4, "a code near a tie may flip"


class Echo(ReconstructionNetwork):
    """Gives what it is given, in squares of 64 pixels; notes how many."""

    window = 64

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.calls = 0

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        self.calls += 1
        assert x.shape == (1, 3, 64, 64)
        return Reconstruction(x * self.weight, x.new_zeros(()))


@pytest.mark.parametrize(("size", "squares"), [((64, 64), 1), ((65, 112), 4), ((30, 200), 4), ((250, 332), 35)])
def test_networks_of_one_size_see_squares_that_overlap(
    picture: torch.Tensor, size: tuple[int, int], squares: int
) -> None:
    network, part = Echo(), picture[:, : size[0], : size[1]]
    made = reconstructed(network, part, np.random.default_rng(1))
    assert torch.allclose(made, part, atol=1e-5) and network.calls == squares


class Lattice(ReconstructionNetwork):
    """Gives what it is given, but brightens every fourth column and row."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor, rng: np.random.Generator) -> Reconstruction:
        x = x.clone()
        x[..., ::4] += 0.1
        x[..., ::4, :] += 0.1
        return Reconstruction(x * self.weight, x.new_zeros(()))


def test_a_lattice_is_spread_evenly(picture: torch.Tensor) -> None:
    part = 0.25 + 0.5 * picture[:, :45, :71]
    once = reconstructed(Lattice(), part, np.random.default_rng(1)) - part
    assert float(once.max() - once.min()) > 0.09
    spread = spun(Lattice(), part, np.random.default_rng(1)) - part
    assert torch.allclose(spread, torch.full_like(spread, 0.025), atol=1e-5)


def test_a_folder_by_seed(two: Damager, folder: Path, tmp_path: Path) -> None:
    outs = [tmp_path / name for name in ("one", "again", "other")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fit, "keeps", True)
        for out, seed in zip(outs, (1, 1, 3), strict=True):
            assert apply_to_folder(folder, out, two, seed=seed) == (3, 0)
    names = ["a.jpg.png", "a.png.png", "more/b.png"]
    assert sorted(path.relative_to(outs[0]).as_posix() for path in outs[0].rglob("*.png")) == names
    for name in names:
        one, again = (out.joinpath(name).read_bytes() for out in outs[:2])
        assert one == again
    manifests = [[json.loads(line) for line in (out / MANIFEST).read_text().splitlines()] for out in outs]
    assert manifests[0] == manifests[1] != manifests[2], "other snapshots are drawn"
    assert [line["of"] for line in manifests[0]] == ["a.jpg", "a.png", "more/b.png"]
    made, clean = read_photo(outs[0] / "more/b.png"), read_photo(folder / "more/b.png")
    assert made.shape == clean.shape and 10 < psnr(made, clean) < 40
    assert manifests[0][2]["difference"] == pytest.approx(damage.fit(made, clean).difference, abs=0.05)
    with pytest.raises(OutputError, match="-y overwrites"):
        apply_to_folder(folder, outs[0], two)


def test_pictures_of_other_colour_or_place_are_dropped(two: Damager, folder: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "out", []
    fits = iter([Fit(6.1, 0.1), Fit(1.0, 0.9), Fit(5.9, 0.7)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damage, "fit", lambda made, clean: next(fits))
        assert apply_to_folder(folder, out, two, on_message=told.append) == (1, 2)
    assert [path.name for path in out.rglob("*.png")] == ["b.png"]
    assert [json.loads(line)["kept"] for line in (out / MANIFEST).read_text().splitlines()] == [False, False, True]
    (line,) = told
    assert isinstance(line, Message) and line.code == Code.PAIRS_DROPPED
    assert (line.values["count"], line.values["total"]) == (2, 3)


def test_what_cannot_be_done_is_refused(two: Damager, trained: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="themselves"):
        apply_to_folder(folder, folder, two)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture"):
        apply_to_folder(tmp_path / "empty", tmp_path / "out", two)
    (folder / "bad.png").write_bytes(b"none")
    with pytest.raises(InputError, match=r"bad\.png"):
        apply_to_folder(folder, tmp_path / "out", two)
    assert not (tmp_path / "out" / MANIFEST).exists()
    with pytest.raises(OptionError, match="no snapshot of 90 to 99 dB"):
        open_damager(str(trained / "degrader.safetensors"), 90, 99)
    with pytest.raises(OptionError, match="around"):
        damager(load_degrader(trained / "degrader.safetensors"), 1, 2)


@pytest.mark.parametrize("pixels", ["yuv420p", "gray", "gbrp"])
def test_a_video(two: Damager, tmp_path: Path, pixels: str) -> None:
    """Of a size that is no multiple of 8, with sound, to the same pictures each time."""
    source = tmp_path / "in.mkv"
    subprocess.run(
        "ffmpeg -v error -f lavfi -i testsrc2=s=74x58:r=5:d=0.6 -f lavfi -i sine=d=0.6 -colorspace smpte170m "
        f"-color_range pc -c:v ffv1 -pix_fmt {pixels} -c:a flac {source}".split(), check=True,
    )  # fmt: skip
    made = []
    for name in ("one.mkv", "two.mkv"):
        told: list[str] = []
        assert apply_to_video(source, tmp_path / name, two, on_message=told.append) == 3
        made.append([to_rgb(frame) for frame in frames(tmp_path / name, 9)])
        assert [line.code for line in told if isinstance(line, Message)] in ([], [Code.FRAMES_BEYOND_LIMITS])
    clean = [to_rgb(frame) for frame in frames(source, 9)]
    assert len(made[0]) == len(made[1]) == 3
    assert all(torch.equal(a, b) for a, b in zip(*made, strict=True))
    assert all(a.shape == b.shape and 10 < psnr(a, b) < 40 for a, b in zip(made[0], clean, strict=True))
    probe = "ffprobe -v error -show_entries stream=codec_name -of csv=p=0".split()
    streams = subprocess.run([*probe, tmp_path / "one.mkv"], check=True, capture_output=True, text=True).stdout.split()
    assert len(streams) == 2 and streams[1] == "flac"


def test_a_video_that_is_stopped_is_kept(two: Damager, tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    subprocess.run(f"ffmpeg -v error -f lavfi -i testsrc2=s=48x48:r=5:d=2 -c:v ffv1 {source}".split(), check=True)
    done: list[int] = []
    with pytest.raises(Interrupted, match=r"after . frames; kept in .*out\.partial\.mkv"):
        apply_to_video(
            source,
            tmp_path / "out.mkv",
            two,
            on_frame=lambda count, _: done.append(count),
            stop_signal=lambda: 2 if len(done) > 1 else None,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.partial.mkv"]
    (tmp_path / "out.mkv").write_bytes(b"mine")
    with pytest.raises(OutputError, match="already exists"):
        apply_to_video(source, tmp_path / "out.mkv", two)

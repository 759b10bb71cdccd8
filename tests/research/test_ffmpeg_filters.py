"""The controls: FFmpeg's own program gives the truth for its filters, the Fourier transform for the linear one."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from scipy.ndimage import correlate1d

from vidrts.frame import pixel_format
from vidrts.images import read_photo
from vidrts.measure import sharpening_filters
from vidrts.measure.difference import difference_ratio
from vidrts.measure.sharpness import predicted_gain, radial_gain
from vidrts.media.tools.image_filter import filter_picture
from vidrts.networks.checkpoint import load_model
from vidrts.research.baselines import CONTROLS, SAME_GAIN, compare, markdown, plot
from vidrts.research.ffmpeg_filters import ffmpeg_cas, ffmpeg_unsharp

FFMPEG = FFPROBE and str(Path(FFPROBE).with_name("ffmpeg"))


@pytest.fixture(scope="module")
def photo(kodak: Path) -> torch.Tensor:
    return read_photo(sorted(kodak.rglob("*.png"))[7])[:, 100:260, 200:400]


def ffmpeg(planes: np.ndarray, pix_fmt: str, chain: str) -> np.ndarray:
    """(3, h, w) uint16 planes, in the format's own order, through ffmpeg's program."""
    if not FFMPEG:
        pytest.skip("no ffmpeg to compute the truth")
    size = f"{planes.shape[2]}x{planes.shape[1]}"
    raw = ["-f", "rawvideo", "-pix_fmt", pix_fmt]
    done = subprocess.run(
        [FFMPEG, "-v", "error", *raw, "-s", size, "-i", "-", "-vf", chain, *raw, "-"],
        input=planes.astype("<u2").tobytes(), capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(done.stdout, "<u2").reshape(planes.shape)


def test_cas_is_ffmpegs(photo: torch.Tensor) -> None:
    stored = (photo * 65535).round().numpy().astype(np.uint16)
    wanted = ffmpeg(stored[[1, 2, 0]], "gbrp16le", "cas=strength=0.4")[[2, 0, 1]]
    got = (ffmpeg_cas(photo, 0.4) * 65535).round().numpy()
    assert np.abs(got - wanted).max() <= 1
    assert np.abs(got - stored).max() > 500  # it did something


def test_unsharp_takes_away_a_binomial_blur(photo: torch.Tensor) -> None:
    # Not held against the ffmpeg program: version 5 is far off at more than 8 bit.
    y = np.tensordot([0.2126, 0.7152, 0.0722], photo.numpy().astype(np.float64), 1)
    binomial = np.array([1, 4, 6, 4, 1]) / 16
    blurred = correlate1d(correlate1d(y, binomial, axis=0, mode="nearest"), binomial, axis=1, mode="nearest")
    wanted = np.clip(photo.numpy() + (np.clip(y + 0.7 * (y - blurred), 0, 1) - y), 0, 1)
    assert np.abs(ffmpeg_unsharp(photo, 0.7).numpy() - wanted).max() < 1e-4
    assert np.abs(wanted - photo.numpy()).max() > 0.01


def test_a_filter_that_does_not_take_the_format_is_an_error() -> None:
    plane = torch.zeros(16, 16, dtype=torch.uint8)
    with pytest.raises(ValueError, match="nosuch"):
        filter_picture((plane, plane, plane), pixel_format("yuv444p"), "nosuch=1")
    with pytest.raises(ValueError, match="does not take yuv444p"):
        filter_picture((plane, plane, plane), pixel_format("yuv444p"), "format=gray")


@pytest.mark.parametrize("stage", [1, 2])
def test_the_linear_control_has_the_predicted_gain(stage: int) -> None:
    impulse = torch.full((1, 65, 65), 0.5, dtype=torch.float64)
    impulse[0, 32, 32] += 0.01
    response = torch.fft.fft2(sharpening_filters.linear(impulse, 1.0, stage)[0] - 0.5).abs() / 0.01
    for k in (0, 6, 13, 20, 26):
        assert response[0, k].item() == pytest.approx(predicted_gain("triangle", stage, k / 65), abs=0.03)
    assert response[13, 20].item() == pytest.approx(response[13, 0].item() * response[0, 20].item(), rel=1e-6)


def test_a_filter_of_given_gains_has_them(photo: torch.Tensor) -> None:
    frequencies, gains = [0.1, 0.2, 0.3, 0.4, 0.5], [1.1, 1.3, 1.5, 1.4, 1.2]
    impulse = torch.full((1, 65, 65), 0.5, dtype=torch.float64)
    impulse[0, 32, 32] += 0.01
    response = torch.fft.fft2(sharpening_filters.of_gain(impulse, frequencies, gains)[0] - 0.5).abs() / 0.01
    for y, x in ((0, 6), (0, 13), (13, 0), (12, 16), (0, 26)):
        wanted = np.interp(np.hypot(y, x) / 65, frequencies, gains)
        assert response[y, x].item() == pytest.approx(wanted, abs=0.04)
    # On a photograph: what comes out has the gains that went in.
    bands, measured = radial_gain(sharpening_filters.of_gain(photo, frequencies, gains), photo)
    for f, g in list(zip(bands, measured, strict=True))[2:]:
        assert g == pytest.approx(np.interp(f, frequencies, gains), abs=0.05)


def test_every_control_meets_a_difference_ratio(photo: torch.Tensor) -> None:
    for name, control in CONTROLS.items():
        amount = sharpening_filters.equal_amount(photo, 3.0, control.apply, control.most)
        assert difference_ratio(control.apply(photo, amount), photo) == pytest.approx(3.0, rel=0.01), name


def test_the_table_has_a_row_for_each_version(kodak: Path, tiny_model: Path, tmp_path: Path) -> None:
    comparison = compare(sorted(kodak.rglob("*.png"))[7:8], [load_model(tiny_model)], workers=1)
    rows = {row.name: row for row in comparison.rows}
    assert list(rows) == ["LR", "HR0", "HR1", *CONTROLS, SAME_GAIN]
    assert rows[SAME_GAIN].gains == pytest.approx(rows["HR1"].gains, abs=0.05)
    assert rows["HR0"].values["difference_ratio"] == 0
    assert rows["HR0"].gains == pytest.approx((1.0,) * len(comparison.frequencies))
    assert rows["HR0"].values["overshoot"] == 0
    assert rows["LR"].gains[-1] < 0.5  # nothing is left there
    for name in CONTROLS:
        ratio = rows[name].values["difference_ratio"]
        assert ratio == pytest.approx(rows["HR1"].values["difference_ratio"], rel=0.01)
    assert rows["unsharp (FFmpeg)"].values["edge_acutance"] > rows["HR0"].values["edge_acutance"]
    assert comparison.mos_model.startswith("VIQET Preview 1")
    assert len(markdown(comparison).splitlines()) == 2 + len(rows)
    plot(comparison, tmp_path / "gain.png")
    assert (tmp_path / "gain.png").stat().st_size > 10_000

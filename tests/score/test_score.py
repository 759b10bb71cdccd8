"""`vidrts score`: what is read, measured, printed and refused."""

import csv
import io
import json
import math
import subprocess
import sys
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from helpers.paths import DATA, need
from numpy.typing import NDArray
from PIL import Image

from vidrts.cli import run
from vidrts.compare.frames import to_rgb
from vidrts.compare.metrics import of_pictures, take
from vidrts.images import to_bytes
from vidrts.measure.difference import difference_ratio
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.luma import luma
from vidrts.measure.metric import Reading
from vidrts.measure.registry import COMPARED, METRICS, MOS
from vidrts.measure.viqet import COLUMNS, Scores
from vidrts.media.read.sampling import sample
from vidrts.messages import Code, Message
from vidrts.ops.lanczos import enlarge
from vidrts.score import scoring as score_module
from vidrts.score.scoring import ScoreOptions

COMPARING = {metric.key for metric in COMPARED if not metric.alone}
SMALL = "vmaf__Seeking_30_480_1050.mp4"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[NDArray[np.uint8]]:
    """The pictures that reached VIQET, whose place is taken by something quick: the edge acutance is the mean."""
    seen: list[NDArray[np.uint8]] = []

    def quick(pictures: Iterable[NDArray[np.uint8]], **_: Any) -> Iterator[Scores]:
        for picture in pictures:
            seen.append(picture)
            mean = float(picture.mean())
            yield Scores(
                values={"edge_acutance": mean}, missing={"flat_region_index": "no classifier"}, raw_mos=mean,
                mos=float("nan") if mean == 0 else 2.0, mos_model="VIQET Preview 1 day",
            )  # fmt: skip

    monkeypatch.setattr(score_module, "measure_many", quick)
    return seen


def rows(capfd: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """What `vidrts score --json` prints on stdout, parsed strictly, and the text on stderr."""
    assert run(["score", "--json", "--workers", "1", *map(str, arguments)]) == code
    told = capfd.readouterr()

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    assert told.out, told.err
    return json.loads(told.out, parse_constant=refuse), told.err


def test_reference_scores(capfd: pytest.CaptureFixture[str]) -> None:
    """The numeric columns of the original program, through the command."""
    folder = need(DATA / "viqet")
    with (folder / "reference_scores.csv").open() as file:
        reference = {row["file"]: row for row in csv.DictReader(file)}
    names = ("kodim23__usm1.png",)
    found, told = rows(capfd, *(folder / name for name in names))
    assert [Path(row["file"]).name for row in found] == list(names)
    for row in found:
        wanted = reference[Path(row["file"]).name]
        assert set(COLUMNS) <= set(wanted)
        for key in ("width", "height", *COLUMNS):
            if key == "flat_region_index" or key.startswith("MOS_"):  # the picture is too small for a MOS
                assert row[key] is None
                continue
            tolerance = {"abs": 0.005} if "v2_night" in key else {"rel": 1e-6, "abs": 1e-12}
            assert row[key] == pytest.approx(float(wanted[key]), **tolerance), key
        assert row["mos"] is None
        assert row["mos_raw"] == row["raw_v1_day"]
        assert row["mos_model"] == "VIQET Preview 1 day"
    assert "no flat_region_index: needs VIQET's classifier" in told


def pictures(folder: Path) -> dict[str, list[Message]]:
    """Pictures of every kind in `folder`: name -> what is told of it."""
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (90, 100, 3), dtype=np.uint16)
    plain = (deep >> 8).astype(np.uint8)
    alpha = rng.integers(0, 256, (90, 100, 1), dtype=np.uint8)
    cv2.imwrite(str(folder / "deep.png"), deep)
    cv2.imwrite(str(folder / "deepgrey.png"), deep[..., 0])
    cv2.imwrite(str(folder / "deepgrey.tif"), deep[..., 0])
    cv2.imwrite(str(folder / "grey.png"), plain[..., 0])
    cv2.imwrite(str(folder / "alpha.png"), np.concatenate([plain, alpha], axis=2))
    cv2.imwrite(str(folder / "plain.bmp"), plain)
    Image.fromarray(plain).quantize(32).save(folder / "palette.png")
    frames = [Image.fromarray(np.roll(plain, k, axis=0)).quantize(32).convert("RGB") for k in range(3)]
    for name in ("moving.png", "moving.gif", "moving.webp"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], lossless=True)
    deep, gray, first = Message(Code.DEPTH_LOWERED), Message(Code.GRAY_AS_RGB), Message(
        Code.FIRST_PICTURE_TAKEN, count=3, unit="frames"
    )  # fmt: skip
    return {
        "deep.png": [deep], "deepgrey.png": [gray, deep], "deepgrey.tif": [gray, deep], "grey.png": [gray],
        "alpha.png": [Message(Code.ALPHA_DROPPED)], "plain.bmp": [], "palette.png": [],
        "moving.png": [first], "moving.gif": [first], "moving.webp": [first, Message(Code.ALPHA_DROPPED)],
    }  # fmt: skip


def test_every_kind_of_picture_as_viqets_loader(
    tmp_path: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    """OpenCV reads the same samples; what was done to them is told, a line each."""
    kinds = pictures(tmp_path)
    found, told = rows(capfd, *(tmp_path / name for name in kinds))
    assert len(found) == len(kinds)
    for name, got in zip(kinds, measured, strict=True):
        wanted = cv2.imread(str(tmp_path / name), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        assert wanted is not None
        assert np.array_equal(got, wanted[:, :, ::-1]), name
        lines = [line for line in told.splitlines() if f"/{name}: " in line and "flat_region" not in line]
        assert lines == [f"vidrts: {line.about(tmp_path / name)}" for line in kinds[name]]


def test_bad_files_are_told_and_the_others_scored(
    tmp_path: Path, clips: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    good = need(DATA / "viqet") / "kodim03.png"
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:100_000])
    (tmp_path / "junk.jpg").write_bytes(b"no picture" * 100)
    (tmp_path / "junk.mp4").write_bytes(b"no video" * 100)
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("RGB", (200, 79)).save(tmp_path / "tiny.png")
    Image.new("F", (90, 90)).save(tmp_path / "float.tif")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    reasons = {
        tmp_path: "is a directory", tmp_path / "none.png": "no such file", tmp_path / "cut.png": "truncated",
        tmp_path / "junk.jpg": "cannot be read as a picture", tmp_path / "junk.mp4": "cannot be opened as a video",
        tmp_path / "empty.png": "cannot be read as a picture", tmp_path / "float.tif": "got 32",
        tmp_path / "tiny.png": "expected at least 80x80 pixels, got 200x79", tmp_path / "sound.wav": "found: audio",
        clips / "androidx_media__invalid-bitstream.webm": "no frame could be decoded",
    }  # fmt: skip
    found, told = rows(capfd, *reasons, good, code=1)
    assert [row["file"] for row in found] == [str(good)]
    assert "Traceback" not in told
    errors = [line for line in told.splitlines() if not line.startswith("vidrts: no ")]
    assert len(errors) == len(reasons)
    for line, (path, reason) in zip(errors, reasons.items(), strict=True):
        assert line.startswith(f"vidrts: {path}: ")
        assert reason in line
    for path, reason in reasons.items():  # alone: an empty list, one line
        found, told = rows(capfd, path, code=1)
        assert found == []
        assert reason in told
        assert len(told.splitlines()) == 1
        break


def test_a_video_is_the_mean_of_its_sampled_frames(
    clips: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    clip = clips / "intel__car-detection.mp4"
    (row,), _ = rows(capfd, "--frames", "3", clip)
    wanted = [to_bytes(to_rgb(frame)) for frame in sample(clip, count=3)]
    assert all(np.array_equal(a, b) for a, b in zip(measured, wanted, strict=True))
    assert row["frames"] == 3
    assert row["edge_acutance"] == pytest.approx(np.mean([w.mean() for w in wanted]), rel=1e-12)
    assert (row["width"], row["height"], row["mos_raw"]) == (768, 432, pytest.approx(row["edge_acutance"]))
    assert set(row) == {"file", "width", "height", "frames", "mos", "mos_model", "mos_raw", *COLUMNS, "cambi"}
    assert row["saturation"] is None
    (row,), _ = rows(capfd, "--every", "20", clip)
    assert row["frames"] == 2


def _psnr(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a - b) ** 2)))


def test_pictures_beside_a_reference(
    tmp_path: Path, kodak: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Each value is that of the measure itself; a larger result is compared with the enlarged source."""
    with Image.open(sorted(kodak.rglob("*.png"))[4]) as image:
        source = image.convert("RGB").crop((100, 100, 300, 260))
    source.save(tmp_path / "source.png")
    Image.eval(source, lambda v: min(255, v * 11 // 10)).save(tmp_path / "bright.png")
    source.resize((400, 320), Image.Resampling.BICUBIC).save(tmp_path / "double.png")
    source.resize((800, 640), Image.Resampling.BICUBIC).save(tmp_path / "four.png")
    source.resize((210, 160)).save(tmp_path / "odd.png")
    names = [tmp_path / f"{name}.png" for name in ("source", "bright", "double", "four", "odd")]
    found, told = rows(capfd, "--reference", names[0], *names, code=1)
    assert [Path(row["file"]).stem for row in found] == ["source", "bright", "double", "four"]
    assert all(set(row) >= COMPARING for row in found)
    assert f"expected 200x160 (the size of {names[0]}) or 2, 4 or 8 times that, got 210x160" in told

    def rgb(path: Path) -> torch.Tensor:
        with Image.open(path) as image:
            return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255

    same, bright, large, four = found
    assert same["psnr_rgb"] is None  # infinite is no number of JSON
    assert (same["difference_ratio"], same["ssim"], same["noise_gain"]) == pytest.approx((0, 1, 1))
    assert f"{names[0]}: no psnr_rgb, psnr_y: infinite, the two are equal" in told
    a, b = rgb(names[0]), rgb(names[1])
    assert bright["difference_ratio"] == pytest.approx(difference_ratio(b, a))
    assert bright["psnr_rgb"] == pytest.approx(psnr(b, a))
    assert bright["psnr_y"] == pytest.approx(psnr(luma(b), luma(a)))
    assert bright["ssim"] == pytest.approx(ssim(luma(b), luma(a)))
    enlarged = enlarge(a[None], 2)[0].clamp(0, 1)
    assert large["psnr_rgb"] == pytest.approx(psnr(rgb(names[2]), enlarged))
    assert large["psnr_rgb"] > 30
    with Image.open(names[0]) as image:
        channels = [band.convert("F").resize((800, 640), Image.Resampling.LANCZOS) for band in image.split()]
    pillow = np.stack([np.asarray(band, np.float64) for band in channels], axis=2).clip(0, 255)
    with Image.open(names[3]) as image:
        assert four["psnr_rgb"] == pytest.approx(
            _psnr(pillow, np.asarray(image, np.float64)), abs=0.05
        )  # at the border Pillow renormalizes
    assert all(row["flicker"] is None and row["vmaf"] is None for row in found)


def test_videos_beside_a_reference(
    tmp_path: Path, clips: Path, tiny_model: Path, measured: list[NDArray[np.uint8]],
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clip, made = clips / SMALL, tmp_path / "made.mp4"
    assert run(["enhance", "-q", "--device", "cpu", "--model", str(tiny_model), "-t", "0.4", str(clip), str(made)]) == 0
    (row,), told = rows(capfd, "--frames", "1", "--reference", clip, made)
    assert "the first 0.4" in told
    assert all(row[key] is not None and math.isfinite(row[key]) for key in COMPARING), row
    assert row["frames"] == 1
    assert 0.05 < row["difference_ratio"] < 20
    assert 10 < row["vmaf_neg"] <= 100
    # The picture that VIQET sees is the result's.
    (frame,) = sample(made, count=1)
    assert np.array_equal(measured[0], to_bytes(to_rgb(frame)))
    picture = need(DATA / "viqet") / "kodim03.png"
    _, told = rows(capfd, "--reference", clip, picture, code=1)
    assert "is a picture, but its reference" in told
    _, told = rows(capfd, "--reference", picture, clip, code=1)
    assert "is a video, but its reference" in told
    assert run(["score", "--reference", str(tmp_path / "none.mp4"), str(made)]) == 1
    assert capfd.readouterr().err.splitlines() == [f"vidrts: {tmp_path / 'none.mp4'}: no such file"]


@pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed")
def test_hdr_video(tmp_path: Path, clips: Path, measured: list[NDArray[np.uint8]]) -> None:
    """Measured as coded, and told so; what is made for SDR alone is missing, and told why."""
    clip = tmp_path / "hlg.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", clips / SMALL, "-frames:v", "3", "-vf", "scale=180:120"]
    tags = "-pix_fmt yuv420p10le -c:v libx264 -color_trc arib-std-b67 -colorspace bt2020nc -color_primaries bt2020"
    subprocess.run([*command, *tags.split(), clip], check=True)
    lines: list[Message] = []
    (score,) = score_module.score_files([clip], ScoreOptions(frames=1, reference=clip), on_message=lines.append)
    row, missing = score.row(), score.missing()
    assert row["frames"] == 1
    assert row["ssim"] == pytest.approx(1)
    assert [(line.code, line.values) for line in lines if line.code is Code.SCORED_AS_CODED] == [
        (Code.SCORED_AS_CODED, {"signal": "HLG"})
    ]
    for key in ("ciede2000", "vmaf", "vmaf_neg", "ssimulacra2", "cambi"):
        assert row[key] is None
        assert (missing[key].code, missing[key].values) == (Code.METRIC_NOT_FOR_HDR, {"signal": "HLG"})


def test_csv_and_tables(tmp_path: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (600, 600)).save(tmp_path / "black[1].png")
    Image.new("RGB", (600, 610), "white").save(tmp_path / "white.png")
    files = [str(tmp_path / name) for name in ("black[1].png", "white.png")]
    assert run(["score", "--csv", *files]) == 0
    told = capfd.readouterr()
    found = list(csv.DictReader(io.StringIO(told.out)))
    assert [row["file"] for row in found] == files
    assert [(row["mos"], row["mos_raw"], row["saturation"]) for row in found] == [("", "0.0", ""), ("2.0", "255.0", "")]
    # NaN is no JSON: null.
    black, white = rows(capfd, *files)[0]
    assert (black["mos"], white["mos"]) == (None, 2.0)
    assert run(["score", "--reference", files[0], files[0]]) == 0
    told = capfd.readouterr()
    assert "MOS (VIQET Preview 1 day)" in told.out
    assert "black[1].png" in told.out
    assert METRICS["overshoot"].name not in told.out  # not defined for a black picture: the column is left out
    assert "the source has no edge" in told.err
    assert "flat_region_index" not in told.err  # the tables have no such column


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "FILE"),
        (["--frames", "2", "--every", "1", "x.png"], 2, "exclude"),
        (["--json", "--csv", "x.png"], 2, "exclude"),
        (["--frames", "0", "x.png"], 2, "0"),
        (["--every", "0", "x.png"], 2, "more than 0"),
        (["--every", "often", "x.png"], 2, "often"),
        (["--workers", "0", "x.png"], 2, "0"),
        (["--viqet-model", "nosuch", "x.png"], 1, "preview1-day"),
        (["--viqet-model", "x.png", "x.png"], 1, "x.png"),
        (["--flat-region-model", "none.txt", "x.png"], 1, "none.txt"),
    ],
)
def test_a_mistake_is_a_line_and_a_code(
    arguments: list[str], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (90, 90)).save("x.png")
    assert run(["score", *arguments]) == code
    told = capfd.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert code == 2 or len(told.err.splitlines()) == 1


def test_ssimulacra2_is_the_originals(
    tmp_path: Path, kodak: Path, measured: list[NDArray[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Values of the original program (cloudinary's C++) for the same 384x384 pixels, through the command."""
    with Image.open(kodak / "HR" / "04.png") as image:
        crop = np.array(image.convert("RGB"))[60:444, 100:484].astype(int)
    soft = (crop + np.roll(crop, 1, 0) + np.roll(crop, 1, 1) + np.roll(crop, (1, 1), (0, 1)) + 2) // 4
    pictures = {"same": crop, "soft": soft, "steps": crop // 24 * 24 + 12, "sharp": np.clip(2 * crop - soft, 0, 255)}
    for name, picture in pictures.items():
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"{name}.png")
    found, _ = rows(capfd, "--reference", tmp_path / "same.png", *(tmp_path / f"{name}.png" for name in pictures))
    assert [row["ssimulacra2"] for row in found] == pytest.approx([100, 49.694, 23.775, 56.184], abs=0.2)
    same, soft_row, steps, _ = (row["cambi"] for row in found)
    assert steps > same == pytest.approx(soft_row, abs=1)


def test_a_metric_without_its_package_is_left_out_with_a_line(
    tmp_path: Path, measured: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ssimulacra2", None)
    picture = tmp_path / "a.png"
    Image.effect_noise((100, 90), 40).convert("RGB").save(picture)
    (score,) = score_module.score_files([picture], ScoreOptions(reference=picture))
    why = score.missing()["ssimulacra2"]
    assert isinstance(why, Message)
    assert (why.code, why.values) == (Code.METRIC_NEEDS_PACKAGE, {"package": "ssimulacra2"})
    assert score.row()["ssimulacra2"] is None and score.row()["ssim"] == pytest.approx(1)


def test_small_pictures_have_no_mos(
    tmp_path: Path, measured: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Below the smallest size "-" in the table, null in JSON, and one line that says why; from it on the MOS."""
    least = MOS.smallest
    for name, size in (("small", (2 * least, least - 1)), ("upright", (least - 1, 800)), ("large", (least, least))):
        Image.new("RGB", size, "gray").save(tmp_path / f"{name}.png")
    files = [tmp_path / f"{name}.png" for name in ("small", "upright", "large")]
    scores = score_module.score_files(files)
    assert [score.row()["mos"] for score in scores] == [None, None, 2.0]
    for score, (width, height) in zip(scores[:2], ((2 * least, least - 1), (least - 1, 800)), strict=True):
        why = score.missing()["mos"]
        assert isinstance(why, Message)
        assert why.code is Code.METRIC_MEANINGLESS
        assert why.values == {"smallest": least, "width": width, "height": height}
    assert "mos" not in scores[2].missing()
    assert rows(capfd, *files[:1])[0][0]["mos"] is None
    monkeypatch.chdir(tmp_path)
    assert run(["score", "--workers", "1", "small.png"]) == 0
    told = capfd.readouterr()
    head, values = told.out.splitlines()[:2]
    assert head.startswith("file") and "MOS" in head
    assert values.split()[:3] == ["small.png", "-", "-"]
    assert len([line for line in told.err.splitlines() if str(least) in line]) == 1


def test_decibels_are_pooled_by_their_errors() -> None:
    """20 and 40 dB are mean square errors of 1/100 and 1/10000; an infinite value is an error of 0."""

    def pooled(metric: str, *values: float) -> float:
        mean = METRICS[metric].mean(map(Reading, values))
        assert mean is not None
        return mean.value

    assert pooled("psnr_y", 20, 40) == pytest.approx(-10 * math.log10((1e-2 + 1e-4) / 2))
    assert pooled("psnr_y", 20, math.inf) == pytest.approx(20 + 10 * math.log10(2))
    assert pooled("psnr_y", math.inf, math.inf) == math.inf
    assert pooled("xpsnr", 20, 40) == pytest.approx(-20 * math.log10((1e-1 + 1e-2) / 2))
    assert pooled("ssim", 1, 2, math.nan) == 1.5
    assert METRICS["ssim"].mean([]) is None
    black = [torch.zeros(3, 90, 90)]
    found = take(COMPARED, of_pictures(black, black))
    assert "difference_ratio" not in found.readings
    assert "black" in found.missing["difference_ratio"]

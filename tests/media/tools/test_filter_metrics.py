"""VMAF, XPSNR and CAMBI through PyAV, against the same filters fed by FFmpeg's own readers, and what they must say."""

import json
import math
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE

from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.sampling import pairs, sample
from vidrts.media.tools import filter_metrics
from vidrts.media.tools.filter_metrics import FilterScores, frame_scores, pair_scores

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed")


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def videos(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small source and what was made of it: blurred, sharpened, sharpened at 10 bit, and at twice the size."""
    folder = tmp_path_factory.mktemp("videos")
    found = {name: folder / f"{name}.mkv" for name in ("source", "blurred", "sharp", "deep", "double")}
    lossless = "-c:v ffv1 -an".split()
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    ffmpeg("-i", clip, "-frames:v", "6", "-vf", "scale=360:240", *lossless, found["source"])
    for name, chain in (
        ("blurred", "gblur=1.5"), ("sharp", "unsharp"), ("deep", "unsharp,format=yuv420p10le"),
        ("double", "unsharp,scale=720:480:flags=lanczos"),
    ):  # fmt: skip
        ffmpeg("-i", found["source"], "-vf", chain, *lossless, found[name])
    return found


def window(videos: dict[str, Path], name: str) -> tuple[list[Frame], list[Frame]]:
    return list(sample(videos["source"])), list(sample(videos[name]))


def read_by_ffmpeg(source: Path, result: Path, meter: str) -> list[dict[str, str]]:
    """Both files through one filter graph that FFmpeg reads itself; the metadata of each frame."""
    graph = f"movie={result}[made];movie={source}[was];[made][was]{meter}"
    with av.open(graph, format="lavfi") as container:
        return [dict(frame.metadata) for frame in container.decode(video=0)]


def scores(videos: dict[str, Path], name: str) -> FilterScores:
    return pair_scores(*window(videos, name))


def test_the_same_as_ffmpeg_reading_the_files(videos: dict[str, Path], tmp_path: Path) -> None:
    got = scores(videos, "blurred")
    assert got.missing == {}
    told = read_by_ffmpeg(videos["source"], videos["blurred"], "xpsnr")
    wanted = [float(frame["lavfi.xpsnr.xpsnr.y"]) for frame in told]
    assert got.frames["xpsnr"] == wanted[1:]  # the first has no frame before it and is left out
    log = tmp_path / "vmaf.json"
    for key, model in (("vmaf", "vmaf_v0.6.1"), ("vmaf_neg", "vmaf_v0.6.1neg")):
        meter = f"libvmaf=model=version={model}:log_fmt=json:log_path={log}"
        read_by_ffmpeg(videos["source"], videos["blurred"], meter)
        wanted = [frame["metrics"]["vmaf"] for frame in json.loads(log.read_text())["frames"]]
        assert len(wanted) == 6
        assert got.frames[key] == wanted[1:]


def test_what_they_say_of_known_changes(videos: dict[str, Path]) -> None:
    same, blurred, sharp = (scores(videos, name).frames for name in ("source", "blurred", "sharp"))
    assert all(value == math.inf for value in same["xpsnr"])
    assert min(same["vmaf"]) > 95
    assert max(blurred["vmaf"]) < 85
    assert all(20 < value < 45 for value in (*blurred["xpsnr"], *sharp["xpsnr"]))
    # VMAF rewards a sharpening filter; its NEG variant does so less.
    assert sum(sharp["vmaf"]) >= sum(sharp["vmaf_neg"])
    assert min(sharp["vmaf"]) > max(blurred["vmaf"])


def test_depth_and_size_may_differ(videos: dict[str, Path]) -> None:
    """At 10 bit and at twice the size the scores stay where they are at 8 bit."""
    sharp = scores(videos, "sharp").frames
    for name, tolerance in (("deep", 0.2), ("double", 4.0)):
        got = scores(videos, name)
        assert got.missing == {}
        for key in ("xpsnr", "vmaf_neg"):
            assert len(got.frames[key]) == 5
            assert sum(got.frames[key]) / 5 == pytest.approx(sum(sharp[key]) / 5, abs=tolerance), (name, key)


def test_a_single_frame(videos: dict[str, Path]) -> None:
    (pair,) = pairs(videos["source"], videos["blurred"], at=[Fraction(0)])
    got = pair_scores(pair.source, pair.result).frames
    assert {key: len(values) for key, values in got.items()} == {"vmaf": 1, "vmaf_neg": 1, "xpsnr": 1}


def test_hdr_has_no_vmaf(clips: Path) -> None:
    (pair,) = pairs(*[clips / "androidx_media__hlg10-color-test.mp4"] * 2, count=1)
    got = pair_scores(pair.source, pair.result)
    assert set(got.frames) == {"xpsnr"}
    assert got.missing == dict.fromkeys(("vmaf", "vmaf_neg"), "VMAF has no model for HLG video")


def test_a_missing_filter_is_told(videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    run = filter_metrics._run

    def without_libvmaf(source: list[Frame], result: list[Frame], measure: str, fmt: str) -> list[dict[str, str]]:
        return run(source, result, measure.replace("libvmaf", "nosuchfilter"), fmt)

    monkeypatch.setattr(filter_metrics, "_run", without_libvmaf)
    got = scores(videos, "blurred")
    assert set(got.frames) == {"xpsnr"}
    assert "nosuchfilter" in got.missing["vmaf"]


def gray(samples: np.ndarray, depth: int = 8) -> Frame:
    """A picture of luma alone, limited range."""
    fmt = pixel_format("gray" if depth == 8 else f"gray{depth}le")
    plane = torch.from_numpy(samples.astype(np.uint8 if depth == 8 else np.uint16))
    return Frame(planes=(plane,), format=fmt, color=ColorTags(range=1), pts=0, time_base=Fraction(1, 25))


def banding(frame: Frame) -> float:
    found = frame_scores(frame)
    assert found.missing == {}
    return found.frames["cambi"][0]


def test_cambi_sees_the_steps_of_a_gradient_and_not_of_a_dithered_one() -> None:
    """The same gradient of 40 code values over 640 pixels, rounded to 8 bit, and after noise of a step up or down."""
    ramp = np.tile(np.linspace(60, 100, 640), (360, 1))
    noise = np.random.default_rng(0).uniform(-1, 1, ramp.shape)
    steps, dithered = banding(gray(np.round(ramp))), banding(gray(np.round(ramp + noise)))
    assert steps > 10
    assert dithered < 1
    assert banding(gray(np.full((360, 640), 80))) == 0, "one colour has no steps"
    assert banding(gray(np.round(4 * ramp), 10)) < steps, "a quarter of the step is seen less"
    large = np.round(np.tile(np.linspace(60, 100, 4500), (3000, 1)))
    assert banding(gray(large)) == pytest.approx(steps, abs=5), "larger than libvmaf's own window allows"


def test_cambi_is_that_of_ffmpeg_reading_the_file(clips: Path, tmp_path: Path) -> None:
    """Of a film at a size below 216 there is none, and FFmpeg's word for it is passed on."""
    clip, log = tmp_path / "clip.mkv", tmp_path / "vmaf.json"
    ffmpeg("-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-frames:v", "3", "-an", "-c:v", "ffv1", clip)
    read_by_ffmpeg(clip, clip, f"libvmaf=feature=name=cambi:log_fmt=json:log_path={log}")
    wanted = [frame["metrics"]["cambi"] for frame in json.loads(log.read_text())["frames"]]
    assert len(wanted) == 3
    assert [banding(frame) for frame in sample(clip)] == pytest.approx(wanted, abs=1e-6)
    small = frame_scores(gray(np.zeros((200, 200))))
    assert "cambi" not in small.frames
    assert "FFmpeg" in small.missing["cambi"]

"""Stills: films put together from real photographs by ffmpeg, whose shots are known."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from PIL import Image

from vidrts.cli import run
from vidrts.errors import InputError, OptionError, OutputError, UnsupportedFormatError
from vidrts.measure.luma import luma
from vidrts.training.frame_extraction import MANIFEST, StillOptions, active_area, save_stills, sharpness, stills


@pytest.fixture(scope="module")
def shots(kodak: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """At 10 frames/s: black, photograph 8 fading in, 19 panned, 8 again, 5 blurred, 3; letterboxed, anamorphic."""
    if not FFPROBE:
        pytest.skip("no ffmpeg to make the film")
    folder = tmp_path_factory.mktemp("film")
    eight, nineteen, five, three = (Image.open(next(kodak.rglob(f"*{n:02}.png"))).convert("RGB") for n in (8, 19, 5, 3))
    size = (320, 160)
    frames = [Image.new("RGB", size)] * 5
    a = eight.crop((100, 100, 740, 420)).resize(size, Image.Resampling.LANCZOS)
    frames += [Image.blend(Image.new("RGB", size), a, k / 6) for k in range(1, 7)] + [a] * 6
    frames += [nineteen.crop((20, 100 + 4 * k, 340, 260 + 4 * k)) for k in range(10)]
    frames += [a] * 6
    frames += [five.crop((300, 200, 380, 240)).resize(size, Image.Resampling.BICUBIC)] * 6
    frames += [three.crop((100, 100, 740, 420)).resize(size, Image.Resampling.LANCZOS)] * 6
    for number, frame in enumerate(frames):
        full = Image.new("RGB", (320, 208))
        full.paste(frame, (0, 24))
        full.save(folder / f"{number:03}.png")
    film = folder / "film.mkv"
    subprocess.run(
        [str(Path(str(FFPROBE)).with_name("ffmpeg")), "-v", "error", "-framerate", "10", "-i", folder / "%03d.png",
         "-vf", "setsar=4/3", "-c:v", "libx264", "-qp", "10", "-pix_fmt", "yuv420p", film], check=True,
    )  # fmt: skip
    return film


def test_one_sharp_frame_of_each_shot(shots: Path) -> None:
    found = list(stills(shots, StillOptions(overscan=0)))
    # Black, the repeated and the blurred shot give none; the fade gives a frame from after it.
    assert len(found) == 3
    fade, pan, last = (float(still.time) for still in found)
    assert 0.95 <= fade < 1.7
    assert 1.7 <= pan < 2.7
    assert 3.9 <= last < 4.5
    for still in found:
        height, width = still.rgb.shape[1:]
        # The bars are off (to within what coding smears into a line), and of 4:3 pixels the lines were scaled down.
        assert width == 320
        assert abs(height - 160 * 3 / 4) <= 2
        assert still.sharpness > 0.5


def test_sharpness_falls_with_blur_and_ignores_contrast(kodak: Path) -> None:
    picture = torch.from_numpy(np.array(Image.open(sorted(kodak.rglob("*.png"))[7]).convert("RGB")))
    plane = luma(picture.permute(2, 0, 1).float() / 255)
    soft = torch.nn.functional.avg_pool2d(plane[None], 3, stride=1)[0]
    assert sharpness(plane) > 1.0
    assert sharpness(soft) < 0.8 * sharpness(plane)
    assert sharpness(plane * 0.2 + 0.3) == pytest.approx(sharpness(plane), rel=1e-4)
    assert sharpness(torch.zeros(8, 8)) == 0.0


def test_bars_are_found_and_dark_pictures_kept() -> None:
    plane = torch.zeros(100, 200)
    plane[12:88, 5:190] = torch.rand(76, 185)
    assert active_area(plane) == (12, 88, 5, 190)
    assert active_area(torch.zeros(10, 20)) == (0, 10, 0, 20)


def test_the_command_writes_pictures_and_a_manifest(
    shots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stills"
    assert run(["stills", str(shots), str(tmp_path / "missing.mp4"), str(out)]) == 0
    told = capsys.readouterr()
    assert "left out" in told.err
    assert "missing.mp4" in told.err
    assert told.out == ""
    rows = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    assert len(rows) == 3
    assert sorted(row["file"] for row in rows) == sorted(p.name for p in out.glob("*.png"))
    for row in rows:
        with Image.open(out / row["file"]) as image:
            assert list(image.size) == row["size"]
    assert run(["stills", str(shots), str(out)]) == 1
    assert "holds stills already" in capsys.readouterr().err


def test_nothing_found_and_bad_options(shots: Path, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower --sharpness"):
        save_stills([shots], tmp_path / "none", StillOptions(sharpness=2))
    with pytest.raises(OutputError, match="cannot be written"):
        save_stills([shots], Path("/proc/nowhere"))
    with pytest.raises(UnsupportedFormatError, match="HLG"):
        next(stills(clips / "androidx_media__hlg10-color-test.mp4"))
    for bad in ({"sharpness": -1.0}, {"most": 0}, {"overscan": 0.5}):
        with pytest.raises(OptionError):
            StillOptions(**bad)  # type: ignore[arg-type]

"""Numbered pictures as a video, a video as numbered pictures, and from one to the other. Truths are FFmpeg's."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.media_truth import FFPROBE, decoded_md5
from PIL import Image

from vidrts import EnhanceOptions, enhance
from vidrts.errors import InputError, Interrupted, OptionError, OutputError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg, which tells the truth here, is not installed")
LOSSLESS = EncodeOptions(video_codec="ffv1")


def ffmpeg(*arguments: object) -> bytes:
    """What ffmpeg writes to stdout."""
    command = ["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def run(source: Path, target: Path, model: Path, strength: float = 0.0, **more: Any) -> list[Message]:
    """enhance() on the CPU; the messages."""
    said: list[Message] = []
    stop = more.pop("stop_signal", lambda: None)
    picture = EnhancerOptions(device="cpu", strength=strength, **more.pop("picture", {}))
    options = EnhanceOptions(model=str(model), picture=picture, **more)
    enhance(source, target, options, on_message=said.append, stop_signal=stop)
    return said


def times(path: Path) -> list[float]:
    """Of the frames, in seconds."""
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
        path,
    ]
    return [
        float(line.strip(","))
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ]


@pytest.fixture
def frames(clips: Path, tmp_path: Path) -> Path:
    """Six small PNG pictures, numbered from 1."""
    folder = tmp_path / "frames"
    folder.mkdir()
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    ffmpeg("-i", clip, "-frames:v", 6, "-vf", "scale=66:48", "-pix_fmt", "rgb24", folder / "%05d.png")
    return folder / "%05d.png"


@pytest.mark.parametrize(
    ("suffix", "pixel"),
    [
        ("png", "rgb24"),
        ("png", "rgb48be"),
        ("png", "gray16be"),
        ("jpg", "yuvj420p"),
        ("tif", "rgb48le"),
        ("png", "rgba"),
    ],
)
def test_pictures_become_the_video_that_ffmpeg_reads(
    suffix: str, pixel: str, frames: Path, tiny_model: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / f"in-%d.{suffix}", tmp_path / "out.mkv"
    ffmpeg("-i", frames, "-pix_fmt", pixel, source)
    run(source, out, tiny_model, decode=DecodeOptions(framerate=Fraction(24000, 1001)), encode=LOSSLESS)
    plain = pixel.replace("be", "le").replace("yuvj", "yuv")
    expected = ffmpeg("-i", source, "-pix_fmt", pixel.replace("be", "le"), "-f", "rawvideo", "-")
    assert ffmpeg("-i", out, "-pix_fmt", plain, "-f", "rawvideo", "-") == expected
    assert times(out) == pytest.approx([n * 1001 / 24000 for n in range(6)], abs=0.001)
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=r_frame_rate", "-of", "csv=p=0", out]
    assert subprocess.run(probe, check=True, capture_output=True, text=True).stdout.strip() == "24000/1001"


@pytest.mark.parametrize(
    ("pixel", "size", "target", "options", "stream", "told"),
    [
        ("rgb24", "66:48", "out.mp4", {}, "h264,yuv420p,tv,smpte170m", "4:2:0, smpte170m, 8 bit"),
        ("rgb24", "66:720", "out.mkv", {"video_codec": "libx265"}, "hevc,yuv420p,tv,bt709", "4:2:0, bt709, 8 bit"),
        ("rgb24", "65:48", "out.mp4", {}, "h264,yuv444p,tv,smpte170m", "4:4:4, smpte170m, 8 bit"),
        ("rgb48be", "66:48", "out.mp4", {}, "hevc,yuv420p10le,tv,smpte170m", "4:2:0, smpte170m, 10 bit"),
        ("rgba", "66:48", "out.mp4", {}, "h264,yuv420p,tv,smpte170m", "4:2:0, smpte170m, 8 bit, no alpha"),
        ("rgb24", "66:48", "out.mp4", {"pixel_format": "gbrp"}, "hevc,gbrp,pc,gbr", None),
        ("rgb24", "66:48", "out.mkv", {"video_codec": "libx264rgb"}, "h264,gbrp,pc,gbr", None),
    ],
)
def test_rgb_pictures_become_what_players_show(
    pixel: str,
    size: str,
    target: str,
    options: dict[str, str],
    stream: str,
    told: str | None,
    frames: Path,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    source, out = tmp_path / "in%d.png", tmp_path / target
    ffmpeg("-i", frames, "-frames:v", 2, "-vf", f"scale={size}", "-pix_fmt", pixel, source)
    encode = EncodeOptions(preset="ultrafast", crf=1, **options)  # type: ignore[arg-type]
    said = run(source, out, tiny_model, encode=encode)
    entries = "stream=codec_name,pix_fmt,color_range,color_space"
    probe = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", out]
    assert subprocess.run(probe, check=True, capture_output=True, text=True).stdout.strip() == stream
    lines = [line.values for line in said if line.code == Code.PICTURES_TO_YUV]
    assert [line["what"] for line in lines] == ([] if told is None else [told])
    a, b = (
        np.frombuffer(ffmpeg("-i", path, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"), np.uint8).astype(float)
        for path in (source, out)
    )
    assert np.abs(a - b).mean() < 3


def test_a_part_of_the_pictures(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    decode = DecodeOptions(start=Fraction(2, 25), end=Fraction(5, 25))
    run(frames, tmp_path / "out.mkv", tiny_model, decode=decode, encode=LOSSLESS)
    expected = ffmpeg("-start_number", 3, "-i", frames, "-frames:v", 3, "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    assert ffmpeg("-i", tmp_path / "out.mkv", "-pix_fmt", "rgb24", "-f", "rawvideo", "-") == expected
    assert times(tmp_path / "out.mkv") == pytest.approx([0, 0.04, 0.08])


def test_gaps_are_told_and_keep_the_time(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    for number in (3, 4):
        frames.with_name(f"{number:05}.png").unlink()
    frames.with_name("7.png").touch()  # not of the pattern
    (told,) = run(frames, tmp_path / "out.mkv", tiny_model, encode=LOSSLESS)
    assert told.code == Code.NUMBERS_MISSING
    assert told.values == {"first": 1, "last": 6, "count": 2, "numbers": "3, 4"}
    assert times(tmp_path / "out.mkv") == pytest.approx([0, 0.04, 0.16, 0.20])
    (tmp_path / "out").mkdir()
    (told,) = run(frames, tmp_path / "out" / "%03d.png", tiny_model)
    assert told.code == Code.NUMBERS_MISSING
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001.png", "002.png", "005.png", "006.png"]


def test_the_first_number_is_found_as_ffmpeg_does(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    for number in range(6, 0, -1):
        frames.with_name(f"{number:05}.png").rename(frames.with_name(f"{number + 3:05}.png"))
    run(frames, tmp_path / "out.mkv", tiny_model, encode=LOSSLESS)
    assert decoded_md5(tmp_path / "out.mkv", "rgb24") == decoded_md5(frames, "rgb24")
    frames.with_name("00004.png").unlink()
    with pytest.raises(InputError, match="no picture numbered 0 to 4; the first is 5: give -start_number 5"):
        run(frames, tmp_path / "no.mkv", tiny_model)
    decode = DecodeOptions(start_number=5)
    run(frames, tmp_path / "later.mkv", tiny_model, decode=decode, encode=LOSSLESS)
    assert len(times(tmp_path / "later.mkv")) == 5
    with pytest.raises(InputError, match=r"nothing-%d.png: no picture numbered 0 to 4; there is none"):
        run(tmp_path / "nothing-%d.png", tmp_path / "no.mkv", tiny_model)
    assert not (tmp_path / "no.mkv").exists()


@pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrap"])
def test_rgb_frames_become_equal_pictures(pixel: str, frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    ffmpeg("-i", frames, "-pix_fmt", pixel, "-c:v", "ffv1", tmp_path / "in.mkv")
    (tmp_path / "out").mkdir()
    run(tmp_path / "in.mkv", tmp_path / "out" / "%05d.png", tiny_model)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{n:05}.png" for n in range(1, 7)]
    kind, most = {"gbrp": ("rgb24", 255), "gbrp10le": ("rgb48le", 65535), "gbrap": ("rgba", 255)}[pixel]
    made = ffmpeg("-i", tmp_path / "out" / "%05d.png", "-pix_fmt", kind, "-f", "rawvideo", "-")
    if pixel != "gbrp10le":
        assert made == ffmpeg("-i", tmp_path / "in.mkv", "-pix_fmt", kind, "-f", "rawvideo", "-")
        return
    planes = np.frombuffer(ffmpeg("-i", tmp_path / "in.mkv", "-pix_fmt", pixel, "-f", "rawvideo", "-"), "<u2")
    green, blue, red = planes.reshape(6, 3, 48, 66).transpose(1, 0, 2, 3).astype(float) / 1023 * most
    got = np.frombuffer(made, "<u2").reshape(6, 48, 66, 3)
    assert np.abs(got - np.stack((red, green, blue), -1)).max() <= 0.51


def test_yuv_frames_become_rgb_by_their_matrix(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    filters = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,setparams=colorspace=bt709:range=tv"
    ffmpeg("-i", frames, "-vf", filters, "-c:v", "ffv1", tmp_path / "in.mkv")
    run(tmp_path / "in.mkv", tmp_path / "%05d.png", tiny_model)
    data = ffmpeg("-i", tmp_path / "in.mkv", "-pix_fmt", "yuv444p", "-f", "rawvideo", "-")
    y, cb, cr = np.frombuffer(data, np.uint8).reshape(6, 3, 48, 66).transpose(1, 0, 2, 3).astype(float)
    y, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    rgb = np.stack((y + 1.5748 * cr, y - 0.18733 * cb - 0.46813 * cr, y + 1.8556 * cb), -1).clip(0, 1) * 255
    for number in range(6):
        with Image.open(tmp_path / f"{number + 1:05}.png") as image:
            assert np.abs(np.asarray(image) - rgb[number]).max() < 0.52


def test_gray_frames_stay_gray(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    ffmpeg("-i", frames, "-vf", "format=gray,setparams=range=tv", "-frames:v", 1, "-c:v", "ffv1", tmp_path / "in.mkv")
    run(tmp_path / "in.mkv", tmp_path / "%05d.png", tiny_model)
    raw = ffmpeg("-i", tmp_path / "in.mkv", "-vf", "setrange=pc", "-pix_fmt", "gray", "-f", "rawvideo", "-")
    stored = np.frombuffer(raw, np.uint8)
    with Image.open(tmp_path / "00001.png") as image:
        assert image.mode == "L"
        expected = ((stored.astype(float) - 16) / 219).clip(0, 1) * 255
        assert np.abs(np.asarray(image).ravel() - expected).max() < 0.52


def test_what_pictures_do_not_hold_is_told(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    filters = ["-vf", "scale=66:48,setsar=2,format=yuv420p10le", "-c:v", "ffv1"]
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    ffmpeg("-i", clip, "-f", "lavfi", "-i", "sine", "-t", 0.2, *filters, tmp_path / "in.mkv")
    said = run(tmp_path / "in.mkv", tmp_path / "%d.jpg", tiny_model)
    codes = [line.code for line in said]
    assert {Code.STREAMS_NOT_IN_PICTURES, Code.SAR_LOST, Code.PICTURE_DEPTH_LOST} <= set(codes)
    assert len(codes) == len(set(codes)), "once each, not of every picture"
    with Image.open(tmp_path / "1.jpg") as image:
        assert image.size == (66, 48)


def test_pictures_to_pictures_keep_numbers_and_metadata(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    for number in (2, 3, 4):
        with Image.open(frames.with_name(f"{number:05}.png")) as image:
            exif = Image.Exif()
            exif[0x010F] = f"Maker {number}"
            image.save(tmp_path / f"in{number}.jpg", exif=exif)
    run(tmp_path / "in%d.jpg", tmp_path / "out%02d.jpg", tiny_model, strength=1.0, picture={"scale": 2})
    for number in (2, 3, 4):
        with Image.open(tmp_path / f"out{number:02}.jpg") as image:
            assert image.size == (132, 96) and image.getexif()[0x010F] == f"Maker {number}"
        run(tmp_path / f"in{number}.jpg", tmp_path / "one.jpg", tiny_model, strength=1.0, picture={"scale": 2},
            encode=EncodeOptions(overwrite=True))  # fmt: skip
        assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / f"out{number:02}.jpg").read_bytes()


@pytest.mark.parametrize("target", ["out.mkv", "out%d.png"])
def test_a_picture_of_another_size_is_named_before_any_work(
    target: str, frames: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with Image.open(frames.with_name("00005.png")) as image:
        image.resize((64, 48)).save(frames.with_name("00005.png"))
    with pytest.raises(InputError, match=r"00005.png: 64x48, RGB 8 bit, .* 00001.png, is 66x48"):
        run(frames, tmp_path / target, tiny_model)
    with Image.open(frames.with_name("00001.png")) as image:
        image.convert("L").save(frames.with_name("00005.png"))
    with pytest.raises(InputError, match=r"00005.png: 66x48, L 8 bit"):
        run(frames, tmp_path / target, tiny_model)
    assert list(tmp_path.iterdir()) == [frames.parent]


def test_a_damaged_picture_is_named_and_what_is_done_is_kept(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    broken = frames.with_name("00004.png")
    broken.write_bytes(broken.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"00004.png: cannot be read as a picture.*out.partial.mkv"):
        run(frames, tmp_path / "out.mkv", tiny_model, encode=LOSSLESS)
    assert len(times(tmp_path / "out.partial.mkv")) == 3
    with pytest.raises(InputError, match=r"00004.png: .*; the 3 pictures before it are written"):
        run(frames, tmp_path / "out%d.png", tiny_model)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["out1.png", "out2.png", "out3.png"]


def test_existing_pictures_stay(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    ffmpeg("-i", frames, "-c:v", "ffv1", tmp_path / "in.mkv")
    out = tmp_path / "out%d.png"
    shutil.copy(frames.with_name("00001.png"), tmp_path / "out4.png")
    before = sorted(tmp_path.iterdir())
    for source in (tmp_path / "in.mkv", frames):
        with pytest.raises(OutputError, match=r"out4.png: already exists; -y"):
            run(source, out, tiny_model)
        with pytest.raises(OutputError, match=r"out4.png: .*not made by vidrts"):
            run(source, out, tiny_model, encode=EncodeOptions(overwrite=True, own_only=True))
        assert sorted(tmp_path.iterdir()) == before
    run(tmp_path / "in.mkv", out, tiny_model, encode=EncodeOptions(overwrite=True))
    run(frames, out, tiny_model, encode=EncodeOptions(overwrite=True, own_only=True))
    assert decoded_md5(out, "rgb24") == decoded_md5(frames, "rgb24")


def test_a_stop_signal_leaves_whole_pictures(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    ffmpeg("-i", frames, "-c:v", "ffv1", tmp_path / "in.mkv")
    for source in (tmp_path / "in.mkv", frames):
        with pytest.raises(Interrupted):
            run(source, tmp_path / "out%d.png", tiny_model, encode=EncodeOptions(overwrite=True),
                stop_signal=lambda: 2 if (tmp_path / "out3.png").exists() else None)  # fmt: skip
        made = sorted(tmp_path.glob("*.png"))
        assert [path.name for path in made] == ["out1.png", "out2.png", "out3.png"]
        for path in made:
            Image.open(path).load()
            path.unlink()


@pytest.mark.parametrize(
    ("source", "target", "options", "says"),
    [
        ("in.mkv", "out%d.png", {"encode": EncodeOptions(crf=18)}, "-crf: for videos only"),
        ("in.mkv", "out%d.png", {"encode": EncodeOptions(quality=90)}, "--quality 90.*lossless"),
        ("in.mkv", "out.mkv", {"encode": EncodeOptions(quality=90)}, "--quality 90: for pictures"),
        (
            "in.mkv",
            "out.mkv",
            {"decode": DecodeOptions(framerate=Fraction(30))},
            "-framerate 30: for numbered pictures",
        ),
        ("in.mkv", "out.mkv", {"decode": DecodeOptions(start_number=3)}, "-start_number 3: for numbered pictures"),
        ("frames/%05d.png", "out%d.png", {"decode": DecodeOptions(framerate=Fraction(30))}, "-framerate"),
        ("frames/%05d.png", "out%d.png", {"decode": DecodeOptions(start=Fraction(1))}, "-ss"),
        ("frames/%05d.png", "out.png", {}, "several pictures"),
    ],
)
def test_options_and_names_that_make_no_sense(
    source: str, target: str, options: dict[str, Any], says: str, frames: Path, tiny_model: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", frames, "-c:v", "ffv1", tmp_path / "in.mkv")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OptionError, match=says):
        run(tmp_path / source, tmp_path / target, tiny_model, **options)
    assert sorted(tmp_path.iterdir()) == before


def test_one_picture_is_not_written_to_a_pattern(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"00001.png: expected a video, got a picture .*out.png"):
        run(frames.with_name("00001.png"), tmp_path / "out%d.png", tiny_model)


def test_a_file_of_that_very_name_is_no_pattern(frames: Path, tiny_model: Path, tmp_path: Path) -> None:
    shutil.copy(frames.with_name("00002.png"), tmp_path / "a%d.png")
    run(tmp_path / "a%d.png", tmp_path / "out.png", tiny_model)
    assert decoded_md5(tmp_path / "out.png", "rgb24") == decoded_md5(frames.with_name("00002.png"), "rgb24")

"""A dry run decides what a run does, refuses what it refuses, and writes nothing."""

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_pipeline import uneven

from vidrts import EnhanceOptions, enhance
from vidrts.dry_run import Estimate, dry_run
from vidrts.errors import Interrupted, OutputError, VidrtsError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.plan import Plan


def film(target: Path) -> Path:
    """Two seconds of 25 frames/s, with sound."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=2:r=25", "-f", "lavfi"]
    subprocess.run([*command, "-i", "sine=d=2", "-pix_fmt", "yuv420p", target], check=True)
    return target


def options(model: Path, **parts: Any) -> EnhanceOptions:
    """Options of a run on the CPU, without enhancement."""
    return EnhanceOptions(model=str(model), picture=EnhancerOptions(device="cpu", strength=0.0), **parts)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.ts", "out.m2ts"])
def test_the_plan_is_that_of_the_run_and_nothing_is_written(name: str, tiny_model: Path, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4")
    plans: list[Plan] = []
    folder = tmp_path / "out"
    folder.mkdir()
    estimate = dry_run(source, folder / name, options(tiny_model), on_plan=plans.append)
    assert not [*folder.iterdir()]
    assert estimate.frames in (26, 27), "a second, and its end"
    assert estimate.rate > 0
    assert estimate.seconds is not None and estimate.seconds > (50 - 27) / estimate.rate
    enhance(source, folder / name, options(tiny_model), on_plan=plans.append)
    assert plans[0] == plans[1]
    assert plans[0].frames == 50


def test_frames_are_counted_by_time_whatever_rate_the_header_says(tiny_model: Path, tmp_path: Path) -> None:
    plans: list[Plan] = []
    source = uneven(tmp_path / "in.mkv", 1000)
    estimate = dry_run(source, tmp_path / "out.mkv", options(tiny_model), on_plan=plans.append)
    assert plans[0].frames is None
    assert estimate.seconds is not None and (estimate.seconds * estimate.rate) < 1000


def broken_video(folder: Path) -> Path:
    """No video at all."""
    (folder / "broken.mp4").write_bytes(b"nothing" * 100)
    return folder / "broken.mp4"


@pytest.mark.parametrize(
    ("parts", "target", "source"),
    [
        ({}, "taken.mkv", None),
        ({}, "out.xyz", None),
        ({}, "none/out.mkv", None),
        ({}, "in.mp4", None),
        ({}, "out.mkv", broken_video),
        ({"encode": EncodeOptions(video_codec="nosuch")}, "out.mkv", None),
        ({"encode": EncodeOptions(preset="none")}, "out.mkv", None),
        ({"encode": EncodeOptions(overwrite=True, own_only=True)}, "taken.mkv", None),
        ({"encode": EncodeOptions(audio_languages=("fra",))}, "out.mkv", None),
        ({"decode": DecodeOptions(start=Fraction(9))}, "out.mkv", None),
        ({"decode": DecodeOptions(stream="7")}, "out.mkv", None),
    ],
)  # fmt: skip
def test_it_refuses_what_a_run_refuses(
    parts: dict[str, Any], target: str, source: Callable[[Path], Path] | None, tiny_model: Path, tmp_path: Path
) -> None:
    given = film(tmp_path / "in.mp4") if source is None else source(tmp_path)
    (tmp_path / "taken.mkv").write_text("a film of someone else")
    before = sorted(tmp_path.iterdir())
    errors = []
    for make in (dry_run, enhance):
        try:
            make(given, tmp_path / target, options(tiny_model, **parts))
        except VidrtsError as error:
            errors.append((type(error), str(error)))
        assert sorted(tmp_path.iterdir()) == before or make is enhance
    assert len(errors) == 2 and errors[0] == errors[1]


def test_stdout_stays_empty(tiny_model: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    source = film(tmp_path / "in.mp4")
    for kind in ("y4m", "matroska"):
        plans: list[Plan] = []
        dry_run(source, "-", options(tiny_model, encode=EncodeOptions(format=kind)), on_plan=plans.append)
        assert (plans[0].target, capfdbinary.readouterr().out) == ("stdout", b"")


def test_a_signal_ends_it(tiny_model: Path, tmp_path: Path) -> None:
    source, told = film(tmp_path / "in.mp4"), list[Plan]()
    with pytest.raises(Interrupted, match="writes nothing") as caught:
        dry_run(source, tmp_path / "out.mkv", options(tiny_model), on_plan=told.append,
                stop_signal=lambda: 15 if told else None)  # fmt: skip
    assert caught.value.signal_number == 15
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_pictures(tiny_model: Path, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        Image.new("RGB", (64, 48), (number, 0, 0)).save(tmp_path / f"{number}.png")
    before = sorted(tmp_path.iterdir())
    plans: list[Plan] = []
    told = EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu", engine="torch", scale=2))
    for source, target, total in (("1.png", "out.jpg", 1), ("%d.png", "out%d.webp", 3)):
        for make in (dry_run, enhance):
            estimate = make(tmp_path / source, tmp_path / target, told, on_plan=plans.append)
            if make is dry_run:
                assert isinstance(estimate, Estimate)
                assert (estimate.frames, estimate.total, estimate.rate > 0) == (1, total, True)
                assert not [path for path in tmp_path.iterdir() if path not in before and path.suffix != ".jpg"]
    assert (plans[0], plans[2]) == (plans[1], plans[3])
    first, second = plans[0], plans[2]
    assert (first.written.container, first.written.quality) == ("JPEG", "quality 95")
    assert (second.written.container, second.written.quality) == ("WebP", "lossless")
    assert (first.written.width, first.computations[0].engine, first.info.codec) == (128, "torch", "PNG")
    with Image.open(tmp_path / "out2.webp") as made:
        assert made.size == (second.written.width, second.written.height)
    with pytest.raises(OutputError, match="already exists"):
        dry_run(tmp_path / "1.png", tmp_path / "out.jpg", told)

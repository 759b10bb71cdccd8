"""Films in segments, joined: what must equal a run without, whatever ends a run, and what is refused."""

import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from helpers.joined import NEEDS_FFMPEG, decoded_without_warnings, frame_hashes

from vidrts import EnhanceOptions, enhance, progress
from vidrts.errors import Interrupted, OptionError, OutputError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions
from vidrts.progress import Progress, Summary, is_long
from vidrts.segments.journal import folder_of
from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments

AS_IT_IS = EnhanceOptions(picture=EnhancerOptions(strength=0, device="cpu"), encode=EncodeOptions(threads=1))
THIRD = Segments(Fraction(1, 3))
SHORT = "androidx_media__sample_fragmented.mp4"
"""30 frames in a second, one of them a key frame, with sound."""


def encoded(codec: str, **options: Any) -> EnhanceOptions:
    return replace(AS_IT_IS, encode=EncodeOptions(video_codec=codec, threads=1, **options))


def in_segments(source: Path, target: Path, options: EnhanceOptions = AS_IT_IS, how: Segments = THIRD) -> Summary:
    return enhance_in_segments(source, target, options, how)


def stop_after(frames: int) -> dict[str, Any]:
    """Arguments for a run that gets a signal once so many frames are encoded."""
    seen: list[Progress] = []
    return {
        "on_progress": seen.append,
        "stop_signal": lambda: signal.SIGTERM if seen and seen[-1].frames >= frames else None,
    }


@NEEDS_FFMPEG
@pytest.mark.parametrize("extension", ["mkv", "mp4"])
def test_three_segments_are_one_film(extension: str, clips: Path, tmp_path: Path) -> None:
    options = encoded("libx264", preset="veryfast")
    whole, joined = tmp_path / f"whole.{extension}", tmp_path / f"joined.{extension}"
    enhance(clips / SHORT, whole, options)
    summary = in_segments(clips / SHORT, joined, options)
    wanted, got = frame_hashes(whole), frame_hashes(joined)
    assert summary.frames == len(got) == 30
    assert [frame.pts for frame in got] == [frame.pts for frame in wanted]
    decoded_without_warnings(joined)
    assert sorted(path.name for path in tmp_path.iterdir()) == [joined.name, whole.name]


@pytest.mark.parametrize("resume", [False, True])
def test_a_signal_keeps_what_is_done(resume: bool, clips: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    options = encoded("ffv1")
    with pytest.raises(Interrupted) as caught:
        enhance_in_segments(clips / SHORT, target, options, replace(THIRD, resume=resume), **stop_after(15))
    assert caught.value.signal_number == signal.SIGTERM
    if resume:
        assert str(folder_of(target)) in str(caught.value)
        assert [path.name for path in tmp_path.iterdir()] == ["out.mkv.vidrts"]
    else:
        partial = tmp_path / "out.partial.mkv"
        assert str(partial) in str(caught.value)
        assert [path.name for path in tmp_path.iterdir()] == [partial.name]


def test_resumed_is_byte_for_byte_the_unbroken_run(clips: Path, tmp_path: Path) -> None:
    unbroken, target = tmp_path / "unbroken.mkv", tmp_path / "out.mkv"
    options = encoded("libx264", preset="ultrafast")
    in_segments(clips / SHORT, unbroken, options)
    said: list[Message] = []
    how = replace(THIRD, resume=True)
    with pytest.raises(Interrupted):
        enhance_in_segments(clips / SHORT, target, options, how, **stop_after(15))
    summary = enhance_in_segments(clips / SHORT, target, options, how, on_message=said.append)
    found = next(line for line in said if line.code is Code.SEGMENTS_FOUND)
    assert (found.values["done"], found.values["count"]) == (1, 3)
    assert summary.frames == 30
    assert 0 < summary.earlier == found.values["frames"] < 15
    assert target.read_bytes() == unbroken.read_bytes()
    assert not folder_of(target).exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda o: replace(o, encode=replace(o.encode, crf=30)), "-crf: 30, expected None"),
        (lambda o: replace(o, decode=replace(o.decode, interlaced="keep")), "--interlaced: keep, expected auto"),
        (lambda o: replace(o, decode=replace(o.decode, end=Fraction(1, 2))), "-to: 1/2, expected None"),
        (lambda o: replace(o, encode=replace(o.encode, pixel_format="yuv444p")), "-pix_fmt: yuv444p, expected None"),
    ],
)
def test_what_changed_is_named(
    change: Callable[[EnhanceOptions], EnhanceOptions], named: str, clips: Path, tmp_path: Path
) -> None:
    options, target, how = encoded("libx264", preset="ultrafast"), tmp_path / "out.mkv", replace(THIRD, resume=True)
    with pytest.raises(Interrupted):
        enhance_in_segments(clips / SHORT, target, options, how, **stop_after(15))
    with pytest.raises(OptionError) as caught:
        enhance_in_segments(clips / SHORT, target, change(options), how)
    assert named in str(caught.value)
    assert "--restart" in str(caught.value)
    assert len(list(folder_of(target).glob("*.packets"))) == 1, "what is finished is kept"
    enhance_in_segments(clips / SHORT, target, change(options), replace(how, restart=True))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_a_changed_source_is_named(clips: Path, tmp_path: Path) -> None:
    source, target, how = tmp_path / "in.mp4", tmp_path / "out.mkv", replace(THIRD, resume=True)
    shutil.copyfile(clips / SHORT, source)
    with pytest.raises(Interrupted):
        enhance_in_segments(source, target, AS_IT_IS, how, **stop_after(15))
    with source.open("ab") as file:
        file.write(b"\0\0\0\x08free")
    with pytest.raises(OptionError, match="size of the source"):
        enhance_in_segments(source, target, AS_IT_IS, how)


def test_an_earlier_run_is_not_forgotten_unasked(clips: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with pytest.raises(Interrupted):
        enhance_in_segments(clips / SHORT, target, AS_IT_IS, replace(THIRD, resume=True), **stop_after(15))
    with pytest.raises(OutputError, match="--resume goes on, --restart"):
        in_segments(clips / SHORT, target)


@pytest.mark.parametrize(
    ("source", "target", "options", "named"),
    [
        ("-", "out.mkv", AS_IT_IS, "IN is -"),
        ("in.mkv", "-", AS_IT_IS, "OUT is -"),
        ("http://host/in.mkv", "out.mkv", AS_IT_IS, "http://host/in.mkv"),
        ("frames/%05d.png", "out.mkv", AS_IT_IS, "frames/%05d.png"),
        ("in.mkv", "out/%05d.png", AS_IT_IS, "out/%05d.png"),
        ("in.mkv", "out.mkv", replace(AS_IT_IS, decode=DecodeOptions(frames=5)), "-frames:v 5"),
        ("in.mkv", "out.mkv", replace(AS_IT_IS, decode=DecodeOptions(filters="atadenoise")), "-vf atadenoise"),
    ],
)
def test_refusals(source: str, target: str, options: EnhanceOptions, named: str) -> None:
    with pytest.raises(OptionError, match=r"segments|--segment") as caught:
        enhance_in_segments(source, target, options)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video"])
def test_an_encoder_that_is_not_known_to_join_is_named(codec: str, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"-c:v {codec}"):
        in_segments(clips / SHORT, tmp_path / "out.mkv", encoded(codec))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_no_finished_segment(clips: Path, tmp_path: Path) -> None:
    target, how, options = tmp_path / "out.mkv", replace(THIRD, resume=True), encoded("ffv1")
    with pytest.raises(Interrupted):
        enhance_in_segments(clips / SHORT, target, options, how, **stop_after(15))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OutputError, match="1 of 3 segments are kept") as caught:
            enhance_in_segments(clips / SHORT, target, options, how)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert enhance_in_segments(clips / SHORT, target, options, how).frames == 30
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_a_long_run_says_once_that_resume_exists(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LONG", 0)
    said: list[Message] = []
    enhance(clips / SHORT, tmp_path / "out.mkv", AS_IT_IS, on_message=said.append)
    assert [line.values["minutes"] for line in said if line.code is Code.RESUME_EXISTS] == [0]


def test_how_long_a_run_takes_is_known_after_some_frames() -> None:
    def after(frames: int, left: float) -> Progress:
        part = 0.1
        return Progress(
            frames=frames, total=None, done=part, seconds=left * part / (1 - part), bytes_written=0, light_rate=None
        )  # fmt: skip

    assert is_long(after(100, 1200))
    assert not is_long(after(100, 1000))
    assert not is_long(after(3, 9000)), "the first frames tell little"


def test_a_damaged_plan_costs_nothing_unasked(clips: Path, tmp_path: Path) -> None:
    target, how = tmp_path / "out.mkv", replace(THIRD, resume=True)
    with pytest.raises(Interrupted):
        enhance_in_segments(clips / SHORT, target, AS_IT_IS, how, **stop_after(15))
    (folder_of(target) / "plan.json").write_text("{")
    with pytest.raises(OptionError, match=r"plan\.json is damaged; --restart"):
        enhance_in_segments(clips / SHORT, target, AS_IT_IS, how)
    assert len(list(folder_of(target).glob("*.packets"))) == 1

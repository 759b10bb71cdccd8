"""Sources whose clock does not start at 0: an mp4 of them begins at once, and what was meant as a delay stays."""

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.media_truth import compare, describe, relay
from helpers.paths import DATA, need
from helpers.pipe_ends import ffmpeg

from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

FAST = EncodeOptions(preset="ultrafast")
AT_0 = ("-muxpreload", "0", "-muxdelay", "0", "-avoid_negative_ts", "disabled")


@pytest.fixture
def late() -> Path:
    """A film whose clock starts at an hour."""
    return need(DATA / "faults" / "flv_clock_at_1h.flv")


def copied(source: Path, target: Path, *options: str) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", source, "-c", "copy", "-copyts", *options, target]
    subprocess.run(command, check=True)
    return target


@pytest.mark.parametrize("name", ["flv", "mkv", "nut"])
def test_a_late_clock_starts_at_0_in_mp4(tmp_path: Path, late: Path, name: str) -> None:
    source = late if name == "flv" else copied(late, tmp_path / f"in.{name}")
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    (shifted,) = [line.values for line in lines if line.code is Code.TIMESTAMPS_SHIFTED]
    assert shifted["shift"] == pytest.approx(-3599.979)
    before, after = describe(source), describe(tmp_path / "out.mp4")
    start = min(before.frames[0], next(s for s in before.streams if s.kind == "audio").times[0])
    assert len(after.frames) == len(before.frames) == 50
    assert all(abs(a - start - b) < Fraction(1, 10_000) for a, b in zip(before.frames, after.frames, strict=True))
    sounds = [next(s for s in media.streams if s.kind == "audio") for media in (before, after)]
    assert sounds[1].times[0] == 0
    assert sounds[0].hashes == sounds[1].hashes


@pytest.mark.parametrize(("offset", "signed"), [("-0.329", "+0.329"), ("-0.08", "+0.080"), ("2", "-2.000")])
def test_a_shift_has_one_sign(tmp_path: Path, offset: str, signed: str) -> None:
    """MPEG-TS whose clock starts before 0 or after it."""
    source, moved = tmp_path / "at0.ts", tmp_path / "in.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.2", "-c:v", "mpeg2video", *AT_0, source)
    ffmpeg("-i", source, "-c", "copy", *AT_0, "-output_ts_offset", offset, moved)
    lines = relay(moved, tmp_path / "out.mp4", encode=FAST)
    (line,) = [line for line in lines if line.code is Code.TIMESTAMPS_SHIFTED]
    assert line.values["shift"] == float(signed)
    assert f" {signed} s" in line
    assert describe(tmp_path / "out.mp4").frames[0] == 0


def test_matroska_keeps_the_clock_as_it_does_that_of_mpegts(tmp_path: Path, late: Path) -> None:
    relay(late, tmp_path / "out.mkv", encode=FAST)
    assert describe(tmp_path / "out.mkv").frames == describe(late).frames


@pytest.mark.parametrize(("name", "start"), [("in.flv", 0.5), ("in.mp4", 5)])
def test_a_delay_stays(tmp_path: Path, late: Path, name: str, start: float) -> None:
    source = copied(late, tmp_path / name, "-output_ts_offset", str(start - 3600))
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    assert Code.TIMESTAMPS_SHIFTED not in {line.code for line in lines}
    assert describe(source).frames[0] == start
    assert not [line for line in compare(source, tmp_path / "out.mp4") if "frames" in line or "times" in line]

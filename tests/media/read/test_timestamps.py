"""Frames whose pts are faulty: their times are those of decoding order, evenly spaced; FFmpeg's best effort tells."""

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay
from helpers.paths import DATA, need

from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.read.timestamps import FrameClock
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

FAST = EncodeOptions(preset="ultrafast")
X264 = "-c:v libx264 -preset ultrafast -bf 3 -b_strategy 0"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3"
PTS_ARE_DTS = "-bsf:v setts=pts=DTS"


def made(target: Path, coded: str) -> Path:
    """A second of 25 frames/s with B-frames."""
    command = f"ffmpeg -nostdin -v error -f lavfi -i testsrc=s=64x48:r=25:d=1 -g 12 {coded}"
    subprocess.run([*command.split(), target], check=True)
    return target


def times(path: Path, options: DecodeOptions | None = None) -> tuple[list[Fraction], list[Message]]:
    lines: list[Message] = []
    with Source(path, options, on_message=lines.append) as source:
        return [e.pts * e.time_base for e in source.events() if isinstance(e, Frame)], lines


def test_a_file_of_a_muxer_that_knew_no_b_frames(tmp_path: Path) -> None:
    """Its edit list leaves out the frame between the third and the fourth, as in FFmpeg."""
    source = need(DATA / "faults" / "bframes_no_ctts.mp4")
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    assert [line.values["problem"] for line in lines if line.code is Code.TIMESTAMPS_DERIVED] == ["out of order"]
    wanted, got = describe(source).frames, describe(tmp_path / "out.mp4").frames
    assert len(got) == len(wanted) == 58
    assert got[:-2] == wanted[:-2]  # FFmpeg takes the faulty pts of the last two, which have no dts
    assert [b - a for a, b in pairwise(got)] == [Fraction(1 + (n == 2), 30) for n in range(57)]


@pytest.mark.parametrize(
    ("name", "coded", "problem", "count"),
    [
        ("h264.avi", X264, "out of order", 25),
        ("h264.flv", f"{X264} {PTS_ARE_DTS}", "out of order", 25),
        ("h264.ts", f"{X264} {PTS_ARE_DTS}", "out of order", 25),
        ("xvid.avi", "-c:v libxvid -bf 2", "out of order", 23),  # the encoder leaves out two
        ("hevc.mp4", f"{X265} {PTS_ARE_DTS} -use_editlist 0", "out of order", 25),
    ],
)
def test_times_of_decoding_order(tmp_path: Path, name: str, coded: str, problem: str, count: int) -> None:
    path = made(tmp_path / name, coded)
    got, lines = times(path)
    assert [line.values["problem"] for line in lines if line.code is Code.TIMESTAMPS_DERIVED] == [problem]
    # FFmpeg takes the faulty pts of the first frame, too, and of the last ones, which have no dts
    assert len(got) == count
    assert got[1:-3] == describe(path).frames[1 : count - 3]
    assert {b - a for a, b in pairwise(got)} == {Fraction(1, 25)}
    cut, _ = times(path, DecodeOptions(start=Fraction(2, 5)))
    assert {b - a for a, b in pairwise(cut)} == {Fraction(1, 25)}


@pytest.mark.parametrize("name", ["variable.mkv", "variable.mp4"])
def test_right_times_are_kept(tmp_path: Path, name: str) -> None:
    """B-frames and a variable frame rate: dts differ from pts, which are right."""
    variable = "-vf settb=1/100,setpts=(N+mod(N\\,3)/4)/25/TB -fps_mode passthrough -enc_time_base 1:100"
    path = made(tmp_path / name, f"{variable} {X264}")
    got, lines = times(path)
    assert got == describe(path).frames
    assert len({b - a for a, b in pairwise(got)}) > 1
    assert not lines or {line.code for line in lines} <= {Code.MATRIX_AND_RANGE_ASSUMED}


def stamped(pairs: list[tuple[int | None, int | None]], *, wait: bool) -> list[list[int | None]]:
    """The pts that are known after each frame with these (pts, dts)."""
    clock = FrameClock(Fraction(1, 25), Fraction(25), lambda line: None, wait=wait)
    known = []
    for pts, dts in pairs:
        frame = av.VideoFrame(16, 16, "gray")
        frame.pts, frame.dts, frame.duration = pts, dts, 1
        known.append([f.pts for f in clock.timed(frame)])
    return [*known, [f.pts for f in clock.rest()]]


def test_frames_wait_only_for_doubtful_pts() -> None:
    faulty: list[tuple[int | None, int | None]] = [(0, 2), (3, 3), (2, 4), (4, 5), (1, None)]
    assert stamped(faulty, wait=True) == [[], [], [2, 3, 4], [5], [6], []]
    assert stamped(faulty, wait=False) == [[0], [3], [4], [5], [6], []]
    late: list[tuple[int | None, int | None]] = [(n, n + 1) for n in range(5)]
    assert stamped(late, wait=True) == [[], [], [], [0, 1, 2, 3], [4], []]
    assert stamped(late[:2], wait=True) == [[], [], [0, 1]]
    assert stamped([(n, n) for n in range(3)], wait=True) == [[0], [1], [2], []]
    repeated: list[tuple[int | None, int | None]] = [(0, 0), (0, 0), (5, 5)]
    assert stamped(repeated, wait=True) == [[0], [1], [5], []]

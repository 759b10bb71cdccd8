"""Texts that overlap: what is on screen at any moment is the same in mp4, which shows one text at a time."""

import random
import re
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers import pipe_ends
from helpers.media_truth import describe, relay
from helpers.paths import DATA, need

from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.text_timeline import TextTimeline, joined

ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Alignment
Style: Default,Arial,16,&H00FFFFFF,0,0,2
Style: Sign,Arial,16,&H0000FFFF,1,0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,{\\i1}One
Dialogue: 1,0:00:00.50,0:00:01.50,Default,,0,0,0,,{\\bord2}One
Dialogue: 0,0:00:00.50,0:00:01.00,Sign,,0,0,0,,Two
Dialogue: 0,0:00:02.00,0:00:02.50,Default,,0,0,0,,Three
"""
VTT = """WEBVTT

00:00.100 --> 00:02.900
all the time

00:00.633 --> 00:01.207
first
of two

00:01.207 --> 00:01.208
a moment

00:01.500 --> 00:02.000
second
"""


def film(folder: Path, name: str) -> Path:
    """Three small seconds with texts that overlap."""
    (folder / "in.ass").write_text(ASS)
    (folder / "in.vtt").write_text(VTT)
    coder, ending = ("libvpx", "webm") if name == "vtt" else ("mpeg4", "mkv")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=3:r=10"]
    command += ["-i", f"{folder}/in.{name}", "-map", "0", "-map", "1", "-c:v", coder, "-c:s", "copy"]
    subprocess.run([*command, f"{folder}/in.{ending}"], check=True)
    return folder / f"in.{ending}"


def shown(path: Path) -> list[tuple[int, int, str]]:
    """(start, end, line) of every line of a film's texts, milliseconds, as Debian's ffmpeg reads them."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", path, "-map", "0:s:0", "-f", "srt", "-"]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    found = []
    for block in told.strip().split("\n\n"):
        _, times, *lines = block.splitlines()
        hours, minutes, *seconds = zip(
            *(map(int, re.findall(r"\d+", side)) for side in times.split("-->")), strict=True
        )
        start, end = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in zip(hours, minutes, *seconds, strict=True))
        found += [(start, end, plain) for line in lines if (plain := re.sub(r"<[^>]*>|\{[^}]*\}", "", line))]
    return found


def on_screen(lines: list[tuple[int, int, str]], at: float) -> set[str]:
    return {line for start, end, line in lines if start <= at < end}


@pytest.mark.parametrize(("name", "target"), [("fault", "out.mp4"), ("ass", "out.mov"), ("vtt", "out.mp4")])
def test_the_same_lines_at_any_moment(tmp_path: Path, name: str, target: str) -> None:
    source = need(DATA / "faults" / "srt_overlap.mkv") if name == "fault" else film(tmp_path, name)
    relay(source, tmp_path / target, encode=EncodeOptions(preset="ultrafast"))
    before, after = shown(source), shown(tmp_path / target)
    moments = sorted({time for start, end, _ in before + after for time in (start, end)})
    assert len(moments) > 3
    for start, end in pairwise(moments):
        assert on_screen(after, (start + end) / 2) == on_screen(before, (start + end) / 2), (start, end)
    track = next(s for s in describe(tmp_path / target).streams if s.kind == "subtitle")
    assert len(set(track.times)) == len(track.times), "one text at a time"


def test_a_part_of_a_film(tmp_path: Path) -> None:
    relay(film(tmp_path, "vtt"), tmp_path / "out.mp4", DecodeOptions(start=Fraction(1), end=Fraction(5, 2)),
          EncodeOptions(preset="ultrafast"))  # fmt: skip
    after = shown(tmp_path / "out.mp4")
    assert [on_screen(after, at) for at in (100, 300, 600, 1100)] == [
        {"all the time", "first", "of two"}, {"all the time"}, {"all the time", "second"}, {"all the time"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "target", "start"),
    [("ass", "out.mov", "0.7"), ("ass", "out.mkv", None), ("vtt", "out.mkv", "0.2"), ("mov", "out.mp4", "0.7")],
)  # fmt: skip
def test_texts_end_where_the_cut_ends(tmp_path: Path, name: str, target: str, start: str | None) -> None:
    """Converted and copied, one at a time and overlapping: as the source shows them, and nothing after the pictures."""
    source = film(tmp_path, "vtt" if name == "mov" else name)
    if name == "mov":
        relay(source, tmp_path / "in.mov", encode=EncodeOptions(preset="ultrafast"))
        source = tmp_path / "in.mov"
    begin = None if start is None else Fraction(start)
    relay(source, tmp_path / target, DecodeOptions(start=begin, end=Fraction("1.4")),
          EncodeOptions(preset="ultrafast"))  # fmt: skip
    shift = int(1000 * (begin or 0))
    before, after = shown(source), shown(tmp_path / target)
    for at in range(50, 1400 - shift, 100):
        assert on_screen(after, at) == on_screen(before, at + shift), at
    assert max(end for _, end, _ in after) == 1400 - shift
    with av.open(tmp_path / target) as container:
        assert container.duration == 1000 * (1400 - shift)


def test_a_pipe_of_fragments(tmp_path: Path, tiny_model: Path) -> None:
    """The muxer compares ticks of different tracks; this sound has more than most."""
    source = film(tmp_path, "ass")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", source, "-f", "lavfi", "-i", "sine=r=192000:d=3", "-map", "0"]
    command += ["-map", "1", "-c", "copy", "-c:a", "flac", tmp_path / "sound.mkv"]
    subprocess.run([*map(str, command)], check=True)
    arguments = ("-f", "mp4", "-c:v", "libx264", "-preset", "ultrafast", "--strength", "0", "-", "-")
    assert pipe_ends.enhance(tiny_model, tmp_path / "sound.mkv", tmp_path / "out.mp4", *arguments) == 0
    with av.open(tmp_path / "out.mp4") as container:
        packets = [packet for packet in container.demux(container.streams.subtitles[0]) if packet.size]
        assert packets[0].time_base == Fraction(1, 192_000)
    words = {0: b"", 0.5: b"One\nTwo", 1: b"One", 1.5: b"", 2: b"Three", 2.5: b""}
    assert [packet.pts for packet in packets] == [192_000 * at for at in words]
    for packet, text in zip(packets, words.values(), strict=True):
        assert bytes(packet).startswith(len(text).to_bytes(2) + text)


def event(text: str, style: str = "Default") -> bytes:
    return f"0,0,{style},,0,0,0,,{text}".encode()


def test_texts_of_random_times() -> None:
    """Against what is shown at each tick."""
    chance = random.Random(1)
    for _ in range(200):
        starts = sorted(chance.randrange(20) for _ in range(chance.randrange(1, 8)))
        texts = [(start, start + chance.randrange(1, 9), event(f"text {n}")) for n, start in enumerate(starts)]
        timeline, got = TextTimeline(), []
        for start, end, text in texts:
            got += timeline.until(start - 1)
            got += timeline.add(start, end, [text])
        got += timeline.rest(0)
        assert all(a[1] <= b[0] for a, b in pairwise(got))
        for tick in range(30):
            now = [text for start, end, text in texts if start <= tick < end]
            assert [made for start, end, made in got if start <= tick < end] == ([joined(now)] if now else [])


def test_texts_without_an_end_and_late_ones() -> None:
    timeline = TextTimeline()
    assert [*timeline.add(-5, None, [event("a")])] == []
    assert [*timeline.until(100)] == []
    assert [*timeline.add(3, 6, [event("b")])] == [(-5, 3, event("a"))]
    assert [*timeline.until(9)] == [(3, 6, event("b"))]
    assert [*timeline.add(4, 8, [event("late")])] == [], "shown from where the last one ended"
    assert [*timeline.add(10, None, [event("c")])] == [(6, 8, event("late"))]
    assert [*timeline.rest(50)] == [(10, 50, event("c"))]


def test_texts_keep_their_styles() -> None:
    made = joined([event(r"{\i1}One"), event(r"{\bord2}One"), event("Two, three", "Sign"), b"broken"])
    assert made == event(r"{\i1}One\N{\rSign}Two, three")

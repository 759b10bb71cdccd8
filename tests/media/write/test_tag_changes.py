"""Colour and aspect ratio that change within a film: told with the time, followed where the container can."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.media_truth import relay
from helpers.paths import DATA, need

from vidrts.errors import InputError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.tag_changes import color_change
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

FAULTS = DATA / "faults"
TAGS = ("color_space", "color_transfer", "color_primaries", "sample_aspect_ratio")
CHANGES = {Code.COLOUR_CHANGES, Code.COLOUR_CHANGE_LOST, Code.ASPECT_CHANGES, Code.ASPECT_CHANGE_LOST}
FAST = EncodeOptions(preset="ultrafast")
COUNT = 8


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True)


def shown(path: Path) -> list[tuple[float, tuple[str | None, ...]]]:
    """(seconds, tags) of each frame, as ffprobe reads them."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_frames", "-of", "json", "-show_entries",
         f"frame=pts_time,{','.join(TAGS)}", str(path)], check=True, capture_output=True,
    ).stdout  # fmt: skip
    return [(float(f["pts_time"]), tuple(f.get(tag) for tag in TAGS)) for f in json.loads(told)["frames"]]


def film(folder: Path, coded: str, *parts: str) -> Path:
    """A TS of parts, one after the other on one clock, each coded with options of its own."""
    joined = b""
    for number, part in enumerate(parts):
        piece = folder / f"part{number}.ts"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", COUNT, *coded.split(), *part.split(),
               "-bf", "0", "-threads", "1", "-mpegts_flags", "initial_discontinuity",
               "-output_ts_offset", COUNT * number / 25, piece)  # fmt: skip
        joined += piece.read_bytes()
    (folder / "film.ts").write_bytes(joined)
    return folder / "film.ts"


def changes(lines: list[Message]) -> list[Message]:
    return [line for line in lines if line.code in CHANGES]


def colour(words: str) -> str:
    matrix, transfer, primaries = words.split()
    return f"-colorspace {matrix} -color_trc {transfer} -color_primaries {primaries}"


SDR, HLG, PQ = "bt709 bt709 bt709", "bt2020nc arib-std-b67 bt2020", "bt2020nc smpte2084 bt2020"
HEVC = "-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none"
FILMS = [
    ("colour_bt709_then_hlg.ts", None, Code.COLOUR_CHANGES, Code.COLOUR_CHANGE_LOST),
    ("sar_1_1_then_4_3.ts", None, Code.ASPECT_CHANGES, Code.ASPECT_CHANGE_LOST),
    (HEVC, (colour(SDR), colour(PQ)), Code.COLOUR_CHANGES, Code.COLOUR_CHANGE_LOST),
    ("-c:v mpeg2video", ("-aspect 4:3", "-aspect 16:9"), Code.ASPECT_CHANGES, Code.ASPECT_CHANGE_LOST),
    ("-c:v libx264", (colour("unknown unknown unknown"), colour(HLG)), Code.COLOUR_CHANGES, Code.COLOUR_CHANGE_LOST),
]


@pytest.mark.parametrize(("coded", "parts", "followed", "lost"), FILMS)
def test_tags_that_change(
    tmp_path: Path, coded: str, parts: tuple[str, str] | None, followed: Code, lost: Code
) -> None:
    source = need(FAULTS / coded) if parts is None else film(tmp_path, coded, *parts)
    truth = shown(source)
    first, last = truth[0][1], truth[-1][1]
    at = next(time for time, tags in truth if tags != first) - truth[0][0]
    count = COUNT if parts else 25
    for name, code in (("out.ts", followed), ("out.mkv", lost)):
        told = changes(relay(source, tmp_path / name, encode=FAST))
        assert [line.code for line in told] == [code]
        assert told[0].values["time"] == pytest.approx(at, abs=1e-4)
        tags = [each for _, each in shown(tmp_path / name)]
        assert tags == [first] * count + [last if name == "out.ts" else first] * count
    with pytest.raises(InputError, match=f"change at {at:.3f} s"):
        relay(source, tmp_path / "strict.mkv", DecodeOptions(strict=True), FAST)


def test_tags_that_come_back_and_go(tmp_path: Path) -> None:
    """An advertisement between two parts: one line, and all frames have their own tags; untagged ones, the last."""
    none = colour("unknown unknown unknown")
    source = film(tmp_path, "-c:v libx264", colour(SDR), colour(HLG), colour(SDR), none)
    assert len(changes(relay(source, tmp_path / "out.ts", encode=FAST))) == 1
    tags = [tags[:3] for _, tags in shown(tmp_path / "out.ts")]
    sdr, hlg, _ = (tuple(words.split()) for words in (SDR, HLG, PQ))
    assert tags == [sdr] * COUNT + [hlg] * COUNT + [sdr] * COUNT * 2


def test_a_cut_has_the_tags_of_its_first_frame(tmp_path: Path) -> None:
    source = need(FAULTS / "sar_1_1_then_4_3.ts")
    options = DecodeOptions(start=Fraction(6, 5), strict=True)
    assert not changes(relay(source, tmp_path / "out.mkv", options, FAST))
    assert {tags[3] for _, tags in shown(tmp_path / "out.mkv")} == {"4:3"}


def test_a_containers_own_aspect_ratio_is_for_the_whole(tmp_path: Path) -> None:
    """As FFmpeg has it: a ratio that is not the stream's own counts, whatever the stream says later."""
    source = film(tmp_path, "-c:v mpeg2video", "-aspect 4:3", "-aspect 16:9")
    ffmpeg("-i", source, "-c", "copy", "-aspect", "2:1", tmp_path / "in.mkv")
    assert not changes(relay(tmp_path / "in.mkv", tmp_path / "out.mkv", encode=FAST))
    ffmpeg("-i", source, "-c", "copy", tmp_path / "plain.mkv")
    told = changes(relay(tmp_path / "plain.mkv", tmp_path / "other.mkv", encode=FAST))
    assert [line.code for line in told] == [Code.ASPECT_CHANGE_LOST]


def test_frames_know_their_aspect_ratio() -> None:
    """With frame threads and without: a decoder's own ratio is ahead of the frames that it holds back."""
    source = need(FAULTS / "sar_1_1_then_4_3.ts")
    for threads in (1, 4):
        with Source(source, DecodeOptions(threads=threads)) as opened:
            ratios = [event.sar for event in opened.events() if isinstance(event, Frame)]
        assert ratios == [Fraction(1)] * 25 + [Fraction(4, 3)] * 25


def test_what_is_no_change() -> None:
    yuv, rgb, full = (pixel_format(name) for name in ("yuv420p", "gbrp", "yuv444p"))
    known = ColorTags(matrix=1, range=1, transfer=1, primaries=1, siting=1)
    assert not color_change(known, ColorTags(), yuv)
    assert not color_change(ColorTags(), ColorTags(range=1, siting=1), yuv)
    assert not color_change(ColorTags(), ColorTags(range=2, matrix=9), rgb)
    assert not color_change(known, ColorTags(siting=3), full)
    assert color_change(ColorTags(), ColorTags(range=2), yuv) == "range unspecified to pc"
    assert color_change(known, ColorTags(siting=3, matrix=17), yuv) == "matrix bt709 to 17, siting left to topleft"

"""Between two programs: what goes through a pipe is what a file would hold, and what it cannot hold is said."""

import io
import json
import os
import re
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE, compare, describe
from helpers.paths import DUCKS, need
from helpers.pipe_ends import enhance, ffmpeg, raw_frames
from hypothesis import given
from hypothesis import strategies as st

from vidrts.errors import InputError, OptionError, SourceBrokenError
from vidrts.frame import PIXEL_FORMATS, ColorTags, pixel_format
from vidrts.media.color_names import ffmpeg_options
from vidrts.media.pipes import raw_header, rawvideo, y4m
from vidrts.media.pipes.header import MAX_FRAME, Header

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed: no truth")
IDENTITY = ("--strength", "0")
SMALL = "scale=130:66"


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small frames of the ducks as y4m."""
    path = tmp_path_factory.mktemp("pipes") / "in.y4m"
    path.write_bytes(ffmpeg("-i", DUCKS, "-vf", SMALL, "-frames:v", "5", "-f", "yuv4mpegpipe", "-"))
    return path


def frames_of(path: Path) -> tuple[Header, list[tuple[bytes, ...]]]:
    with path.open("rb") as file:
        reader = y4m.Reader(file)
        return reader.header, [tuple(p.numpy().tobytes() for p in planes) for planes, _ in reader.frames()]


def probe(path: Path) -> dict[str, str]:
    command = [str(FFPROBE), "-v", "error", "-select_streams", "v:0", "-of", "json", "-show_streams", str(path)]
    told = subprocess.run(command, capture_output=True, check=True)
    return json.loads(told.stdout)["streams"][0]  # type: ignore[no-any-return]


# y4m ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    "C420jpeg A8:9 XCOLORRANGE=FULL", "C420mpeg2 A1:1 XCOLORRANGE=LIMITED", "C420paldv F24000:1001", "C422 F0:0",
    "C444 A0:0", "Cmono", "C420p10 XCOLORRANGE=LIMITED", "C422p12 A64:45", "C444p16", "C420p9", "Cmono10", "C420p14 Im",
    "C422 It", "C444p10 Ib",
])  # fmt: skip
def test_what_y4m_says_comes_out_again(words: str, tiny_model: Path, tmp_path: Path) -> None:
    """To the bit, with sizes that are odd."""
    wanted = y4m.parse_header(f"YUV4MPEG2 W35 H33 F30:1 {words}".encode())
    rng = np.random.default_rng(1)
    body = b""
    for number in range(3):
        line = b" I" + b"tb1"[number : number + 1] + b"i? Xnote" if wanted.field_order == "mixed" else b""
        body += b"FRAME" + line + b"\n"
        for size in wanted.plane_sizes:
            body += rng.integers(0, 1 << wanted.format.depth, size, np.uint16).astype(
                np.uint8 if wanted.format.depth == 8 else "<u2"
            ).tobytes()  # fmt: skip
    (tmp_path / "in").write_bytes(f"YUV4MPEG2 W35 H33 F30:1 {words}\n".encode() + body)
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *IDENTITY, "--interlaced", "keep", "-", "-") == 0
    (header, got), (_, sent) = frames_of(tmp_path / "out"), frames_of(tmp_path / "in")
    assert got == sent
    siting = wanted.siting or (0 if wanted.format.name != "yuv420p" else 1)
    assert header == y4m.parse_header(y4m.format_header(wanted)[:-1])
    assert header.siting == siting
    with (tmp_path / "out").open("rb") as file:
        orders = [order for _, order in y4m.Reader(file).frames()]
    expected = ["tff", "bff", "progressive"] if wanted.field_order == "mixed" else [wanted.field_order] * 3
    assert orders == expected


def test_the_picture_is_the_file_commands(stream: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Pipe to pipe, pipe to file, file to pipe: one picture to the bit, which is not the source's."""
    outs = [tmp_path / name for name in ("pipe.y4m", "file.mkv", "back.y4m", "plain.mkv", "none")]
    precise = ("--precision", "fp32")
    assert enhance(tiny_model, stream, outs[0], *precise, "-", "-") == 0
    assert enhance(tiny_model, stream, outs[4], *precise, "-", outs[1], "-c:v", "ffv1") == 0
    assert enhance(tiny_model, Path(os.devnull), outs[2], *precise, stream, "-", "-f", "y4m") == 0
    assert enhance(tiny_model, Path(os.devnull), outs[4], *precise, stream, outs[3], "-c:v", "ffv1") == 0
    pictures = {raw_frames(path) for path in outs[:4]}
    assert len(pictures) == 1
    assert pictures != {raw_frames(stream)}
    assert outs[4].read_bytes() == b""


def test_interlaced_y4m_is_deinterlaced(stream: Path, tiny_model: Path, tmp_path: Path) -> None:
    fields = ffmpeg("-i", stream, "-vf", "setfield=bff", "-flags", "+ildct", "-f", "yuv4mpegpipe", "-")
    assert b" Ib " in fields.split(b"\n")[0]
    (tmp_path / "in").write_bytes(fields)
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *IDENTITY, "-", "-") == 0
    header, frames = frames_of(tmp_path / "out")
    assert header.field_order == "progressive"
    bwdif = ffmpeg("-i", tmp_path / "in", "-vf", "bwdif=mode=send_frame", "-f", "rawvideo", "-")
    assert b"".join(b"".join(planes) for planes in frames) == bwdif


def test_interlaced_gray_that_bwdif_does_not_take(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """FFmpeg would make RGB of it, silently."""
    (tmp_path / "in").write_bytes(b"YUV4MPEG2 W32 H32 F25:1 It Cmono10\n" + (b"FRAME\n" + bytes(2048)) * 2)
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", "-", "-") == 1
    assert "stdin: gray10le cannot be deinterlaced" in capfd.readouterr().err
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", "--interlaced", "keep", *IDENTITY, "-", "-") == 0
    assert frames_of(tmp_path / "out")[1] == frames_of(tmp_path / "in")[1]


@pytest.mark.parametrize(("header", "says"), [
    (b"YUV4MPEG2 W64 H64 F25:1 C411", "C411"), (b"YUV4MPEG2 W64 H64 F25:1 C444alpha", "C444alpha"),
    (b"YUV4MPEG2 W64 H99999 F25:1", "H99999"), (b"YUV4MPEG2 W64 H64 F999999999:1", "frames/s"),
    (b"YUV4MPEG2 W64 H64 F25:1 " + b"X" * 2000, "1024"), (b"", "empty"), (b"YUV4MPEG2 W64 H64", "ends within a line"),
    (b"no video at all, but text", "stdin: cannot be opened"), (b"YUV4MPEG2 W64 H64 F25:1", "no frame"),
])  # fmt: skip
def test_what_is_no_stream_is_one_line(
    header: bytes, says: str, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").write_bytes(header + (b"\n" if header.endswith((b"1", b"X", b"C411", b"alpha")) else b""))
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", "-", "-") == 1
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert says in line
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize("option", ["--raw", None])
@pytest.mark.parametrize(("words", "code", "says"), [
    (("--stream", "v:1"), 1, "stdin: no stream v:1; found 1 video stream(s)"),
    (("--stream", "1"), 1, "stdin: stream 1 is not a video stream; video streams: 0"),
    (("--stream", "x"), 2, "stream: expected 'N'"), (("--stream", "v:0"), 0, ""), (("--stream", "0"), 0, ""),
    (("--hwaccel", "auto"), 0, ""),
    pytest.param(("--hwaccel", "cuda"), 1, "hwaccel cuda: no such CUDA device",
                 marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")),
])  # fmt: skip
def test_options_of_a_source_hold_for_bare_frames_too(
    words: tuple[str, ...], code: int, says: str, option: str | None, stream: Path, tiny_model: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    came = stream
    if option:
        came = tmp_path / "in.raw"
        came.write_bytes(b"".join(b"".join(planes) for planes in frames_of(stream)[1]))
        words = (*words, "--raw", "130x66:yuv420p@25", "-f", "y4m")
    assert enhance(tiny_model, came, tmp_path / "out", *IDENTITY, *words, "-", "-") == code
    assert says in capfd.readouterr().err


@pytest.mark.parametrize(("said", "rate"), [
    ("999999999:999999937", "1/1"), ("999999999:40000000", "25/1"), ("30000:1001", "30000/1001"),
    ("100000:1", "100000/1"), ("3:1000", "3/1000"),
])  # fmt: skip
def test_any_frame_rate_becomes_a_file(said: str, rate: str, stream: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Of numbers too large for muxers the nearest that FFmpeg would take."""
    header, _, rest = stream.read_bytes().partition(b"\n")
    (tmp_path / "in").write_bytes(re.sub(rb" F\d+:\d+", f" F{said}".encode(), header) + b"\n" + rest)
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "none", *IDENTITY, "-", str(tmp_path / "out.mp4")) == 0
    assert probe(tmp_path / "out.mp4")["r_frame_rate"] == rate


@pytest.mark.parametrize(("lost", "count"), [(1, 4), (12_870 + 3, 4), (12_870 + 6 + 1000, 3)])
def test_a_source_that_dies_within_a_frame(
    lost: int, count: int, stream: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whole frames go through; the error says how many; a file is kept under a partial name."""
    whole = stream.read_bytes()
    (tmp_path / "in").write_bytes(whole[:-lost])
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *IDENTITY, "-", "-") == 1
    assert f"after {count} whole frames; written to stdout" in capfd.readouterr().err
    assert frames_of(tmp_path / "out")[1] == frames_of(stream)[1][:count]
    target = tmp_path / "out.mkv"
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "none", *IDENTITY, "-", target, "-c:v", "ffv1") == 1
    assert "out.partial.mkv" in capfd.readouterr().err
    assert not target.exists()
    assert raw_frames(tmp_path / "out.partial.mkv") == raw_frames(stream)[: count * 130 * 66 * 3 // 2]


# Containers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [
    "androidx_media__sample_with_ass_subtitles.mkv", "androidx_media__sample_with_chapters.mkv",
])  # fmt: skip
def test_matroska_holds_everything(clip: str, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """FFV1, exact times, all other streams packet by packet, chapters, tags.

    But for a tag that stands at the file's end, where a pipe has not come to yet.
    """
    source, target = need(clips / clip), tmp_path / "out.mkv"
    assert enhance(tiny_model, source, target, *IDENTITY, "-", "-") == 0
    assert [line for line in compare(source, target) if "2016-05-31" not in line] == []
    assert describe(target).video.codec == "ffv1"  # type: ignore[union-attr]
    assert raw_frames(source) == raw_frames(target)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten bits, pixels that are not square, frames at a variable rate."""
    path = tmp_path_factory.mktemp("uneven") / "in.mp4"
    chain = "scale=150:66,select=not(eq(mod(n\\,5)\\,2)),setsar=16/15,setpts=PTS+mod(N\\,3)*0.002/TB"
    ffmpeg("-i", DUCKS, "-an", "-t", "0.7", "-vf", chain, "-fps_mode", "passthrough", "-pix_fmt", "yuv422p10le", "-c:v",
           "libx264", "-preset", "ultrafast", "-bf", "2", path)  # fmt: skip
    return path


@pytest.mark.parametrize("kind", ["matroska", "nut"])
def test_containers_that_lose_nothing_of_the_picture(
    kind: str, uneven: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / f"out.{kind}"
    assert enhance(tiny_model, Path(os.devnull), target, *IDENTITY, uneven, "-", "-f", kind) == 0
    assert raw_frames(target) == raw_frames(uneven)
    a, b = describe(uneven), describe(target)
    steps = {y - x for x, y in pairwise(a.frames)}
    assert len(steps) > 1
    slack = Fraction(1, 2000) if kind == "matroska" else Fraction(0)
    assert all(abs(x - y) <= slack for x, y in zip(a.frames, b.frames, strict=True))
    if kind == "matroska":
        assert compare(uneven, target) == []
    else:
        assert "-vf setsar=16/15" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["nut", "mpegts", "mp4"])
def test_the_kind_that_came_in_goes_out(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    settings = ["-movflags", "frag_keyframe+empty_moov"] if kind == "mp4" else []
    source.write_bytes(ffmpeg("-i", DUCKS, "-t", "0.5", "-vf", SMALL, "-c:a", "copy", "-c:v", "libx264", "-preset",
                              "ultrafast", "-bf", "2", *settings, "-f", kind, "-"))  # fmt: skip
    assert enhance(tiny_model, source, target, *IDENTITY, "-", "-") == 0
    a, b = describe(source), describe(target)
    assert a.container == b.container
    assert [s.hashes for s in a.streams if s.kind == "audio"] == [s.hashes for s in b.streams if s.kind == "audio"]
    assert [t - a.frames[0] for t in a.frames] == [t - b.frames[0] for t in b.frames]
    sound = [next(s for s in x.streams if s.kind == "audio").times[0] - x.frames[0] for x in (a, b)]
    assert abs(sound[0] - sound[1]) <= Fraction(1, 1000)


def test_a_cut_of_a_pipe(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """-ss and -t, although nothing can be searched: the same frames as of the file."""
    clip = need(clips / "androidx_media__sample_with_chapters.mkv")
    cut = (*IDENTITY, "-c:v", "ffv1", "-ss", "0.4", "-t", "0.3")
    assert enhance(tiny_model, clip, tmp_path / "none", *cut, "-", tmp_path / "piped.mkv") == 0
    assert enhance(tiny_model, Path(os.devnull), tmp_path / "none", *cut, clip, tmp_path / "file.mkv") == 0
    assert raw_frames(tmp_path / "piped.mkv") == raw_frames(tmp_path / "file.mkv")
    assert describe(tmp_path / "piped.mkv").frames == describe(tmp_path / "file.mkv").frames
    assert compare(tmp_path / "file.mkv", tmp_path / "piped.mkv") == []


# What a pipe cannot say -----------------------------------------------------------------------------------------------


def test_the_file_as_y4m(clips: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """SAR, range and siting in the header; the colour in words that ffmpeg understands."""
    clip, target = need(clips / "mediabunny__sar_2x1.mp4"), tmp_path / "out.y4m"
    colour = "--colorspace bt709 --range tv --primaries bt709 --transfer bt709".split()
    assert enhance(tiny_model, Path(os.devnull), target, *IDENTITY, *colour, "-t", "0.2", clip, "-", "-f", "y4m") == 0
    told = capfd.readouterr().err
    said = re.search(r"output options: (.*)", told)
    assert said is not None
    assert "other streams left out" in told or len(describe(clip).streams) == 1
    header, frames = frames_of(target)
    assert header.sar == 2
    assert header.range == 1
    whole = raw_frames(clip)
    assert b"".join(b"".join(planes) for planes in frames) == whole[: len(frames) * header.frame_bytes]
    assert len(frames) > 3
    ffmpeg("-i", target, "-c:v", "libx264", "-preset", "ultrafast", *said[1].split(), tmp_path / "next.mkv")
    tags = probe(tmp_path / "next.mkv")
    assert [tags.get(key) for key in ("color_space", "color_transfer", "color_primaries", "sample_aspect_ratio")] == [
        "bt709", "bt709", "bt709", "2:1"
    ]  # fmt: skip


def test_what_is_said_of_the_colour_is_used_and_kept(stream: Path, tiny_model: Path, tmp_path: Path) -> None:
    said = "--colorspace bt2020nc --range pc --primaries bt2020 --transfer arib-std-b67".split()
    outs = [tmp_path / "said.mkv", tmp_path / "unsaid.mkv"]
    for out, options in zip(outs, (said, []), strict=True):
        assert enhance(tiny_model, stream, tmp_path / "none", *options, "-c:v", "ffv1", "-", out) == 0
    tags = probe(outs[0])
    keys = ("color_space", "color_range", "color_primaries", "color_transfer")
    assert [tags.get(key) for key in keys] == ["bt2020nc", "pc", "bt2020", "arib-std-b67"]
    assert "color_space" not in probe(outs[1]) or probe(outs[1])["color_space"] == "unknown"
    assert raw_frames(outs[0]) != raw_frames(outs[1])  # another matrix and range give another picture


def test_frames_at_a_variable_rate_are_told(
    uneven: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert enhance(tiny_model, Path(os.devnull), tmp_path / "o", *IDENTITY, uneven, "-", "-f", "yuv4mpegpipe") == 0
    assert capfd.readouterr().err.count("timestamps lost") == 1
    assert enhance(tiny_model, Path(os.devnull), tmp_path / "o", *IDENTITY, "-t", "0.5", DUCKS, "-", "-f", "y4m") == 0
    assert "timestamps lost" not in capfd.readouterr().err


def test_words_for_colour() -> None:
    hdr = ColorTags(matrix=9, range=1, transfer=16, primaries=9, siting=3)
    assert ffmpeg_options(hdr, ["range"]) == (
        "-colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084 -chroma_sample_location topleft"
    )
    assert ffmpeg_options(ColorTags()) == ""


# Raw video ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "yuv420p", "nv12", "yuv422p10", "p010", "gbrp10", "rgb24", "bgra", "rgb0", "gray12", "ya8", "yuva444p", "rgb48",
])  # fmt: skip
def test_raw_video_comes_out_again(name: str, tiny_model: Path, tmp_path: Path) -> None:
    """As ffmpeg lays it out, to the bit, at a size that is odd."""
    full = f"{name}le" if f"{name}le" in PIXEL_FORMATS else name
    data = ffmpeg("-i", DUCKS, "-vf", "scale=33:35", "-frames:v", "2", "-pix_fmt", full, "-f", "rawvideo", "-")
    (tmp_path / "in").write_bytes(data)
    raw = f"33x35:{name}@30000/1001"
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *IDENTITY, "--raw", raw, "-", "-") == 0
    got = (tmp_path / "out").read_bytes()
    if name == "rgb0":  # the fourth byte is no component
        got, data = (np.frombuffer(x, np.uint8).reshape(-1, 4)[:, :3].tobytes() for x in (got, data))
    assert got == data


def test_raw_video_becomes_y4m(stream: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(raw_frames(stream, "nv12"))
    raw = ("--raw", "130x66:nv12@30000/1001")
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *IDENTITY, *raw, "-", "-", "-f", "y4m") == 0
    header, frames = frames_of(tmp_path / "out")
    assert header.rate == Fraction(30000, 1001)
    assert frames == frames_of(stream)[1]


@pytest.mark.parametrize("text", [
    "", "1920x1080", "0x16:gray@25", "16x16:nosuch@25", "16x16:gray@0", "16x16:gray@25/0", "16x16:yuv411p@25",
    "99999x16:gray@25", "32768x32768:rgba64@25", "16x16:gray@25/1/1", "16×16:gray@25", "16x16:gray@" + "9" * 400,
])  # fmt: skip
def test_a_bad_description_of_raw_video(text: str) -> None:
    with pytest.raises(OptionError, match="--raw"):
        raw_header.parse(text)


@given(st.text(alphabet="0123456789x:@/.yuv420prgb", max_size=30))
def test_any_description_is_read_or_refused(text: str) -> None:
    try:
        header = raw_header.parse(text)
    except OptionError:
        return
    assert 0 < header.frame_bytes <= MAX_FRAME
    assert header.rate


def test_raw_video_that_ends_early() -> None:
    header = raw_header.parse("16x16:gray@25")
    reader = rawvideo.Reader(io.BytesIO(bytes(256 * 2 + 9)), header)  # type: ignore[arg-type]
    with pytest.raises(SourceBrokenError, match=r"9 of 256 bytes.*--raw.* 2 whole frames"):
        list(reader.frames())
    with pytest.raises(InputError, match="empty"):
        list(rawvideo.Reader(io.BytesIO(), header).frames())  # type: ignore[arg-type]


def test_raw_planes_are_views_in_canonical_order() -> None:
    data = bytes(range(2 * 2 * 3))
    ((planes, order),) = rawvideo.Reader(io.BytesIO(data), raw_header.parse("2x2:bgr24@25")).frames()  # type: ignore[arg-type]
    assert order == "progressive"
    assert planes[0].tolist() == [[2, 5], [8, 11]]
    out = io.BytesIO()
    header = Header(width=2, height=2, format=pixel_format("gbrp"))
    rawvideo.Writer(out, header).write(planes)  # type: ignore[arg-type]
    assert torch.frombuffer(bytearray(out.getvalue()), dtype=torch.uint8).reshape(3, 4).tolist() == [
        [1, 4, 7, 10], [0, 3, 6, 9], [2, 5, 8, 11]
    ]  # fmt: skip

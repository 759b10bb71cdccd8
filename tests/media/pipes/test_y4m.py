"""y4m: held against FFmpeg's reader and writer, and against damage."""

import io
import json
import random
import subprocess
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from helpers.paths import DUCKS
from hypothesis import given
from hypothesis import strategies as st

from vidrts.errors import InputError, UnsupportedFormatError, VidrtsError
from vidrts.frame import PIXEL_FORMATS, pixel_format
from vidrts.media.pipes import y4m
from vidrts.media.pipes.header import MAX_FRAME, Header

FFMPEG = FFPROBE and str(Path(FFPROBE).with_name("ffmpeg"))
HELD = [
    name for name, f in PIXEL_FORMATS.items()
    if f.model != "rgb" and f.layout == "planar" and not f.alpha and not f.full_range
]  # fmt: skip
HEADER = b"YUV4MPEG2 W6 H4 F30000:1001 Ip A8:9 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED"


@pytest.fixture(scope="module")
def ducks() -> Path:
    if not FFMPEG:
        pytest.skip("no ffmpeg to compute the truth")
    return DUCKS


def ffmpeg(*arguments: str, data: bytes | None = None) -> bytes:
    done = subprocess.run([str(FFMPEG), "-v", "error", *arguments], input=data, capture_output=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "pix_fmt",
    ["yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10le", "yuv422p12le", "yuv444p16le", "yuv420p9le", "gray10le"],
)
def test_ffmpegs_streams_are_read_to_the_bit(ducks: Path, pix_fmt: str) -> None:
    width = 102 if pix_fmt.endswith("le") else 101  # FFmpeg 5 writes deep chroma of odd widths a byte short
    cut = ["-i", str(ducks), "-vf", f"scale={width}:67", "-frames:v", "3", "-pix_fmt", pix_fmt]
    stream = ffmpeg(*cut, "-strict", "-1", "-f", "yuv4mpegpipe", "-")
    raw = ffmpeg(*cut, "-f", "rawvideo", "-")
    reader = y4m.Reader(io.BytesIO(stream))
    assert reader.header.format.name == pix_fmt
    assert (reader.header.width, reader.header.height, reader.header.rate) == (width, 67, Fraction(30000, 1001))
    got = b"".join(plane.numpy().tobytes() for planes, _ in reader.frames() for plane in planes)
    assert reader.frames_read == 3
    assert got == raw


@pytest.mark.parametrize(("pix_fmt", "siting", "told"), [
    ("yuv420p", 1, "left"), ("yuv420p", 2, "center"), ("yuv420p", 3, "topleft"), ("yuv420p10le", 0, None),
    ("yuv444p12le", 0, None), ("gray", 0, None),
])  # fmt: skip
def test_ffmpeg_reads_what_is_written(ducks: Path, tmp_path: Path, pix_fmt: str, siting: int, told: str | None) -> None:
    header = Header(
        width=33, height=19, format=pixel_format(pix_fmt), rate=Fraction(30000, 1001), sar=Fraction(8, 9),
        siting=siting, range=1, field_order="tff",
    )  # fmt: skip
    stream = io.BytesIO()
    writer = y4m.Writer(stream, header)
    rng = np.random.default_rng(1)
    frames = [
        tuple(
            torch.from_numpy(rng.integers(0, 1 << header.format.depth, size, dtype=np.uint16)).to(header.format.dtype)
            for size in header.plane_sizes
        )
        for _ in range(2)
    ]
    for planes in frames:
        writer.write(tuple(plane.T.contiguous().T for plane in planes))  # strided views too
    file = tmp_path / "out.y4m"
    file.write_bytes(stream.getvalue())
    raw = ffmpeg("-i", str(file), "-f", "rawvideo", "-")
    assert raw == b"".join(plane.numpy().tobytes() for planes in frames for plane in planes)
    shown = json.loads(subprocess.run(
        [str(FFPROBE), "-v", "error", "-of", "json", "-show_streams", str(file)], capture_output=True, check=True
    ).stdout)["streams"][0]  # fmt: skip
    assert shown["sample_aspect_ratio"] == "8:9"
    assert shown["r_frame_rate"] == "30000/1001"
    assert shown["color_range"] == "tv"
    assert shown["field_order"] == "tt"
    assert shown.get("chroma_location") in ((told,) if told else (None, "unspecified", "left", "center"))


@given(
    name=st.sampled_from(HELD), width=st.integers(1, 9999), height=st.integers(1, 9999),
    rate=st.none() | st.fractions(Fraction(1, 1000), 1000, max_denominator=1001),
    order=st.sampled_from(["progressive", "tff", "bff", "mixed"]), siting=st.sampled_from([1, 2, 3]),
    sar=st.just(Fraction(0)) | st.fractions(Fraction(1, 99), 99, max_denominator=99), full=st.sampled_from([0, 1, 2]),
)  # fmt: skip
def test_a_header_comes_back(
    name: str, width: int, height: int, rate: Fraction | None, order: str, siting: int, sar: Fraction, full: int
) -> None:
    fmt = pixel_format(name)
    header = Header(
        width=width, height=height, format=fmt, rate=rate, field_order=order, sar=sar, range=full,  # type: ignore[arg-type]
        siting=siting if name == "yuv420p" else 0,
    )  # fmt: skip
    line = y4m.format_header(header)
    assert line.endswith(b"\n")
    assert len(line) <= y4m.MAX_LINE
    assert y4m.parse_header(line[:-1]) == header


@pytest.mark.parametrize(("line", "told"), [
    (b"RIFF", "YUV4MPEG2, got 'RIFF'"), (b"YUV4MPEG2 H4", "no W"), (b"YUV4MPEG2 W4 H0", "H0"),
    (b"YUV4MPEG2 W99999999 H4", "W99999999"), (b"YUV4MPEG2 W4 H4 F25", "F25"), (b"YUV4MPEG2 W4 H4 Ix", "Ix"),
    (b"YUV4MPEG2 W4 H4 C411", "C411"), (b"YUV4MPEG2 W4 H4 C444alpha", "C444alpha"), (b"YUV4MPEG2 W4 H4 C420p11", "p11"),
    (b"YUV4MPEG2 W32768 H32768 C444p16", "bytes"), (b"YUV4MPEG2 W4 H4 \xff", "ASCII"),
])  # fmt: skip
def test_a_bad_header_is_named(line: bytes, told: str) -> None:
    with pytest.raises((InputError, UnsupportedFormatError), match=told):
        y4m.parse_header(line)


def test_what_y4m_cannot_hold_is_refused_by_name() -> None:
    for name in ("gbrp", "nv12", "yuva420p", "ya8", "rgb24"):
        with pytest.raises(UnsupportedFormatError, match=name):
            y4m.chroma_tag(pixel_format(name))


def test_an_old_header_says_its_chroma_in_an_extension() -> None:
    assert y4m.parse_header(b"YUV4MPEG2 W4 H4 XYSCSS=422").format.name == "yuv422p"
    bare = y4m.parse_header(b"YUV4MPEG2 W4 H4")
    assert (bare.format.name, bare.siting, bare.rate, bare.sar) == ("yuv420p", 2, None, 0)


def test_frame_parameters_and_mixed_interlacing() -> None:
    body = bytes(36)
    stream = b"YUV4MPEG2 W6 H4 Im F25:1\n" + b"".join(
        b"FRAME" + words + b"\n" + body for words in (b" Itp", b" Ibp Xnote", b" I1p", b"", b" ITi")
    )
    orders = [order for _, order in y4m.Reader(io.BytesIO(stream)).frames()]
    assert orders == ["tff", "bff", "progressive", "progressive", "tff"]


@pytest.mark.parametrize("cut", [1, 20, 35, 36 + 6 + 3, 36 + 6 + 6 + 35])
def test_a_stream_that_ends_within_a_frame_says_how_many_were_whole(cut: int) -> None:
    body = (b"FRAME\n" + bytes(36)) * 3
    reader = y4m.Reader(io.BytesIO(HEADER + b"\n" + body[:-cut]))
    whole = (len(body) - cut) // 42
    with pytest.raises(InputError, match=f"{whole} whole frame"):
        list(reader.frames())
    assert reader.frames_read == whole


def test_an_empty_stream_and_an_endless_line() -> None:
    with pytest.raises(InputError, match="empty"):
        y4m.Reader(io.BytesIO(b""))
    with pytest.raises(InputError, match="longer than 1024"):
        y4m.Reader(io.BytesIO(b"YUV4MPEG2 " + b"X" * 5000))


def test_ten_thousand_mutated_headers_raise_nothing_else() -> None:
    rng = random.Random(1)
    frame = b"FRAME\n" + bytes(36)
    parsed = 0
    for _ in range(10_000):
        line = bytearray(HEADER)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(line))
            kind = rng.random()
            if kind < 0.5:
                line[at] = rng.randrange(256)
            elif kind < 0.75:
                del line[at : at + rng.randint(1, 5)]
            else:
                line[at:at] = bytes(rng.choices(b" :0123456789WHFIACXp", k=rng.randint(1, 5)))
        with suppress(VidrtsError):  # nothing else may be raised
            header = y4m.parse_header(bytes(line))
            assert header.frame_bytes <= MAX_FRAME
            parsed += 1
            if header.frame_bytes < 10_000:
                list(y4m.Reader(io.BytesIO(bytes(line) + b"\n" + frame)).frames())
    assert 500 < parsed < 9_500  # both ways were tried


def test_nothing_is_written_of_a_frame_that_does_not_fit() -> None:
    fmt = pixel_format("yuv420p")
    out = io.BytesIO()
    writer = y4m.Writer(out, Header(width=16, height=16, format=fmt, rate=Fraction(25)))
    before = out.getvalue()
    planes = [torch.zeros(h, w, dtype=torch.uint8) for w, h in ((16, 16), (8, 8), (8, 4))]
    with pytest.raises(ValueError, match="expected planes"):
        writer.write(planes)
    assert out.getvalue() == before

"""Formats of another layout are read as the planar format that holds the same samples; swscale packs them here."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from helpers.paths import DATA, need
from helpers.pipe_ends import ffmpeg, raw_frames

from vidrts.errors import OptionError
from vidrts.frame import PIXEL_FORMATS, Frame, PixelFormat
from vidrts.media.packings import PACKINGS
from vidrts.media.pipes import raw_header, rawvideo
from vidrts.media.planes import filter_graph, plane_views
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.read.unpacker import Unpacker

BASE = Fraction(1, 25)


def noise(fmt: PixelFormat, width: int, height: int) -> av.VideoFrame:
    """A frame of random samples."""
    frame = av.VideoFrame(width, height, fmt.name)
    frame.pts, frame.time_base = 3, BASE
    generator = np.random.default_rng(1)
    for view in plane_views(frame, fmt):
        drawn = generator.integers(0, fmt.most + 1, tuple(view.shape))
        view.copy_(torch.from_numpy(drawn.astype(view.numpy().dtype)))
    return frame


def packed(frame: av.VideoFrame, fmt: PixelFormat, name: str) -> av.VideoFrame:
    """The frame in the format `name`, by swscale, or where that rounds by hand."""
    if "msb" not in name:
        return frame.reformat(format=name)
    made = av.VideoFrame(frame.width, frame.height, name)
    for plane, target in zip(frame.planes, made.planes, strict=True):
        samples = np.frombuffer(plane, "<u2").reshape(frame.height, -1)[:, : frame.width] << (16 - fmt.depth)
        held = np.frombuffer(target, f"{'>' if name.endswith('be') else '<'}u2").reshape(frame.height, -1)
        held[:, : frame.width] = samples
    return made


@pytest.mark.parametrize(("width", "height"), [(64, 48), (63, 47)])
@pytest.mark.parametrize("name", sorted(PACKINGS))
def test_samples_are_swscales(name: str, width: int, height: int) -> None:
    fmt = PACKINGS[name].twin
    frame = noise(fmt, width, height)
    wanted = [view.clone() for view in plane_views(frame, fmt)]
    carrier = packed(frame, fmt, name)
    carrier.pts, carrier.duration, carrier.chroma_location = 3, 2, 3
    carrier.color_range = carrier.color_trc = carrier.color_primaries = 1
    read = Unpacker().unpacked(carrier, BASE)
    assert (read.format.name, read.pts, read.duration, read.time_base) == (fmt.name, 3, 2, BASE)
    assert (read.color_range, read.color_trc, read.color_primaries, read.chroma_location) == (1, 1, 1, 3)
    for one, two in zip(plane_views(read, fmt), wanted, strict=True):
        assert torch.equal(one, two)


def test_a_picture_stored_from_its_last_row() -> None:
    fmt = PIXEL_FORMATS["yuv422p"]
    frame = noise(fmt, 64, 48)
    wanted = [view.clone().flip(0) for view in plane_views(frame, fmt)]
    graph = filter_graph(carrier := frame.reformat(format="uyvy422"), "vflip", BASE)
    carrier.pts = 0
    graph.vpush(carrier)
    turned = graph.vpull()
    assert turned.planes[0].line_size < 0
    for one, two in zip(plane_views(Unpacker().unpacked(turned, BASE), fmt), wanted, strict=True):
        assert torch.equal(one, two)


def test_native_formats_pass_as_they_are() -> None:
    frame = av.VideoFrame(64, 48, "yuv420p")
    assert Unpacker().unpacked(frame, BASE) is frame
    assert not set(PACKINGS) & set(PIXEL_FORMATS)
    assert set(PACKINGS) <= av.video.format.names


FILES = {
    "qtrle_argb.mov": ("gbrap", None), "v410_10bit444.mov": ("yuv444p10le", None),
    "raw.avi": ("yuv422p", "-c:v rawvideo -pix_fmt uyvy422"),
    "raw.nut": ("gbrap", "-c:v rawvideo -pix_fmt abgr"),
    "png.mov": ("gbrp16le", "-c:v png -pix_fmt rgb48be"),
    "deep.nut": ("yuv422p10le", "-c:v rawvideo -pix_fmt yuv422p10be"),
    "ayuv.mkv": ("yuva444p", "-c:v ayuv"),
}  # fmt: skip
"""A film, the format in which it is read, and how it is made."""


@pytest.mark.parametrize("name", FILES)
def test_films(name: str, tmp_path: Path) -> None:
    held, made = FILES[name]
    path = need(DATA / "faults" / name) if made is None else tmp_path / name
    if made is not None:
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=66x50", "-frames:v", 2, *made.split(), path)
    with Source(path) as source:
        frames = [event for event in source.events() if isinstance(event, Frame)]
    fmt = frames[0].format
    assert fmt.name == held
    stored = [plane for frame in frames for _, plane in sorted(zip(fmt.order, frame.planes, strict=True),
                                                               key=lambda pair: pair[0])]  # fmt: skip
    assert b"".join(plane.contiguous().numpy().tobytes() for plane in stored) == raw_frames(path, held)


def test_fields_and_tags_of_a_packed_film(tmp_path: Path) -> None:
    path = tmp_path / "fields.mov"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=64x48,setfield=tff", "-frames:v", 3, "-c:v", "rawvideo", "-pix_fmt", "uyvy422",
        "-flags", "+ildct", "-field_order", "tt", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-colorspace", "bt709", "-movflags", "+write_colr", path,
    )  # fmt: skip
    with Source(path, DecodeOptions(interlaced="keep")) as source:
        assert (source.info.color.matrix, source.info.color.transfer, source.info.color.range) == (1, 1, 0)
        frames = [event for event in source.events() if isinstance(event, Frame)]
    assert [frame.pts * frame.time_base for frame in frames] == [0, BASE, 2 * BASE]
    assert [frame.field_order for frame in frames] == ["tff"] * 3


@pytest.mark.parametrize("name", ["uyvy422", "yuyv422", "argb", "nv21", "bgra64", "yuv420p10be", "y210", "v30x"])
def test_raw_video_on_a_pipe(name: str) -> None:
    header = raw_header.parse(f"35x33:{name}@25")
    full = name if name in PACKINGS else f"{name}le"
    fmt = PACKINGS[full].twin
    assert header.format == fmt
    frame = noise(fmt, 35, 33)
    wanted = [view.clone() for view in plane_views(frame, fmt)]
    carrier = packed(frame, fmt, full)
    assert carrier.format.name == full
    shapes, size = PACKINGS[full].plane_shapes(35, 33), np.dtype(PACKINGS[full].word).itemsize
    stored = b"".join(
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:rows, : words * size].tobytes()
        for plane, (rows, words) in zip(carrier.planes, shapes, strict=True)
    )
    read = list(rawvideo.Reader(io.BytesIO(stored * 2), header).frames())  # type: ignore[arg-type]
    assert len(read) == 2
    for planes, _ in read:
        assert all(torch.equal(one, two) for one, two in zip(planes, wanted, strict=True))


@pytest.mark.parametrize("name", ["uyvy422", "argb", "bgra64le", "nv21"])
def test_raw_frames_are_as_long_as_ffmpegs(name: str) -> None:
    data = ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=64x48",
        "-vf",
        "scale=33:35",
        "-frames:v",
        1,
        "-pix_fmt",
        name,
        "-f",
        "rawvideo",
        "-",
    )
    assert raw_header.parse(f"33x35:{name}@25").frame_bytes == len(data)


def test_raw_formats_that_are_none() -> None:
    with pytest.raises(OptionError, match="yuv411p is not supported"):
        raw_header.parse("33x35:yuv411p@25")

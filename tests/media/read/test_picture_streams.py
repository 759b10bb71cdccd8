"""Pictures in a row without a container are a video; a photo is none, whatever it carries behind the picture."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import torch
from helpers.paths import DATA, need
from helpers.pipe_ends import ffmpeg, raw_frames

from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.media.pipes.stdio import StandardInput
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message

PATTERN = ("-f", "lavfi", "-i", "testsrc2=s=64x48")
ROW = {
    "row.mjpg": ("mjpeg", "mjpeg"), "row.png": ("png", "image2pipe"), "row.ppm": ("ppm", "image2pipe"),
    "row.parts": ("mjpeg", "mpjpeg"),
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in a row, of each kind."""
    folder = tmp_path_factory.mktemp("rows")
    outputs = [word for name, (codec, muxer) in ROW.items()
               for word in ("-frames:v", 6, "-c:v", codec, "-f", muxer, folder / name)]  # fmt: skip
    ffmpeg(*PATTERN, *outputs)
    return folder


pictures = cache(raw_frames)


@contextmanager
def opened(path: Path, piped: bool, options: DecodeOptions, told: list[Message]) -> Iterator[Source]:
    """A file, by its name or from stdin."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        place = StandardInput(descriptor=descriptor) if piped else path
        with Source(place, options, on_message=told.append) as source:
            yield source
    finally:
        os.close(descriptor)


def samples(source: Source) -> tuple[bytes, list[Fraction]]:
    """The frames as `-f rawvideo` has them, and their times."""
    frames = [event for event in source.events() if isinstance(event, Frame)]
    packed = source.info.format.layout == "packed"
    found = [[torch.stack(frame.planes, dim=-1)] if packed else frame.planes for frame in frames]
    stored = b"".join(plane.contiguous().numpy().tobytes() for planes in found for plane in planes)
    return stored, [frame.pts * frame.time_base for frame in frames]


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("name", ["cam.mjpeg", *ROW])
def test_pictures_in_a_row(name: str, piped: bool, rows: Path) -> None:
    path = rows / name if name in ROW else need(DATA / "faults" / name)
    told: list[Message] = []
    with opened(path, piped, DecodeOptions(strict=True), told) as source:
        held, times = samples(source)
        assert not source.lost.summary()
    assert held == pictures(path)
    assert times == [Fraction(n, 25) for n in range(len(times))]
    assert [(line.code, line.values) for line in told] == [(Code.FRAME_RATE_ASSUMED, {"rate": 25})]


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("name", ROW)
def test_a_cut(name: str, piped: bool, rows: Path) -> None:
    options = DecodeOptions(start=Fraction(3, 25), end=Fraction(5, 25))
    with opened(rows / name, piped, options, []) as source:
        held, times = samples(source)
    size = len(pictures(rows / name)) // 6
    assert held == pictures(rows / name)[3 * size : 5 * size]
    assert times == [0, Fraction(1, 25)]


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("kind", ["jpeg", "png", "two views"])
def test_a_photo(kind: str, piped: bool, rows: Path, tmp_path: Path) -> None:
    data = (rows / ("row.png" if kind == "png" else "row.mjpg")).read_bytes()
    last = {"png": b"IEND\xaeB`\x82"}.get(kind, b"\xff\xd9")
    photo = data[: data.index(last) + len(last)]
    if kind == "two views":  # CIPA DC-007: the first has an index of them all, in a segment APP2
        photo = photo[:2] + b"\xff\xe2\x00\x06MPF\0" + photo[2:] + photo
    (tmp_path / "photo").write_bytes(photo)
    advice = "" if piped else "; give OUT a name such as out.png"
    with (
        pytest.raises(InputError, match=rf"expected a video, got a picture \((mjpeg|jpeg_pipe|png_pipe)\){advice}$"),
        opened(tmp_path / "photo", piped, DecodeOptions(), []),
    ):
        pass


def test_parts_that_break_off(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "parts").write_bytes((rows / "row.parts").read_bytes()[:-700])
    with opened(tmp_path / "parts", False, DecodeOptions(), []) as source:
        list(source.events())
        assert source.lost.summary()

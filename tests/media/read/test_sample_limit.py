"""Samples above the highest code value, which y4m and raw video can hold: clamped and counted."""

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pipe_ends import swapped

from vidrts.errors import InputError
from vidrts.frame import Frame, pixel_format
from vidrts.media.pipes import raw_header
from vidrts.media.read.damage import LossReport
from vidrts.media.read.open import open_video
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.sample_limit import clamped

WIDTH, HEIGHT = 64, 48
SIZES = [WIDTH * HEIGHT, WIDTH * HEIGHT // 4, WIDTH * HEIGHT // 4]


def pictures(most: int) -> list[list[np.ndarray]]:
    """Three frames of 4:2:0; the second one has four samples of luma and one of Cr above `most`."""
    generator = np.random.default_rng(3)
    made = [[generator.integers(0, most + 1, size).astype("<u2") for size in SIZES] for _ in range(3)]
    made[1][0][[0, 9, 700, 701]] = most + 1, 2 * most, 65535, most + 7
    made[1][2][5] = 65535
    return made


def samples(frames: list[list[np.ndarray]]) -> list[bytes]:
    return [b"".join(plane.tobytes() for plane in frame) for frame in frames]


def source(folder: Path, name: str, depth: int) -> Path:
    """The pictures as y4m, as bare samples, or as rawvideo in NUT."""
    data, path = samples(pictures(2**depth - 1)), folder / name
    if path.suffix == ".y4m":
        header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420p{depth}\n".encode()
        path.write_bytes(header + b"".join(b"FRAME\n" + frame for frame in data))
    elif path.suffix == ".raw":
        path.write_bytes(b"".join(data))
    else:
        command = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", f"yuv420p{depth}le", "-s",
                   f"{WIDTH}x{HEIGHT}", "-i", "-", "-c:v", "rawvideo", str(path)]  # fmt: skip
        subprocess.run(command, input=b"".join(data), check=True, capture_output=True)
    return path


def read(path: Path, options: DecodeOptions, *, piped: bool) -> tuple[list[bytes], LossReport]:
    """All frames' samples, and what was lost."""
    with swapped(path, path.parent / "unused"), open_video("-" if piped else path, options) as opened:
        frames = [event for event in opened.events() if isinstance(event, Frame)]
        return [b"".join(plane.numpy().tobytes() for plane in frame.planes) for frame in frames], opened.lost


@pytest.mark.parametrize(
    ("name", "depth", "piped"),
    [("a.y4m", 10, True), ("a.y4m", 10, False), ("a.raw", 10, True), ("a.raw", 12, True), ("a.nut", 10, False),
     ("a.nut", 12, True)],
)  # fmt: skip
def test_samples_above_the_highest_value(tmp_path: Path, name: str, depth: int, piped: bool) -> None:
    most, path = 2**depth - 1, source(tmp_path, name, depth)
    raw = raw_header.parse(f"{WIDTH}x{HEIGHT}:yuv420p{depth}@25") if name == "a.raw" else None
    got, lost = read(path, DecodeOptions(raw=raw), piped=piped)
    assert got == samples([[np.minimum(plane, most) for plane in frame] for frame in pictures(most)])
    assert lost == LossReport(above=5, times=[Fraction(1, 25)])
    assert lost.summary() is not None
    with pytest.raises(InputError, match=rf"damaged at 0\.040 s: 5 sample\(s\) above {most}"):
        read(path, DecodeOptions(raw=raw, strict=True), piped=piped)


def test_what_is_within_the_range_is_not_copied() -> None:
    for name, value in (("yuv420p10le", 1023), ("gray16le", 65535), ("p010le", 65535), ("yuv444p", 255)):
        fmt = pixel_format(name)
        planes = [torch.full(fmt.plane_size(c, 8, 6), value).to(fmt.dtype) for c in range(len(fmt.order))]
        found, count = clamped(planes, fmt)
        assert count == 0
        assert all(one is other for one, other in zip(planes, found, strict=True))

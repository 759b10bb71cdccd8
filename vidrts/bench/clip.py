"""The clip that is measured with: a real one, looped to and fro, scaled to the size asked for, in H.264.

Noise would be the codecs' worst case and the network's emptiest; this is what people film.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import BinaryIO

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

import vidrts
from vidrts.errors import InputError, OptionError
from vidrts.frame import Frame
from vidrts.media.pipes import y4m
from vidrts.media.pipes.header import Header
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.pipeline import enhance

RATE = 30
"""Frames/s of clips made here; no time is measured by it."""
_KEPT = 60
"""Most frames of the source that are scaled; longer clips go to and fro over them."""
_SAMPLE = "samples/ducks.mp4"


@dataclass(frozen=True)
class Clip:
    """A video file of `frames` frames; `size` is (width, height), `rate` frames/s."""

    path: Path
    frames: int
    size: tuple[int, int]
    rate: Fraction
    title: str

    def decode(self, frames: int) -> DecodeOptions:
        """What reads the first `frames` of it."""
        return DecodeOptions(end=(frames - Fraction(1, 2)) / self.rate)


def sample() -> Path:
    """The clip that comes with vidrts; raises `InputError` where it is not there."""
    package = Path(vidrts.__file__).resolve().parent
    for folder in (package, package.parent):
        if (folder / _SAMPLE).is_file():
            return folder / _SAMPLE
    raise InputError(f"{_SAMPLE}: the sample clip is not in this installation; give one of your own with --clip")


def own_size(source: Path) -> tuple[int, int]:
    """(width, height) of a video file."""
    with Source(source) as reader:
        return reader.info.width, reader.info.height


def clip_of(source: Path, size: tuple[int, int], frames: int, folder: Path, *, remake: bool = False) -> Clip:
    """`source` as it is where it has that size and as many frames, else a clip made of it in `folder`.

    With `remake` it is made in any case, and has just as many frames.
    """
    with Source(source) as reader:
        info = reader.info
        count = info.frames or int((info.length or 0) * (info.frame_rate or 0))
        as_it_is = (info.width, info.height) == size and count >= frames and info.frame_rate is not None
        if as_it_is and info.frame_rate is not None and not remake:
            return Clip(source, frames, size, info.frame_rate, f"{source.name}, {info.codec} {info.format.name}")
    width, height = size
    raw, path = folder / f"{width}x{height}.y4m", folder / f"{width}x{height}.mp4"
    try:
        with raw.open("wb") as file:
            write_y4m(file, scaled(source, size, min(frames, _KEPT)), frames)
        encode = EncodeOptions(video_codec="libx264", preset="veryfast", overwrite=True)
        untouched = EnhancerOptions(device="cpu", strength=0)
        enhance(raw, path, EnhanceOptions(picture=untouched, encode=encode))
    finally:
        raw.unlink(missing_ok=True)
    return Clip(path, frames, size, Fraction(RATE), f"{source.name} to and fro, scaled, H.264")


def scaled(source: Path, size: tuple[int, int], most: int) -> list[Frame]:
    """The first `most` frames of `source`, each plane scaled by an antialiased cubic to a picture of `size`."""
    width, height = size
    if min(size) < 16:
        raise OptionError(f"size: expected at least 16x16, got {width}x{height}")
    found = []
    with Source(source) as reader:
        for event in islice((e for e in reader.events() if isinstance(e, Frame)), most):
            sizes = [event.format.plane_size(k, width, height) for k in range(len(event.planes))]
            planes = tuple(
                _resized(plane, size_of, event.format.most) for plane, size_of in zip(event.planes, sizes, strict=True)
            )  # fmt: skip
            found.append(replace(event, planes=planes, carrier=None))
    return found


def _resized(plane: torch.Tensor, size: tuple[int, int], most: int) -> torch.Tensor:
    """(h, w) samples -> `size` samples of the same type."""
    value = F.interpolate(plane[None, None].float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    return value[0, 0].round_().clamp_(0, most).to(plane.dtype)


def to_and_fro(frames: list[Frame]) -> Iterator[Frame]:
    """The frames forwards, backwards, forwards, without end: no cut where it begins again."""
    return cycle([*frames, *frames[-2:0:-1]])


def write_y4m(file: BinaryIO, frames: list[Frame], count: int) -> None:
    """`count` frames, to and fro, as y4m into a binary file or pipe."""
    writer = y4m_writer(file, frames[0])
    for frame in islice(to_and_fro(frames), count):
        writer.write(frame.planes)


def y4m_writer(file: BinaryIO, like: Frame) -> y4m.Writer:
    """What writes frames like that one."""
    return y4m.Writer(file, Header(
        width=like.width, height=like.height, format=like.format, rate=Fraction(RATE), siting=like.color.siting,
        range=like.color.range,
    ))  # fmt: skip

"""Stills out of broadcasts, to train on: sharp, distinct frames, one from each shot, without bars and overscan.

    for still in stills("film.ts"): ...

Passive and streaming: one frame of the present shot is held, whatever the video's length.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from PIL import Image

from vidrts import color, colorplan
from vidrts.errors import InputError, OptionError, OutputError, UnsupportedFormatError
from vidrts.frame import Frame
from vidrts.measure.luma import luma
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message

MANIFEST = "manifest.jsonl"
_THUMB = (18, 32)
"""Rows and columns of the thumbnail on which shots and duplicates are told."""
_CUT = 0.06
"""Mean change of the thumbnail, of full scale, from which on a cut is thought of ..."""
_CUT_RATIO = 3.0
"""... if it is also so many times the usual change of the shot: a pan is no cut."""
_DUPLICATE = 0.02
_DARK, _PALE = 0.06, 0.05
"""Mean and standard deviation of luma below which a frame is black, or faded."""
_BAR = 0.08
"""Luma below which a line that hardly varies is part of a black bar (limited-range black is 0)."""
_HDR = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True, kw_only=True)
class StillOptions:
    """What is taken. Checked when made; raises `OptionError`."""

    sharpness: float = 0.5
    """Least `sharpness` of a still; see there."""
    most: int = 200
    """Most stills from one video."""
    overscan: float = 0.02
    """Share of width and height cut off at each side of standard-definition pictures (up to 576 lines)."""

    def __post_init__(self) -> None:
        if not 0 <= self.sharpness <= 2:
            raise OptionError(f"sharpness {self.sharpness}: expected 0 to 2")
        if self.most < 1:
            raise OptionError(f"most {self.most}: expected at least 1")
        if not 0 <= self.overscan <= 0.2:
            raise OptionError(f"overscan {self.overscan}: expected 0 to 0.2")


@dataclass(frozen=True, eq=False)
class Still:
    """A frame worth training on."""

    time: Fraction
    """Seconds, on the video's own clock."""
    sharpness: float
    rgb: torch.Tensor
    """(3, h, w) R'G'B' in 0..1, bars and overscan cut off, pixels square."""


def sharpness(picture: torch.Tensor) -> float:
    """Mean |Laplacian| over mean |gradient| of luma (H, W): how fine the steps of a picture are, whatever its contrast.

    0.8 to 1.3 for sharp frames and photographs, 0.5 and 0.4 after a Gaussian blur of 1.5 and 2 pixels; noise raises it.
    """
    steps = picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()
    return detail(picture) / float(steps) if steps > 0 else 0.0


def detail(picture: torch.Tensor) -> float:
    """Mean |Laplacian| of luma (H, W): unlike `sharpness` it falls with contrast, as in a fade."""
    plane = picture[None, None].float()
    kernel = plane.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).view(1, 1, 3, 3)
    return float(F.conv2d(plane, kernel).abs().mean())


def active_area(plane: torch.Tensor) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of luma (H, W) in 0..1 without black bars; bottom and right are excluded."""
    found = []
    for dim in (1, 0):
        dull = (plane.mean(dim=dim) < _BAR) & (plane.amax(dim=dim) - plane.amin(dim=dim) < _BAR)
        alive = (~dull).nonzero().flatten().tolist()
        found += [alive[0], alive[-1] + 1] if alive else [0, plane.shape[1 - dim]]
    return found[0], found[1], found[2], found[3]


def stills(
    path: str | os.PathLike[str],
    options: StillOptions | None = None,
    *,
    on_message: Callable[[str], None] = lambda line: None,
) -> Iterator[Still]:
    """The sharpest frame of each shot, in order; deinterlaced (bwdif) where the source is interlaced.

    Left out: black and faded frames, those less sharp than wanted, and those that look like one that was given.
    Raises `InputError` as `Source` does, `UnsupportedFormatError` for HDR, whose coded signal is not what the networks
    are trained on.
    """
    options = options or StillOptions()
    seen: list[torch.Tensor] = []
    with Source(path, DecodeOptions(), on_message=on_message) as source, closing(_shots(source)) as shots:
        info = source.info
        if info.color.transfer in _HDR:
            raise UnsupportedFormatError(
                f"{os.fspath(path)}: is {_HDR[info.color.transfer]}; stills are taken from SDR video alone, so "
                "tone-map it first"
            )
        for best in shots:
            if best.sharpness < options.sharpness:
                continue
            if any(float((best.thumb - other).abs().mean()) < _DUPLICATE for other in seen):
                continue
            seen.append(best.thumb)
            rgb = _presentable(best.rgb, info.sar, options)
            yield Still(best.time, best.sharpness, rgb)
            if len(seen) == options.most:
                return


@dataclass(frozen=True, eq=False)
class _Candidate:
    time: Fraction
    sharpness: float
    detail: float
    rgb: torch.Tensor
    thumb: torch.Tensor


def _shots(source: Source) -> Generator[_Candidate]:
    """The best frame of each shot that has a usable one."""
    best: _Candidate | None = None
    before: torch.Tensor | None = None
    changes: deque[float] = deque(maxlen=24)
    for event in source.events():
        if not isinstance(event, Frame):
            continue
        tags, _ = colorplan.assume(event.color, event.format, event.height)
        rgb = color.to_rgb(event.planes, colorplan.plan(tags, event.format)).clamp(0, 1)
        plane = luma(rgb)
        thumb = F.adaptive_avg_pool2d(plane[None, None], _THUMB)[0, 0]
        change = 0.0 if before is None else float((thumb - before).abs().mean())
        if change > _CUT and change > _CUT_RATIO * median(changes or [0.0]):
            if best:
                yield best
            best = None
            changes.clear()
        changes.append(change)
        before = thumb
        if float(thumb.mean()) < _DARK or float(thumb.std()) < _PALE:
            continue
        top, bottom, left, right = active_area(plane)
        active = plane[top:bottom, left:right]
        value = detail(active)
        if best is None or value > best.detail:
            best = _Candidate(event.pts * event.time_base, sharpness(active), value, rgb, thumb)
    if best:
        yield best


def _presentable(rgb: torch.Tensor, sar: Fraction, options: StillOptions) -> torch.Tensor:
    """Bars and overscan cut off, pixels made square by antialiased cubic resampling of the larger step."""
    height, width = rgb.shape[1:]
    top, bottom, left, right = active_area(luma(rgb))
    if height <= 576:
        rows, columns = round(options.overscan * height), round(options.overscan * width)
        top, bottom = max(top, rows), min(bottom, height - rows)
        left, right = max(left, columns), min(right, width - columns)
    rgb = rgb[:, top:bottom, left:right]
    if sar in (0, 1):
        return rgb
    # The side with the larger pixels is scaled down to the other: nothing is made up.
    height, width = rgb.shape[1:]
    size = (height, round(width * sar)) if sar < 1 else (round(height / sar), width)
    return F.interpolate(rgb[None], size=size, mode="bicubic", antialias=True)[0].clamp(0, 1)


def save_stills(
    videos: Sequence[str | os.PathLike[str]],
    folder: Path,
    options: StillOptions | None = None,
    *,
    on_message: Callable[[str], None] = lambda line: None,
    on_still: Callable[[int], None] = lambda count: None,
) -> int:
    """Write the stills of all videos as PNG into `folder`, with `manifest.jsonl`; how many there are.

    A line of the manifest holds file, video, time (seconds), sharpness and size. A video that cannot be used is told
    and left out; raises `InputError` where no still is found at all, `OutputError` where `folder` holds stills already
    or cannot be written.
    """
    manifest = folder / MANIFEST
    if manifest.exists():
        raise OutputError(f"{folder}: holds stills already; give an empty folder")
    count = left_out = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with manifest.open("w", encoding="utf-8") as lines:
            for number, video in enumerate(videos, 1):
                try:
                    for still in stills(video, options, on_message=on_message):
                        count += 1
                        file = folder / f"{number:03}-{Path(video).stem[:40]}-{float(still.time):09.3f}.png"
                        stored = (still.rgb * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
                        Image.fromarray(stored.numpy()).save(file)
                        height, width = still.rgb.shape[1:]
                        lines.write(json.dumps({
                            "file": file.name, "video": Path(video).name, "time": round(float(still.time), 3),
                            "sharpness": round(still.sharpness, 4), "size": [width, height],
                        }) + "\n")  # fmt: skip
                        on_still(count)
                except (InputError, UnsupportedFormatError) as error:
                    left_out += 1
                    on_message(Message(Code.VIDEO_LEFT_OUT, reason=str(error)))
    except OSError as error:
        raise OutputError(f"{folder}: stills cannot be written ({error.strerror or error})") from None
    if count == 0:
        manifest.unlink()
        names = ", ".join(os.fspath(video) for video in videos)
        if left_out == len(videos):
            raise InputError(f"no stills: none of the videos can be used: {names}")
        raise InputError(f"no still was found in {names}; try a lower --sharpness")
    return count

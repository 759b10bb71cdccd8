"""Clean clips made of photographs: a window that moves over a picture by parts of a pixel, zooms or turns.

    photos = held_out([Path("photos2k"), Path("photos1600")])
    clip = clean_clip(photos[0])          # (12, 3, 384, 384)

Every frame is rendered from the photograph itself, never from another frame: at twice the wanted size by Lanczos (8x8
taps), then halved by Lanczos-3. A photograph twice as large as the clip (`shrink` 2) so gives frames that are sharp to
the pixel whatever the phase; one that is not scaled down (Kodak's) keeps its own sharpness.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.errors import InputError
from vidrts.ops.lanczos import halve
from vidrts.training.corpus import SUFFIXES, read_picture
from vidrts.training.holdout import held_for_truth

type Samples = NDArray[np.float32]

SIDE = 384
FRAMES = 12
_HALVING = 4
"""Pixels at a clip's borders that would see the end of what was rendered when it is halved."""


@dataclass(frozen=True)
class Motion:
    """What a clip's window does from frame to frame, about the middle of the clip."""

    right: float = 0.0
    """Pixels of the clip for each frame; `down` the same."""
    down: float = 0.0
    zoom: float = 0.0
    """The share by which the picture grows for each frame."""
    turn: float = 0.0
    """Degrees for each frame."""

    def __str__(self) -> str:
        parts = [f"pan {self.right:g},{self.down:g} px"] if self.right or self.down else []
        parts += [f"zoom {100 * self.zoom:g} %"] if self.zoom else []
        parts += [f"turn {self.turn:g} deg"] if self.turn else []
        return ", ".join(parts) or "still"


MOTIONS = (
    Motion(right=1.3, down=-0.7), Motion(), Motion(right=0.3, down=0.1), Motion(right=-2.2, down=0.4),
    Motion(right=0.5, zoom=0.002), Motion(right=0.4, down=0.3, turn=0.15), Motion(right=0.7, down=2.1),
    Motion(right=2.9, down=-0.6),
)  # fmt: skip
"""Of the first, second ... photograph, over and over: slow, quick, one that stands still, one zoom, one turn."""


@dataclass(frozen=True)
class Photo:
    """A photograph, what its window does, and how many of its pixels make one of the clip's along each axis."""

    path: Path
    motion: Motion
    shrink: int = 2


def held_out(folders: Sequence[Path], count: int = 4) -> list[Photo]:
    """The `count` photographs of each folder that no training sees (`held_for_truth`), the folders taking turns.

    Raises `InputError` for a folder without pictures.
    """
    found = []
    for folder in folders:
        names = _pictures(folder)
        held = held_for_truth(names, count)
        found.append([folder / name for name in names if name in held])
    longest = max(map(len, found), default=0)
    paths = [paths[k] for k in range(longest) for paths in found if k < len(paths)]
    return [Photo(path, MOTIONS[k % len(MOTIONS)]) for k, path in enumerate(paths)]


def spread(folder: Path, count: int) -> list[Photo]:
    """`count` pictures of a folder that are not scaled down, evenly spread over its names; raises `InputError`."""
    names = _pictures(folder)
    chosen = sorted({round(k * (len(names) - 1) / max(1, count - 1)) for k in range(min(count, len(names)))})
    return [Photo(folder / names[k], MOTIONS[n % len(MOTIONS)], shrink=1) for n, k in enumerate(chosen)]


def _pictures(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one of photographs")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not names:
        raise InputError(f"{folder}: holds no pictures; expected photographs ({', '.join(sorted(SUFFIXES))})")
    return names


def clean_clip(photo: Photo, side: int = SIDE, frames: int = FRAMES) -> torch.Tensor:
    """(frames, 3, side, side) float32 R'G'B' in 0..1: the most detailed of nine windows of the photograph, in motion.

    Raises `InputError` for a photograph that is too small.
    """
    picture = read_picture(photo.path)
    margin = _margin(photo.motion, side, frames)
    wanted = photo.shrink * (side + 2 * margin)
    height, width = picture.shape[1:]
    if min(height, width) < photo.shrink * side:
        raise InputError(f"{photo.path}: {width}x{height} pixels; expected at least {photo.shrink * side} each way")
    y, x = _centre(picture, min(wanted, height), min(wanted, width))
    samples = picture.permute(1, 2, 0).float().contiguous().numpy()
    times = [number - (frames - 1) / 2 for number in range(frames)]
    rendered = np.stack([_frame(samples, (x, y), photo, time, side + 2 * _HALVING) for time in times])
    halved = halve(torch.from_numpy(rendered).permute(0, 3, 1, 2).contiguous())
    return halved[..., _HALVING:-_HALVING, _HALVING:-_HALVING].clamp(0, 255).div(255)


def _margin(motion: Motion, side: int, frames: int) -> int:
    """Pixels of the clip beyond its window that the motion shows."""
    half = (frames - 1) / 2
    moved = half * max(abs(motion.right), abs(motion.down))
    return math.ceil(moved + side / 2 * half * (abs(motion.zoom) + math.radians(abs(motion.turn)))) + 4


def _centre(picture: torch.Tensor, height: int, width: int) -> tuple[float, float]:
    """(y, x) of the middle of that of 3x3 evenly spread windows whose green has the steepest steps."""
    green = picture[1].float()
    tops, lefts = (
        sorted({round(k * (a - b) / 2) for k in range(3)}) for a, b in zip(green.shape, (height, width), strict=True)
    )

    def steepness(place: tuple[int, int]) -> float:
        window = green[place[0] : place[0] + height, place[1] : place[1] + width]
        return float(window.diff(dim=0).abs().mean() + window.diff(dim=1).abs().mean())

    top, left = max(((top, left) for top in tops for left in lefts), key=steepness)
    return top + (height - 1) / 2, left + (width - 1) / 2


def _frame(samples: Samples, centre: tuple[float, float], photo: Photo, time: float, side: int) -> Samples:
    """(2 side, 2 side, 3) float32 in code values, `time` frames after the clip's middle."""
    step = photo.shrink / 2 / (1 + photo.motion.zoom * time)
    angle = math.radians(photo.motion.turn * time)
    across = step * np.array([math.cos(angle), math.sin(angle)])
    down = step * np.array([-math.sin(angle), math.cos(angle)])
    moved = photo.shrink * time * np.array([photo.motion.right, photo.motion.down])
    start = np.array(centre) + moved - (side - 0.5) * (across + down)
    matrix = np.stack((across, down, start), axis=1)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    size = (2 * side, 2 * side)
    return cast(Samples, cv2.warpAffine(samples, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101))

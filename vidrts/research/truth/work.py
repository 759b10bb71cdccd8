"""What one process of the truth bench does: make a clip, spoil it, enhance it in every way, and measure all of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from vidrts.compare.frames import frames, to_rgb
from vidrts.files import atomic_write
from vidrts.measure.flicker import flicker
from vidrts.measure.luma import luma
from vidrts.measure.ssimulacra2 import Truth
from vidrts.research.truth.candidates import FILTERS, STRENGTHS, Model, changed, mean_change, rgb_of
from vidrts.research.truth.damage import Planes, Row, stored
from vidrts.research.truth.scores import Frame, Scores
from vidrts.research.truth.sources import FRAMES, SIDE, Photo, clean_clip
from vidrts.training.degradation.steps import video_plan

INPUT = "input"
MADE = 2
"""Raised when the same settings give other clips or values, so that what a folder holds is made anew."""


def at_strength(model: str, strength: float) -> str:
    """The name of a model at a strength among the candidates."""
    return f"{model} x{strength:g}"


def at_amount(filtered: str, amount: float) -> str:
    """The name of a filter at an amount among the candidates."""
    return f"{filtered} {amount:g}"


def at_equal_change(filtered: str) -> str:
    """The name of a filter that changes each picture as much as the first model at strength 1."""
    return f"{filtered} equal"


@dataclass(frozen=True)
class Job:
    """One photograph through all rows."""

    photo: Photo
    rows: tuple[Row, ...]
    scored: tuple[int, ...]
    """Numbers of the frames that are measured, from 0."""
    models: tuple[tuple[str, str], ...]
    """(title, name or file) of each."""
    device: str
    cache: Path
    """Folder of the clips made before."""
    decides: bool = True
    side: int = SIDE
    frames: int = FRAMES


type Found = dict[str, dict[str, Scores]]
"""Row -> candidate -> measures, means over the scored frames."""


def start() -> None:
    """Each process computes with one thread: there are as many as cores."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def measure(job: Job) -> Found:
    """All rows of one photograph."""
    truth, spoiled = clips(job)
    references = [Truth(rgb_of(planes)) for planes in truth]
    found: Found = {}
    for row in job.rows:
        every = [
            _candidates(Frame(planes, true, reference), job)
            for planes, true, reference in zip(spoiled[row.name], truth, references, strict=True)
        ]
        found[row.name] = {
            name: {key: float(np.mean([scores[name][key] for scores in every])) for key in every[0][name]}
            for name in every[0]
        }
    return found


def _candidates(frame: Frame, job: Job) -> dict[str, Scores]:
    plane = frame.planes[0]
    found = {INPUT: frame.full(plane) | {"chroma": frame.chroma()}}
    rgb = rgb_of(frame.planes)[None]
    equal = 0.0
    for number, (name, file) in enumerate(job.models):
        change = _model(file, job.device).luma_change(rgb)[0]
        for strength in STRENGTHS:
            found[at_strength(name, strength)] = frame.full(changed(plane, change, strength))
        if number == 0:
            equal = mean_change(changed(plane, change), plane)
    for name, tried in FILTERS.items():
        filtered = tried.of(plane)
        amount = filtered.equal(equal)
        found[at_equal_change(name)] = frame.full(filtered.at(amount)) | {"amount": amount}
        for amount in tried.grid:
            found[at_amount(name, amount)] = frame.full(filtered.at(amount))
    return found


@cache
def _model(file: str, device: str) -> Model:
    return Model(file, device)


def clips(job: Job) -> tuple[list[Planes], dict[str, list[Planes]]]:
    """The scored frames of the clean clip, and of each row's, as stored; from the cache where they are there."""
    digest = hashlib.sha256(job.photo.path.read_bytes()).hexdigest()
    about = (MADE, digest, str(job.photo.motion), job.photo.shrink, job.side, job.frames, job.scored)
    files = {row: job.cache / f"{key(*about, str(row))}.npz" for row in (None, *job.rows)}
    clean: torch.Tensor | None = None
    kept: dict[Row | None, list[Planes]] = {}
    for row, file in files.items():
        if (found := _read(file, len(job.scored))) is None:
            clean = clean_clip(job.photo, job.side, job.frames) if clean is None else clean
            made = [stored(frame) for frame in clean] if row is None else row.spoil(clean, int(digest[:8], 16))
            found = [made[number] for number in job.scored]
            _write(file, found)
        kept[row] = found
    return kept[None], {row.name: kept[row] for row in job.rows}


def key(*about: object) -> str:
    """A file's name for what is made of these settings."""
    return hashlib.sha256(repr(about).encode()).hexdigest()[:32]


def _read(file: Path, count: int) -> list[Planes] | None:
    if not file.is_file():
        return None
    with np.load(file) as arrays:
        return [tuple(torch.from_numpy(arrays[f"{number}{name}"]) for name in "yuv") for number in range(count)]


def _write(file: Path, planes: Sequence[Planes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    for number, frame in enumerate(planes):
        arrays |= {f"{number}{name}": plane.numpy() for name, plane in zip("yuv", frame, strict=True)}
    with atomic_write(file) as part, part.open("wb") as target:
        np.savez_compressed(target, **arrays)


@dataclass(frozen=True)
class Film:
    """A clip of a camera that stands still: its first `frames`, of which the middle 640x360 pixels are looked at."""

    clip: Path
    frames: int
    models: tuple[tuple[str, str], ...]
    device: str


def measure_flicker(film: Film) -> Mapping[str, float]:
    """Flicker of each candidate over the middle of the clip's first frames, on luma rounded to 8 bit.

    1 = as much as the source.
    """
    black, span = video_plan().offset[0], video_plan().scale[0]
    pictures = [middle(to_rgb(frame)) for frame in frames(film.clip, film.frames)]
    planes = [(luma(rgb) * span + black).round().to(torch.uint8) for rgb in pictures]
    videos: dict[str, list[torch.Tensor]] = {}
    for rgb, plane in zip(pictures, planes, strict=True):
        equal = 0.0
        for number, (name, file) in enumerate(film.models):
            change = _model(file, film.device).luma_change(rgb[None])[0]
            for strength in STRENGTHS:
                videos.setdefault(at_strength(name, strength), []).append(changed(plane, change, strength))
            if number == 0:
                equal = mean_change(changed(plane, change), plane)
        for name, tried in FILTERS.items():
            filtered = tried.of(plane)
            videos.setdefault(at_equal_change(name), []).append(filtered.at(filtered.equal(equal)))
    source = _unit(planes)
    return {name: flicker(_unit(video), source) for name, video in videos.items()}


def middle(picture: torch.Tensor, height: int = 360, width: int = 640) -> torch.Tensor:
    """(3, H, W) cut to at most this size, about the middle."""
    top, left = (max(0, (size - most) // 2) for size, most in zip(picture.shape[1:], (height, width), strict=True))
    return picture[:, top : top + height, left : left + width]


def _unit(planes: Sequence[torch.Tensor]) -> torch.Tensor:
    return (torch.stack(list(planes)).float() - video_plan().offset[0]) / video_plan().scale[0]


def carry_out(about: Job | Film) -> Any:
    """What `measure` or `measure_flicker` finds."""
    return measure_flicker(about) if isinstance(about, Film) else measure(about)

"""Some of a folder's pictures: what an experiment costs grows with their number."""

import os
import shutil
from pathlib import Path

import torch

from vidrts.errors import TrainingError
from vidrts.images import to_image
from vidrts.research.held_out import unit
from vidrts.training.corpus import SUFFIXES, read_picture


def take_some(photos: Path, count: int, folder: Path, size: tuple[int, int] | None = None) -> Path:
    """Copy `count` of the pictures below `photos` to `folder`, evenly by name; returns `folder`.

    size: (width, height) of the most that is taken, from each picture's middle, as PNG; without it files are copied
    whole. What is there already is kept. Raises `TrainingError` where there are fewer.
    """
    if folder.is_dir():
        return folder
    found = sorted(p for p in photos.rglob("*") if p.suffix.lower() in SUFFIXES)
    if len(found) < count:
        raise TrainingError(f"{photos}: {len(found)} pictures, expected at least the {count} that are to be taken")
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for number in range(count):
        path = found[number * len(found) // count]
        if size:
            to_image(_middle(unit(read_picture(path)), size)).save(part / f"{number:04}-{path.stem}.png")
        else:
            shutil.copyfile(path, part / f"{number:04}-{path.name}")
    try:
        part.replace(folder)
    except OSError:  # another process was first
        if not folder.is_dir():
            raise
        shutil.rmtree(part)
    return folder


def _middle(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(3, at most height, at most width) of a picture (3, H, W)."""
    width, height = size
    top, left = (max(0, (of - most) // 2) for of, most in zip(picture.shape[1:], (height, width), strict=True))
    return picture[:, top : top + height, left : left + width]

"""Some of a folder's pictures: what an experiment costs grows with their number."""

import os
import shutil
from pathlib import Path

from vidrts.errors import TrainingError
from vidrts.training.corpus import SUFFIXES


def take_some(photos: Path, count: int, folder: Path) -> Path:
    """Copy `count` of the pictures below `photos` to `folder`, evenly by name; returns `folder`.

    What is there already is kept. Raises `TrainingError` where there are fewer.
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
        shutil.copyfile(path, part / f"{number:04}-{path.name}")
    try:
        part.replace(folder)
    except OSError:  # another process was first
        if not folder.is_dir():
            raise
        shutil.rmtree(part)
    return folder

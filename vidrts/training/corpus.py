"""The photographs, the split that holds some of them back, and the crops: places that are the same in every stage."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vidrts.errors import TrainingError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Crop:
    """A square of HR0: picture's index in the training list, top-left corner in pixels, seed of its degradation."""

    picture: int
    y: int
    x: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Photographs on disk, cut in two: `training` gives crops, `validation` is never touched by one."""

    root: Path
    training: tuple[Path, ...]
    validation: tuple[Path, ...]
    crops: tuple[Crop, ...]
    crop_size: int
    """Side of an HR crop in pixels; LR has half of it."""

    @cached_property
    def manifest_hash(self) -> str:
        """SHA-256 over the names and contents of all pictures and the places of all crops."""
        digest = hashlib.sha256()
        for path in (*self.training, *self.validation):
            digest.update(path.relative_to(self.root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        places = [(c.picture, c.y, c.x, c.seed) for c in self.crops]
        digest.update(json.dumps([self.crop_size, places]).encode())
        return digest.hexdigest()


def read_picture(path: Path) -> torch.Tensor:
    """A picture file as (3, H, W) uint8 R'G'B', cut to even sizes, turned as its EXIF says."""
    from PIL import ImageOps

    with Image.open(path) as image:
        pixels = np.array((ImageOps.exif_transpose(image) or image).convert("RGB"))
    height, width = (s - s % 2 for s in pixels.shape[:2])
    return torch.from_numpy(pixels[:height, :width]).permute(2, 0, 1).contiguous()


def collect(
    root: Path,
    *,
    crop_size: int,
    crops_per_picture: int,
    held_out: int,
    seed: int,
    on_message: Callable[[str], None] = lambda line: None,
) -> Corpus:
    """Find the pictures below `root`, hold `held_out` of them back, and draw the crops.

    Pictures that cannot be read or are smaller than a crop are told and left out. Raises `TrainingError` where too few
    are left. The split and the places depend on the names, sizes and `seed` alone.
    """
    if not root.is_dir():
        raise TrainingError(f"{root}: no such folder; --photos wants a folder of PNG, JPEG, TIFF or WebP pictures")
    usable: list[tuple[Path, int, int]] = []
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES):
        try:
            picture = read_picture(path)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            on_message(f"{path}: left out, it cannot be read ({error})")
            continue
        height, width = picture.shape[1:]
        if min(height, width) < crop_size:
            on_message(f"{path}: left out, {width}x{height} is smaller than a crop of {crop_size}")
            continue
        usable.append((path, height, width))
    if len(usable) < held_out + 1:
        raise TrainingError(
            f"{root}: {len(usable)} usable pictures, wanted at least {held_out + 1} of which {held_out} are held out"
        )
    rng = np.random.default_rng(seed)
    back = set(rng.choice(len(usable), size=held_out, replace=False).tolist())
    training = [u for i, u in enumerate(usable) if i not in back]
    crops = tuple(
        Crop(index, int(rng.integers(0, height - crop_size + 1)), int(rng.integers(0, width - crop_size + 1)),
             int(rng.integers(2**31)))
        for index, (_, height, width) in enumerate(training)
        for _ in range(crops_per_picture)
    )  # fmt: skip
    return Corpus(
        root=root,
        training=tuple(path for path, _, _ in training),
        validation=tuple(usable[i][0] for i in sorted(back)),
        crops=crops,
        crop_size=crop_size,
    )


def cut(pictures: Sequence[torch.Tensor], crops: Sequence[Crop], size: int) -> torch.Tensor:
    """The crops as one (B, 3, size, size) tensor of the pictures' type."""
    return torch.stack([pictures[c.picture][:, c.y : c.y + size, c.x : c.x + size] for c in crops])

"""The pictures, the split that holds some of them back, and the crops: places that are the same in every stage."""

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from vidrts.errors import TrainingError
from vidrts.images import from_gray16, is_gray16
from vidrts.measure.luma import luma
from vidrts.messages import Code, Message
from vidrts.training.holdout import held_for_truth

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
DIV2K_TRAIN, DIV2K_VALID = "DIV2K_train_HR", "DIV2K_valid_HR"
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for damaged files."""


_SPLIT = 1
"""What the split is drawn by. Once it was the run's seed: split and places of seed 1 are as they were."""


@dataclass(frozen=True)
class Picture:
    """A usable picture file."""

    path: Path
    name: str
    """What the manifest calls it: its path below the folder of its kind."""
    height: int
    width: int
    """Size in pixels as `original` gives it, even."""
    sha256: str
    """Of the file's content."""
    shrunk: float = 1.0
    """What its sides are scaled by after reading; see `collect`."""

    def original(self) -> torch.Tensor:
        """HR0: (3, height, width) uint8 R'G'B'."""
        return read_picture(self.path, self.shrunk)


@dataclass(frozen=True)
class LeftOut:
    """A picture file that is not used."""

    name: str
    why: str


@dataclass(frozen=True)
class Crop:
    """A square of HR0: picture's index in the training list, top-left corner in pixels, seed of its degradation."""

    picture: int
    y: int
    x: int
    seed: int
    grey: bool = False
    """Its colours are taken away: R', G' and B' are its luma."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Pictures on disk, cut in two: `training` gives crops, `validation` is never touched by one."""

    training: tuple[Picture, ...]
    """Photographs, then stills."""
    validation: tuple[Picture, ...]
    left_out: tuple[LeftOut, ...]
    crops: tuple[Crop, ...]
    crop_size: int
    """Side of an HR crop in pixels; LR has half of it."""

    @cached_property
    def manifest_hash(self) -> str:
        """SHA-256 over the names and contents of all pictures and the places of all crops."""
        digest = hashlib.sha256()
        for picture in (*self.training, *self.validation):
            digest.update(picture.name.encode() + b"\0")
            digest.update(bytes.fromhex(picture.sha256))
            if picture.shrunk != 1:
                digest.update(f"{picture.shrunk:.6f}".encode())
        places = [(c.picture, c.y, c.x, c.seed, *([True] if c.grey else [])) for c in self.crops]
        digest.update(json.dumps([self.crop_size, places]).encode())
        return digest.hexdigest()


def read_picture(path: Path, shrunk: float = 1.0) -> torch.Tensor:
    """A picture file as (3, H, W) uint8 R'G'B', cut to even sizes, turned as its EXIF says.

    `shrunk` below 1: its sides are scaled by that (Pillow's antialiased Lanczos). Gray is given three equal channels;
    of 16 bit the upper 8 are kept. Raises ValueError for 32-bit samples, and what Pillow raises for a damaged file.
    """
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image) or image
        if turned.mode in ("I", "F"):
            raise ValueError("has samples of 32 bit, expected 8 or 16")
        gray16 = is_gray16(turned)
        turned = turned if gray16 else turned.convert("RGB")
        if shrunk != 1:
            width, height = (side - side % 2 for side in turned.size)
            turned = turned.crop((0, 0, width, height))
            turned = turned.resize([round(side * shrunk) for side in turned.size], Image.Resampling.LANCZOS)
        pixels = np.array(turned)
    if gray16:
        pixels = from_gray16(pixels)
    height, width = (s - s % 2 for s in pixels.shape[:2])
    return torch.from_numpy(pixels[:height, :width]).permute(2, 0, 1).contiguous()


def collect(
    photos: Path,
    *,
    crop_size: int,
    crops_per_picture: int,
    held_out: int,
    seed: int,
    stills: Sequence[Path] = (),
    stills_weight: float = 0.5,
    shrink: float = 1.0,
    shrink_below: float = 1.0,
    grey: float = 0.0,
    left_for_truth: int = 0,
    on_message: Callable[[str], None] = lambda line: None,
) -> Corpus:
    """Find the pictures below `photos`, hold `held_out` of them back, and draw the crops.

    DIV2K's layout has a split of its own: where `photos` is or holds DIV2K_train_HR with DIV2K_valid_HR beside it,
    validation is all of the latter. `stills`, folders of pictures too, are for training alone, since frames of a film
    resemble each other; they have `stills_weight` crops for each of a photograph.

    shrink: each photograph for training is scaled by a factor between this and `shrink_below`, drawn by its name, so
    that its finest detail is as fine as pixels. grey: share of the crops whose colours are taken away. left_for_truth:
    so many photographs of each folder are not used (`training.holdout`).

    Pictures that cannot be read, are smaller than a crop, or are there twice are told and left out. Raises
    `TrainingError` where too few are left. The split depends on the names alone, so that runs of other seeds are
    measured on the same pictures; the places on names, sizes and `seed`.
    """
    scan = _Scan(crop_size, on_message, left_for_truth)
    rng = np.random.default_rng(seed)
    split = _div2k(photos)
    if split:
        # Validation first: of a picture that is in both, training is the one to lose it.
        validation = scan.folder(split[1], DIV2K_VALID)
        training = scan.folder(split[0], DIV2K_TRAIN)
        if not training or not validation:
            raise TrainingError(
                f"{photos}: {len(training)} usable pictures in {DIV2K_TRAIN} and {len(validation)} in {DIV2K_VALID}, "
                "expected at least one in each"
            )
    else:
        usable = scan.folder(photos, "")
        if len(usable) < held_out + 1:
            raise TrainingError(
                f"{photos}: {len(usable)} usable pictures, expected at least {held_out + 1} of which {held_out} are "
                "held out"
            )
        back = set(np.random.default_rng(_SPLIT).choice(len(usable), size=held_out, replace=False).tolist())
        rng.choice(len(usable), size=held_out, replace=False)  # once the split; the places come after it
        training = [u for i, u in enumerate(usable) if i not in back]
        validation = [u for i, u in enumerate(usable) if i in back]
    frames = [frame for number, folder in enumerate(stills, 1) for frame in scan.folder(folder, f"stills-{number}/")]
    if stills and not frames:
        raise TrainingError(f"{', '.join(map(str, stills))}: no usable still; see vidrts stills")
    training = [_shrunk(picture, (shrink, shrink_below), crop_size) for picture in training]
    counts = [crops_per_picture] * len(training)
    total = round(stills_weight * sum(counts)) if frames else 0
    counts += [total // len(frames) + (i < total % len(frames)) for i in range(len(frames))]
    training += frames
    crops = [
        Crop(index, int(rng.integers(0, picture.height - crop_size + 1)),
             int(rng.integers(0, picture.width - crop_size + 1)), int(rng.integers(2**31)))
        for index, (picture, count) in enumerate(zip(training, counts, strict=True))
        for _ in range(count)
    ]  # fmt: skip
    if grey:
        crops = [replace(crop, grey=crop.seed % 1000 < 1000 * grey) for crop in crops]
    return Corpus(
        training=tuple(training), validation=tuple(validation), left_out=tuple(scan.left_out), crops=tuple(crops),
        crop_size=crop_size,
    )  # fmt: skip


def _shrunk(picture: Picture, factors: tuple[float, float], crop_size: int) -> Picture:
    """The picture at its own scale between two factors, never smaller than a crop."""
    low, high = factors
    if low == 1:
        return picture
    share = int(hashlib.sha256(picture.name.encode()).hexdigest()[:8], 16) / 2**32
    scale = max(low + (high - low) * share, (crop_size + 2) / min(picture.height, picture.width))
    if scale >= 1:
        return picture
    height, width = (side - side % 2 for side in (round(picture.height * scale), round(picture.width * scale)))
    return replace(picture, height=height, width=width, shrunk=scale)


def _div2k(photos: Path) -> tuple[Path, Path] | None:
    """The training and validation folders where `photos` has DIV2K's layout."""
    home = photos.resolve()
    home = home.parent if home.name == DIV2K_TRAIN else home
    train, valid = home / DIV2K_TRAIN, home / DIV2K_VALID
    return (train, valid) if train.is_dir() and valid.is_dir() else None


class _Scan:
    """The usable pictures of folders, and why others are not."""

    def __init__(self, crop_size: int, on_message: Callable[[str], None], left_for_truth: int = 0) -> None:
        self._crop_size = crop_size
        self._left_for_truth = left_for_truth
        self._on_message = on_message
        self._seen: dict[str, Path] = {}
        self.left_out: list[LeftOut] = []

    def folder(self, root: Path, prefix: str) -> list[Picture]:
        """Those below `root`, in the order of their names; raises `TrainingError` where it is no folder."""
        if not root.is_dir():
            raise TrainingError(f"{root}: no such folder; expected a folder of PNG, JPEG, TIFF or WebP pictures")
        found = []
        paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
        held = self._held(paths) if not prefix.startswith("stills-") else set()
        for path in paths:
            inner = path.relative_to(root).as_posix()
            name = f"{prefix.rstrip('/')}/{inner}" if prefix else inner
            if path in held:
                self.left_out.append(LeftOut(name, "it is left for the truth bench"))
                continue
            try:
                height, width = read_picture(path).shape[1:]
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
            except _UNREADABLE as error:
                self._leave(path, name, f"it cannot be read ({' '.join(str(error).split())})")
                continue
            if min(height, width) < self._crop_size:
                self._leave(path, name, f"{width}x{height} is smaller than a crop of {self._crop_size}")
            elif digest in self._seen:
                self._leave(path, name, f"it is the same file as {self._seen[digest]}")
            else:
                self._seen[digest] = path
                found.append(Picture(path, name, height, width, digest))
        return found

    def _held(self, paths: Sequence[Path]) -> set[Path]:
        """Those that the truth bench decides with, of each folder."""
        folders: dict[Path, list[Path]] = {}
        for path in paths:
            folders.setdefault(path.parent, []).append(path)
        return {
            folder / name
            for folder, inside in folders.items()
            for name in held_for_truth([path.name for path in inside], self._left_for_truth)
        }

    def _leave(self, path: Path, name: str, why: str) -> None:
        self.left_out.append(LeftOut(name, why))
        self._on_message(Message(Code.PICTURE_LEFT_OUT, path=path, reason=why))


def original_crop(originals: Sequence[torch.Tensor], crop: Crop, size: int) -> torch.Tensor:
    """HR0 of one crop, (3, size, size) uint8, grey where the crop is."""
    picture = originals[crop.picture][:, crop.y : crop.y + size, crop.x : crop.x + size]
    return luma(picture.float()).round().to(torch.uint8).expand(3, -1, -1).contiguous() if crop.grey else picture


def cut(pictures: Sequence[torch.Tensor], crops: Sequence[Crop], size: int) -> torch.Tensor:
    """The crops as one (B, 3, size, size) tensor of the pictures' type."""
    return torch.stack([pictures[c.picture][:, c.y : c.y + size, c.x : c.x + size] for c in crops])

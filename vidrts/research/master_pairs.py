"""Pictures of which something sharper is known: HR0 by blur and reduction of larger masters."""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from vidrts.errors import TrainingError
from vidrts.messages import Code, Message
from vidrts.ops.lanczos import halve
from vidrts.training.corpus import SUFFIXES, read_picture
from vidrts.training.degradation.recipe import Degradation

BLUR = "gaussian:1.6"
"""Reduction of a master to HR0: by half after a Gaussian of so many of its pixels, as of a soft lens."""


def of_master(master: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(truth, HR0) of a master (3, H, W) uint8, half as large: reduced by Lanczos, and by `BLUR`."""
    truth = halve(master[None].float())[0].round().clamp_(0, 255).to(torch.uint8)
    return truth, Degradation(BLUR)(master, seed=0)


def make_masters(photos: Path, folder: Path, on_message: Callable[[str], None]) -> Path:
    """Write HR0/NAME.png and truth/NAME.png of each photograph, half as large, into `folder`; returns folder/HR0.

    Both are those of `of_master`. What is there already is kept. Photographs that cannot be
    read are told and left out; raises `TrainingError` where none can.
    """
    original, truth = folder / "HR0", folder / "truth"
    if original.is_dir():
        return original
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "HR0").mkdir(parents=True)
    (part / "truth").mkdir()
    count = 0
    for path in sorted(p for p in photos.rglob("*") if p.suffix.lower() in SUFFIXES):
        try:
            master = read_picture(path)
        except (OSError, SyntaxError, ValueError) as error:
            reason = f"it cannot be read ({' '.join(str(error).split())})"
            on_message(Message(Code.PICTURE_LEFT_OUT, path=path, reason=reason))
            continue
        count += 1
        for kind, picture in zip(("truth", "HR0"), of_master(master), strict=True):
            pixels = picture.permute(1, 2, 0).contiguous().numpy()
            Image.fromarray(pixels).save(part / kind / f"{count:04}-{path.stem}.png")
    if count == 0:
        shutil.rmtree(part)
        raise TrainingError(f"{photos}: no usable picture; expected a folder of PNG, JPEG, TIFF or WebP pictures")
    part.replace(folder)
    on_message(f"{count} masters: {original} and {truth}")
    return original

"""Pictures out of files: frames of videos and photographs, as R'G'B' before and after an enhancement."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vidrts import color, colorplan
from vidrts.frame import Frame
from vidrts.media.decode import Source
from vidrts.media.decodeoptions import DecodeOptions
from vidrts.report.picturefile import as_rgb, read_picture


def frames(path: Path, count: int, start: Fraction | None = None) -> Iterator[Frame]:
    """The first `count` frames of a video from `start` seconds on, as the enhancer gets them."""
    with Source(path, DecodeOptions(start=start)) as source:
        for event in source.events():
            if isinstance(event, Frame):
                yield event
                count -= 1
                if count == 0:
                    return


def to_rgb(frame: Frame) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 of a frame, as vidrts itself understands its colours."""
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    return color.to_rgb(frame.planes, colorplan.plan(tags, frame.format)).clamp(0, 1)


def read_photo(path: Path) -> torch.Tensor:
    """(3, H, W) float32 R'G'B' in 0..1 of a picture file."""
    return as_rgb(read_picture(path))


def to_bytes(rgb: torch.Tensor) -> NDArray[np.uint8]:
    """(H, W, 3) 8-bit samples of (3, H, W) R'G'B' in 0..1, rounded."""
    samples: NDArray[np.uint8] = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return samples


def to_image(rgb: torch.Tensor) -> Image.Image:
    """An 8-bit picture of (3, H, W) R'G'B' in 0..1, for looking at."""
    return Image.fromarray(to_bytes(rgb))

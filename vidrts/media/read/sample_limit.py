"""Samples above the highest code value. Raw video can hold them: its samples of 9 to 15 bit are 16 bits wide."""

from collections.abc import Sequence

import numpy as np
import torch

from vidrts.frame import PixelFormat


def clamped(planes: Sequence[torch.Tensor], fmt: PixelFormat) -> tuple[tuple[torch.Tensor, ...], int]:
    """The planes with no sample above `fmt.most`, and how many there were. Planes without any stay as they are."""
    if fmt.shift or fmt.floating or fmt.depth == 8 * fmt.sample_bytes:
        return tuple(planes), 0
    found, count = [], 0
    for plane in planes:
        samples = plane.numpy()
        if samples.max() > fmt.most:
            count += int(np.count_nonzero(samples > fmt.most))
            plane = torch.from_numpy(np.minimum(samples, samples.dtype.type(fmt.most)))
        found.append(plane)
    return tuple(found), count

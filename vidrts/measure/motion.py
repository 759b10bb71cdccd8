"""Flicker along motion: the frame-to-frame change that is left when each pixel is followed to where it went.

Where everything moves, `measure.flicker` has no pixel to look at. Here the motion is estimated on the source alone, and
the same motion is taken out of both videos.
"""

from itertools import pairwise

import cv2
import numpy as np
import torch

from vidrts.measure.flicker import STILL, Change

_AGREE = 0.5
"""Pixels by which the motion forth and back may miss the place it came from; more: occluded, or not found."""

type Field = cv2.typing.MatLike
"""(H, W, 2) displacements in pixels, x first."""


def motion_change(enhanced: torch.Tensor, source: torch.Tensor) -> Change:
    """The change along motion on all pixels that can be followed from a frame to the next.

    Both (T, H, W) luma in 0..1, T >= 2, same shape, at least 16x16. A ratio of 1 is no more change than in the source;
    `Change.ratio` raises ValueError where no pixel can be followed or none that can changes.

    Motion is dense optical flow of the source (OpenCV's DIS, Kroeger et al. 2016), forth and back; frame t + 1 is
    brought to frame t by Lanczos interpolation over 8x8 pixels. Left out are pixels where forth and back disagree,
    whose goal lies outside the picture, or around which (5x5) the source changes by `STILL` or more along the motion:
    occluded or not found. Interpolation between pixels leaves something of sharp detail in both sums, more of it in a
    sharper video: compare values with those of a plain sharpening filter of equal strength rather than with 1.
    """
    estimate = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    frames = [np.ascontiguousarray((f.clamp(0, 1) * 255).round().to(torch.uint8).numpy()) for f in source]
    still = np.zeros((*source.shape[1:], 2), dtype=np.float32)
    total = Change()
    for t, (one, two) in enumerate(pairwise(frames)):
        forth, back = estimate.calc(one, two, still.copy()), estimate.calc(two, one, still.copy())
        total += _along(forth, back, enhanced[t : t + 2], source[t : t + 2])
    return total


def _along(forth: Field, back: Field, enhanced: torch.Tensor, source: torch.Tensor) -> Change:
    """The change from one frame to the next; `enhanced`, `source`: (2, H, W)."""
    height, width = forth.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + forth[..., 0], rows + forth[..., 1]
    returned = forth + cv2.remap(back, x, y, cv2.INTER_LINEAR)
    followed = (np.hypot(returned[..., 0], returned[..., 1]) <= _AGREE) & (x >= 0) & (y >= 0)
    followed &= (x <= width - 1) & (y <= height - 1)
    changes = []
    for video in (enhanced, source):
        before, after = (v.float().numpy() for v in video)
        moved = cv2.remap(after, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        changes.append(np.abs(moved - before).astype(np.float64))
    followed &= cv2.blur(changes[1], (5, 5)) < STILL
    return Change(float(changes[0][followed].sum()), float(changes[1][followed].sum()))

"""Random pictures in FFmpeg's pixel formats, and the tags that say everything about them."""

import torch

from vidrts import colorplan
from vidrts.frame import ColorTags, pixel_format

SITES = {1: "left", 2: "center", 3: "topleft", 4: "top", 5: "bottomleft", 6: "bottom"}


def random_planes(name: str, width: int, height: int) -> list[torch.Tensor]:
    fmt = pixel_format(name)
    return [
        (torch.randint(0, 2**fmt.depth, fmt.plane_size(c, width, height)) << fmt.shift).to(fmt.dtype)
        for c in range(len(fmt.order))
    ]


def full_tags(name: str, **tags: int) -> ColorTags:
    return colorplan.assume(ColorTags(**tags), pixel_format(name), 576)[0]

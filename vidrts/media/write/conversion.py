"""Converting enhanced planes to a pixel format that does not hold the same picture (-pix_fmt).

By the colour conversion that the enhancer uses: FFmpeg's swscale takes white as 255 shifted up (1020 in 10 bit), gray
as full range, and RGB of limited range as full. Where the depth is lowered the result is dithered with an 8x8 Bayer
matrix, as swscale does.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from vidrts import color, colorplan
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import ColorTags, PixelFormat, matrix_by_height, matrix_name


class Conversion:
    """From planes of format `held`, of a source with these tags and this height, to planes of format `target`.

    `tags` of the result are in `color`. YUV becomes RGB of full range and RGB becomes YUV of limited range; everything
    else keeps its range. Raises `OptionError` between gray and colour, and for a matrix that cannot become RGB.
    """

    def __init__(self, held: PixelFormat, target: PixelFormat, tags: ColorTags, height: int):
        if "gray" in (held.model, target.model) and held.model != target.model:
            raise OptionError(f"-pix_fmt {target.name}: {held.name} cannot be converted between gray and colour")
        self._held, self._target = held, target
        known, _ = colorplan.assume(tags, held, height)
        subsampled = bool(target.log2_w or target.log2_h)
        self._through_rgb = held.model != target.model or (known.matrix == 0 and subsampled)
        if self._through_rgb and target.model == "rgb":
            self.color = made = replace(tags, matrix=0, range=2)
        elif self._through_rgb:
            matrix = tags.matrix if tags.matrix not in (0, 2, 3) else matrix_by_height(height)
            self.color = made = replace(tags, matrix=matrix, range=1, siting=1)
        else:
            self.color = replace(tags, siting=tags.siting or int(subsampled and not held.log2_w))
            known = made = replace(known, matrix=0 if known.matrix == 0 else 1, siting=known.siting or 1)
            if target.full_range and target.model == "yuv":  # yuvj
                self.color, made = replace(self.color, range=2), replace(made, range=2)
        try:
            self._from, self._to = colorplan.plan(known, held), colorplan.plan(made, target)
        except UnsupportedFormatError:
            raise OptionError(
                f"-pix_fmt {target.name}: colour matrix {matrix_name(known.matrix)} cannot be converted to RGB"
            ) from None

    def __call__(self, planes: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The planes of a frame as new ones, stored samples of the target."""
        count = 1 if self._held.model == "gray" else 3
        if self._through_rgb:
            units = color.components(color.to_rgb(planes, self._from).clamp_(0, 1), self._to)
        else:
            units = [self._resampled(planes, component) for component in range(count)]
        made = [self._stored(unit, self._to.scale[k > 0], self._to.offset[k > 0]) for k, unit in enumerate(units)]
        if self._target.alpha:
            if self._held.alpha:
                alpha = planes[count].float() / (self._held.most << self._held.shift)
            else:
                alpha = torch.ones(planes[0].shape)
            made.append(self._stored(alpha, self._target.most, 0))
        return tuple(made)

    def _resampled(self, planes: Sequence[torch.Tensor], component: int) -> torch.Tensor:
        """A component in units, at the target's size."""
        plane = color.unit(planes[component], self._from, int(component > 0))
        if component == 0 or self._held.model != "yuv":
            return plane
        subsampling = ((self._held.log2_h, self._target.log2_h), (self._held.log2_w, self._target.log2_w))
        for dim, (before, now) in enumerate(subsampling):
            if before > now:
                plane = color.linear_up(plane, self._from.site[1 - dim], planes[0].shape[dim], dim)
            elif now > before:
                plane = color.linear_down(plane.contiguous(), self._to.site[1 - dim], dim)
        return plane

    def _stored(self, unit: torch.Tensor, scale: float, offset: float) -> torch.Tensor:
        """A component as stored samples of the target, rounded once."""
        code = unit * scale + offset
        code += _bayer(*code.shape) if self._held.depth > self._target.depth else 0.5
        code.floor_().clamp_(0, self._target.most)
        return code.mul_(2**self._target.shift).to(self._target.dtype)


def _bayer(height: int, width: int) -> torch.Tensor:
    """(height, width) thresholds between 0 and 1, their mean one half."""
    matrix = torch.zeros(1, 1)
    for _ in range(3):
        matrix = torch.cat((torch.cat((4 * matrix, 4 * matrix + 2), 1), torch.cat((4 * matrix + 3, 4 * matrix + 1), 1)))
    return ((matrix + 0.5) / 64).repeat(-(-height // 8), -(-width // 8))[:height, :width]

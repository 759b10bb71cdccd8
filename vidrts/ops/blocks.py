"""Convolutions with few results a pixel, several pixels at a time: the same values in a part of the time on a CPU.

A vector holds 16 channels, so a convolution with three results a pixel takes as long as one with sixteen: a block of
neighbours is made channels of one strided convolution, whose kernel is larger by as many rows and columns. The weights
that fill it up are zero. A GPU's matrix products are wider still (there it has not been measured).
"""

import torch

type Block = tuple[int, int]
"""(rows, columns) of pixels that are computed as one."""


def block_for(results: int) -> Block:
    """The block that fills a vector, for a convolution with so many results a pixel; measured for 1, 3, 4 and 12."""
    return {1: (4, 4), 3: (5, 1), 4: (2, 2)}.get(results, (1, 1))


def rows_for(results: int) -> int:
    """The rows of a block of one column that fill a vector; for 3 what `block_for` has."""
    return max(1, 16 // results)


def by_blocks(weight: torch.Tensor, bias: torch.Tensor, block: Block) -> tuple[torch.Tensor, torch.Tensor]:
    """(O, I, k, k), (O,) -> (O*rows*columns, I, k + rows - 1, k + columns - 1) and its bias, for strides of `block`.

    Channel (o*rows + r)*columns + c is the pixel in row r and column c of each block.
    """
    rows, columns = block
    out, channels, height, width = weight.shape
    large = weight.new_zeros(out, rows, columns, channels, height + rows - 1, width + columns - 1)
    for row in range(rows):
        for column in range(columns):
            large[:, row, column, :, row : row + height, column : column + width] = weight
    return large.flatten(0, 2), bias.repeat_interleave(rows * columns)


def woven(y: torch.Tensor, block: Block) -> torch.Tensor:
    """(B, O*rows*columns, h, w), as such a convolution gives it, -> (B, O, rows*h, columns*w), copied once."""
    rows, columns = block
    batch, channels, height, width = y.shape
    pixels = y.view(batch, channels // (rows * columns), rows, columns, height, width).permute(0, 1, 4, 2, 5, 3)
    return pixels.reshape(batch, -1, height * rows, width * columns)

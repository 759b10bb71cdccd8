"""FFmpeg's sharpening filters on a picture (3, H, W) of R'G'B' in 0..1; clamped to 0..1."""

import torch

from vidrts.frame import pixel_format
from vidrts.measure.luma import luma
from vidrts.media.tools.image_filter import filter_picture


def ffmpeg_unsharp(picture: torch.Tensor, amount: float) -> torch.Tensor:
    """FFmpeg's unsharp with its default 5x5 matrix, on BT.709 luma at 16 bit; `amount` 0..5 is its luma_amount."""
    before = luma(picture)
    stored = (before * 65535).round().to(torch.uint16)
    grey = torch.full_like(stored, 32768)
    sharp, _, _ = filter_picture(
        (stored, grey, grey), pixel_format("yuv444p16le"), f"unsharp=luma_amount={amount:.6f}:chroma_amount=0"
    )
    return (picture + (sharp.float() / 65535 - before)).clamp_(0, 1)


def ffmpeg_cas(picture: torch.Tensor, strength: float) -> torch.Tensor:
    """FFmpeg's cas (contrast adaptive sharpening) on R'G'B' at 16 bit; `strength` 0..1, which still sharpens at 0."""
    planes = tuple((picture * 65535).round().to(torch.uint16))
    sharp = filter_picture(planes, pixel_format("gbrp16le"), f"cas=strength={strength:.6f}")
    return torch.stack([plane.float() / 65535 for plane in sharp])

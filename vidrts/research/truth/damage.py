"""The kinds of source that a clean clip is made into: blur, codecs and the like, through real encoders.

    for row in ROWS:
        planes = row.spoil(clip, seed=0)      # one (Y, Cb, Cr) for each frame

Blur, reduction and noise act on R'G'B'; what comes out is 4:2:0 of 8 bit, limited BT.709 with left siting. libx264's
decisions can differ from run to run (seen with sides that are no multiples of 128), which moves no mean here: an
experiment keeps its clips.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image

from vidrts import color
from vidrts.images import to_bytes, to_image
from vidrts.measure.separable import gaussian, separable
from vidrts.media.tools.codec_roundtrip import through_codec
from vidrts.ops.lanczos import halve
from vidrts.training.degradation.steps import Jpeg, video_plan

type Planes = tuple[torch.Tensor, ...]
Kind = Literal["sharp", "sharp coded", "soft", "soft coded", "enlarged", "blocks"]

SD = 720 * 576
"""Pixels of the picture that MPEG-2's bit rates are meant for: they are scaled to the clip's area."""
_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


@dataclass(frozen=True)
class Codec:
    """H.264 at a `crf` (libx264, preset medium), MPEG-2 at `megabits` a second (of `SD`), or JPEG at a quality."""

    crf: int | None = None
    megabits: float | None = None
    jpeg: int | None = None

    def __str__(self) -> str:
        if self.crf is not None:
            return f"H.264 crf {self.crf}"
        return f"JPEG {self.jpeg}" if self.jpeg is not None else f"MPEG-2 {self.megabits:g} Mbit/s"


@dataclass(frozen=True)
class Row:
    """One kind of source: what happens to a clean clip, in this order."""

    kind: Kind
    blur: float = 0.0
    """Sigma of a Gaussian, in pixels."""
    enlarged: str | None = None
    """bicubic or lanczos: reduced to half the size by Lanczos-3, stored at 8 bit, and enlarged by this (Pillow's)."""
    noise: float = 0.0
    """S.d. in code values of normal noise, on R', G' and B' each for itself."""
    codec: Codec | None = None

    @property
    def name(self) -> str:
        """As it stands in tables, and in the files of results."""
        parts = [f"blur {self.blur:g}"] if self.blur else []
        parts += [f"enlarged, {self.enlarged}"] if self.enlarged else []
        parts += [f"noise {self.noise:g}"] if self.noise else []
        parts += [str(self.codec)] if self.codec else []
        return " + ".join(parts if self.blur or self.enlarged else ["sharp", *parts])

    def spoil(self, clip: torch.Tensor, seed: int) -> list[Planes]:
        """The stored planes of each frame of a clean clip (T, 3, H, W) in 0..1; all chance comes from `seed`."""
        if self.blur:
            clip = blurred(clip, self.blur)
        if self.enlarged:
            clip = torch.stack([_enlarged(frame, _RESAMPLING[self.enlarged]) for frame in clip])
        if self.noise:
            normal = np.random.default_rng(seed).standard_normal(tuple(clip.shape), dtype=np.float32)
            clip = (clip + self.noise / 255 * torch.from_numpy(normal)).clamp(0, 1)
        if self.codec and self.codec.jpeg is not None:
            clip = torch.stack([_jpeg(frame, self.codec.jpeg) for frame in clip])
        frames = [stored(frame) for frame in clip]
        return _coded(frames, self.codec) if self.codec and self.codec.jpeg is None else frames


def _rows() -> tuple[Row, ...]:
    sharp = [Row("sharp"), *(Row("sharp coded", codec=Codec(crf=crf)) for crf in (18, 23, 28, 33))]
    soft = [Row("soft", blur=sigma) for sigma in (0.5, 0.8, 1.0, 1.2)]
    coded = [Row("soft coded", blur=s, codec=Codec(crf=crf)) for s in (0.5, 0.8, 1.2) for crf in (18, 23, 28, 33)]
    coded += [
        Row("soft coded", blur=0.8, codec=Codec(megabits=5)), Row("soft coded", blur=0.8, noise=5, codec=Codec(crf=23)),
    ]  # fmt: skip
    enlarged = [
        Row("enlarged", enlarged=kernel, codec=codec)
        for codec in (None, Codec(crf=23))
        for kernel in ("bicubic", "lanczos")
    ]
    blocks = [Row("blocks", codec=codec) for codec in (Codec(megabits=2), Codec(jpeg=20), Codec(crf=36))]
    return (*sharp, *soft, *coded, *enlarged, *blocks)


ROWS = _rows()
SHORT = tuple(row for row in ROWS if row.name in {
    "sharp", "sharp + H.264 crf 23", "sharp + H.264 crf 28", "blur 0.8", "blur 0.8 + H.264 crf 23",
    "blur 0.8 + MPEG-2 5 Mbit/s", "enlarged, bicubic", "sharp + JPEG 20",
})  # fmt: skip


def stored(frame: torch.Tensor) -> Planes:
    """(Y, Cb, Cr) uint8 of (3, H, W) R'G'B' in 0..1, both sides even, as `video_plan` has it."""
    return color.from_rgb(frame, video_plan())


def blurred(clip: torch.Tensor, sigma: float) -> torch.Tensor:
    """A Gaussian of `sigma` pixels over (T, C, H, W), edges replicated."""
    taps = gaussian(sigma, math.ceil(4 * sigma))
    return torch.stack([separable(frame, taps) for frame in clip])


def _enlarged(frame: torch.Tensor, kernel: Image.Resampling) -> torch.Tensor:
    half = to_image(halve(frame[None])[0])
    enlarged = np.array(half.resize((frame.shape[2], frame.shape[1]), kernel))
    return torch.from_numpy(enlarged).permute(2, 0, 1).float() / 255


def _jpeg(frame: torch.Tensor, quality: int) -> torch.Tensor:
    samples = torch.from_numpy(to_bytes(frame)).permute(2, 0, 1)
    return Jpeg(quality, quality).apply(samples, np.random.default_rng(0)).float() / 255


def _coded(frames: Sequence[Planes], codec: Codec) -> list[Planes]:
    height, width = frames[0][0].shape
    encoder, options = encoder_options(codec, height * width)
    decoded = through_codec(frames, video_plan().format, encoder, options)
    assert len(decoded) == len(frames), f"{codec}: {len(decoded)} frames of {len(frames)} came back"
    return decoded


def encoder_options(codec: Codec, pixels: int) -> tuple[str, Mapping[str, str]]:
    """FFmpeg's encoder for a codec and its options, for frames of so many pixels."""
    if codec.crf is not None:
        return "libx264", {"crf": str(codec.crf), "preset": "medium"}
    assert codec.megabits is not None
    rate = round(codec.megabits * 1e6 * pixels / SD)
    return "mpeg2video", {"b": str(rate), "maxrate": str(rate), "bufsize": str(rate // 2), "g": "12", "bf": "2"}

"""The single steps of a degradation: scaling down by 2, JPEG, noise, video codecs (specs/RTS.md sections 3 and 14).

Each takes a picture (3, H, W) uint8 R'G'B' and a random generator, and gives a picture of that kind; `scales` tells
whether it halves the size. `parse_step` makes one of its text, and `str` gives the text back.
"""

import io
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from PIL import Image

from vidrts import color, colorplan
from vidrts.errors import OptionError
from vidrts.frame import ColorTags, pixel_format
from vidrts.media.tools.codec_roundtrip import through_codec
from vidrts.ops.lanczos import KERNELS, Kernel, half_taps, halve
from vidrts.training.blur import Blur, Enlarged, Motion, Skewed


class Step(Protocol):
    """One step of a degradation."""

    @property
    def scales(self) -> bool:
        """Whether it halves width and height."""

    @property
    def softens(self) -> bool:
        """Whether it takes detail as a lens does: the same share of it everywhere."""

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """(3, H, W) uint8 -> (3, H, W) or (3, H/2, W/2) uint8; all chance comes from `rng`."""


@dataclass(frozen=True)
class Scale:
    """Antialiased scaling down by 2 with one of `KERNELS`: `triangle` is [1 3 3 1]/8."""

    kernel: Kernel
    scales = softens = True

    def __str__(self) -> str:
        return self.kernel

    @property
    def taps(self) -> torch.Tensor:
        """Of the low-pass along each axis, float64, sum 1."""
        return half_taps(self.kernel)

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        return _stored(halve(picture[None].float(), self.kernel)[0])


@dataclass(frozen=True)
class Gaussian:
    """Scaling down by 2 after a Gaussian of a sigma drawn from `low`..`high` HR pixels, phase-centred: a soft lens."""

    low: float
    high: float
    scales = softens = True

    def __post_init__(self) -> None:
        if not 0.3 <= self.low <= self.high <= 4:
            raise OptionError(f"{self}: expected a sigma of 0.3 to 4 pixels, or two, the lower one first")

    def __str__(self) -> str:
        return f"gaussian:{_span(self.low, self.high)}"

    @property
    def taps(self) -> torch.Tensor:
        """Of the low-pass along each axis, float64, sum 1; of the middle sigma."""
        return _gaussian_taps((self.low + self.high) / 2)

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        sigma = self.low if self.low == self.high else float(rng.uniform(self.low, self.high))
        taps = _gaussian_taps(sigma).float()
        spread = F.pad(picture[:, None].float(), (len(taps) // 2 - 1,) * 4, mode="replicate")
        spread = F.conv2d(spread, taps.view(1, 1, 1, -1), stride=(1, 2))
        return _stored(F.conv2d(spread, taps.view(1, 1, -1, 1), stride=(2, 1))[:, 0])


def _gaussian_taps(sigma: float) -> torch.Tensor:
    reach = math.ceil(3 * sigma)
    places = torch.arange(-reach, reach, dtype=torch.float64) + 0.5
    taps = torch.exp(-places.square() / (2 * sigma**2))
    return taps / taps.sum()


@dataclass(frozen=True)
class Unchanged:
    """Nothing: an alternative to a blur or a codec."""

    scales = softens = False

    def __str__(self) -> str:
        return "none"

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        return picture


@dataclass(frozen=True)
class Jpeg:
    """JPEG by libjpeg (Pillow) at a quality drawn uniformly from `low`..`high`, chroma "420" or "444"."""

    low: int
    high: int
    chroma: str = "420"
    scales = softens = False

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= 100 or self.chroma not in ("420", "444"):
            raise OptionError(f"{self}: wanted qualities 1 <= low <= high <= 100, and 420 or 444")

    def __str__(self) -> str:
        return f"jpeg:{_span(self.low, self.high)}" + (f":{self.chroma}" if self.chroma != "420" else "")

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        quality = int(rng.integers(self.low, self.high + 1))
        buffer = io.BytesIO()
        image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
        image.save(buffer, "JPEG", quality=quality, subsampling=2 if self.chroma == "420" else 0)
        buffer.seek(0)
        with Image.open(buffer) as decoded:
            return torch.from_numpy(np.array(decoded)).permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class Noise:
    """Noise as of a camera, normal, of a s.d. drawn from `low`..`high` code values at mid grey.

    In R'G'B', about the square root of light, the photons' noise is the same everywhere (two thirds of the variance
    at mid grey) and the read-out's falls with the square of the value: shadows are noisier, up to four times.
    """

    low: float
    high: float
    scales = softens = False

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 64:
            raise OptionError(f"{self}: wanted 0 <= low <= high <= 64 code values")

    def __str__(self) -> str:
        return f"noise:{_span(self.low, self.high)}"

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        strength = rng.uniform(self.low, self.high)
        coded = picture.float()
        read = (0.5 / (coded / 255).clamp_min(1 / 255)).square().clamp_max(46)
        spread = strength * torch.sqrt((2 + read) / 3)
        normal = torch.from_numpy(rng.standard_normal(tuple(picture.shape), dtype=np.float32))
        return _stored(coded + spread * normal)


_CODECS: Mapping[str, tuple[str, str, Callable[[int], dict[str, str]]]] = {
    "h264": ("libx264", "0-51", lambda q: {"crf": str(q), "preset": "veryfast"}),
    "hevc": ("libx265", "0-51", lambda q: {
        "crf": str(q), "preset": "veryfast", "x265-params": "log-level=none:pools=none:frame-threads=1",
    }),
    "mpeg2": ("mpeg2video", "1-31", lambda q: {"qmin": str(q), "qmax": str(q)}),
}  # fmt: skip
"""Name -> (encoder, range of its quality, options at a quality): crf for H.264 and HEVC, the quantiser for MPEG-2."""


@dataclass(frozen=True)
class Codec:
    """A video codec at a quality drawn from `low`..`high`, 4:2:0 limited BT.709 with left siting.

    The picture is coded as `frames` frames and the last one is taken: 1 gives an intra frame, 3 one that was predicted
    and refined as in a still shot. `pan`: most pixels a frame, in each direction, by which the frames before it are
    shifted: a moving camera, whose frames are predicted worse.
    """

    name: str
    low: int
    high: int
    frames: int = 3
    pan: int = 0
    scales = softens = False

    def __post_init__(self) -> None:
        least, most = map(int, _CODECS[self.name][1].split("-"))
        if not (least <= self.low <= self.high <= most and 1 <= self.frames <= 32 and 0 <= self.pan <= 16):
            raise OptionError(
                f"{self}: wanted qualities within {least}-{most}, 1 to 32 frames and a pan of 0 to 16 pixels"
            )

    def __str__(self) -> str:
        text = f"{self.name}:{_span(self.low, self.high)}"
        if self.pan:
            return f"{text}:{self.frames}:{self.pan}"
        return text + (f":{self.frames}" if self.frames != 3 else "")

    def __call__(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - Step's
        quality = int(rng.integers(self.low, self.high + 1))
        encoder, _, options = _CODECS[self.name]
        plan = video_plan()
        rows, columns = picture.shape[1:]
        # An encoder of 4:2:0 takes even sizes alone.
        picture = F.pad(picture.float(), (0, columns % 2, 0, rows % 2), mode="replicate").to(torch.uint8)
        clip = [color.from_rgb(picture.float() / 255, plan)] * self.frames
        if self.pan:
            across, down = rng.uniform(-self.pan, self.pan, 2)
            for back in range(1, self.frames):
                moved = _shifted(picture, back * across, back * down)
                clip[-1 - back] = color.from_rgb(moved.float() / 255, plan)
        decoded = through_codec(clip, plan.format, encoder, options(quality))[-1]
        return _stored(color.to_rgb(decoded, plan) * 255)[:, :rows, :columns]


def _shifted(picture: torch.Tensor, across: float, down: float) -> torch.Tensor:
    """(3, H, W) uint8, moved by so many pixels (Lanczos), edges replicated."""
    samples = picture.permute(1, 2, 0).contiguous().numpy()
    matrix = np.array([[1, 0, across], [0, 1, down]], dtype=np.float64)
    moved = cv2.warpAffine(
        samples, matrix, samples.shape[1::-1], flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )
    return torch.from_numpy(moved).permute(2, 0, 1)


@cache
def video_plan() -> colorplan.ColorPlan:
    """How pictures are stored for a codec: yuv420p, limited BT.709, left siting."""
    return colorplan.plan(ColorTags(matrix=1, range=1, siting=1), pixel_format("yuv420p"))


_SOFT = {step.name: step for step in (Blur, Skewed, Motion, Enlarged)}


def parse_step(text: str) -> Step:
    """The step that `text` names: `triangle`, `gaussian:1.2`, `jpeg:30-95`, `noise:0-3`, `h264:18-36` and so on.

    Raises `OptionError`.
    """
    name, *arguments = text.strip().split(":")
    try:
        if name in KERNELS and not arguments:
            return Scale(name)
        if name == "none" and not arguments:
            return Unchanged()
        if name == "gaussian" and len(arguments) == 1:
            return Gaussian(*map(float, _ends(arguments[0])))
        if name in _SOFT and len(arguments) == 1:
            return _SOFT[name](*map(float, _ends(arguments[0])))
        if name == "jpeg" and 1 <= len(arguments) <= 2:
            low, high = map(int, _ends(arguments[0]))
            return Jpeg(low, high, *arguments[1:])
        if name == "noise" and len(arguments) == 1:
            return Noise(*map(float, _ends(arguments[0])))
        if name in _CODECS and 1 <= len(arguments) <= 3:
            return Codec(name, *map(int, _ends(arguments[0])), *map(int, arguments[1:]))
    except ValueError:
        pass
    raise OptionError(
        f"degradation step {text.strip()[:40]!r}: wanted {', '.join(KERNELS)}, gaussian:SIGMA, none, "
        f"{', '.join(f'{name}:LOW-HIGH' for name in _SOFT)}, jpeg:LOW-HIGH[:444], noise:LOW-HIGH, or "
        f"{', '.join(_CODECS)} with :LOW-HIGH[:FRAMES[:PAN]]"
    )


def _ends(text: str) -> tuple[str, str]:
    """Both ends of "LOW-HIGH", or one value twice."""
    match = re.fullmatch(r"([\d.]+)(?:-([\d.]+))?", text)
    if not match:
        raise ValueError(text)
    return match[1], match[2] or match[1]


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def _stored(picture: torch.Tensor) -> torch.Tensor:
    """Rounded and clamped to uint8."""
    return picture.round().clamp_(0, 255).to(torch.uint8)

"""Steps of a degradation: scaling down by 2, JPEG, noise, video codecs."""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

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
from vidrts.training.degradation.step import PureStep, StepKind, drawn, ends, span, stored


@dataclass(frozen=True)
class Scale(PureStep):
    """Antialiased scaling down by 2 with one of `KERNELS`: `triangle` is [1 3 3 1]/8."""

    kernel: Kernel
    scales = softens = True

    def __str__(self) -> str:
        return self.kernel

    @property
    def taps(self) -> torch.Tensor:
        """Of the low-pass along each axis, float64, sum 1."""
        return half_taps(self.kernel)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        return stored(halve(picture[None].float(), self.kernel)[0])


@dataclass(frozen=True)
class Gaussian(PureStep):
    """Scaling down by 2 after a Gaussian of a sigma drawn from `low`..`high` HR pixels, phase-centred: a soft lens."""

    low: float
    high: float
    scales = softens = True

    def __post_init__(self) -> None:
        if not 0.3 <= self.low <= self.high <= 4:
            raise OptionError(f"{self}: expected a sigma of 0.3 to 4 pixels, or two, the lower one first")

    def __str__(self) -> str:
        return f"gaussian:{span(self.low, self.high)}"

    @property
    def taps(self) -> torch.Tensor:
        """Of the low-pass along each axis, float64, sum 1; of the middle sigma."""
        return _gaussian_taps((self.low + self.high) / 2)

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        sigma = self.low if self.low == self.high else float(rng.uniform(self.low, self.high))
        taps = _gaussian_taps(sigma).float()
        spread = F.pad(picture[:, None].float(), (len(taps) // 2 - 1,) * 4, mode="replicate")
        spread = F.conv2d(spread, taps.view(1, 1, 1, -1), stride=(1, 2))
        return stored(F.conv2d(spread, taps.view(1, 1, -1, 1), stride=(2, 1))[:, 0])


def _gaussian_taps(sigma: float) -> torch.Tensor:
    reach = math.ceil(3 * sigma)
    places = torch.arange(-reach, reach, dtype=torch.float64) + 0.5
    taps = torch.exp(-places.square() / (2 * sigma**2))
    return taps / taps.sum()


@dataclass(frozen=True)
class Unchanged(PureStep):
    """Nothing: an alternative to a blur or a codec."""

    def __str__(self) -> str:
        return "none"

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        return picture


@dataclass(frozen=True)
class Jpeg(PureStep):
    """JPEG by libjpeg (Pillow) at a quality drawn uniformly from `low`..`high`, chroma "420" or "444"."""

    low: int
    high: int
    chroma: str = "420"

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= 100 or self.chroma not in ("420", "444"):
            raise OptionError(f"{self}: expected qualities 1 <= low <= high <= 100, and 420 or 444")

    def __str__(self) -> str:
        return f"jpeg:{span(self.low, self.high)}" + (f":{self.chroma}" if self.chroma != "420" else "")

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        quality = int(rng.integers(self.low, self.high + 1))
        buffer = io.BytesIO()
        image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
        image.save(buffer, "JPEG", quality=quality, subsampling=2 if self.chroma == "420" else 0)
        buffer.seek(0)
        with Image.open(buffer) as decoded:
            return torch.from_numpy(np.array(decoded)).permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class Noise(PureStep):
    """Noise as of a camera, normal, of a s.d. drawn from `low`..`high` code values at mid grey.

    In R'G'B', about the square root of light, the photons' noise is the same everywhere (two thirds of the variance
    at mid grey) and the read-out's falls with the square of the value: shadows are noisier, up to four times.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 64:
            raise OptionError(f"{self}: expected 0 <= low <= high <= 64 code values")

    def __str__(self) -> str:
        return f"noise:{span(self.low, self.high)}"

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
        strength = rng.uniform(self.low, self.high)
        coded = picture.float()
        read = (0.5 / (coded / 255).clamp_min(1 / 255)).square().clamp_max(46)
        spread = strength * torch.sqrt((2 + read) / 3)
        normal = torch.from_numpy(rng.standard_normal(tuple(picture.shape), dtype=np.float32))
        return stored(coded + spread * normal)


_CODECS: Mapping[str, tuple[str, str, Callable[[int], dict[str, str]]]] = {
    "h264": ("libx264", "0-51", lambda q: {"crf": str(q), "preset": "veryfast"}),
    "hevc": ("libx265", "0-51", lambda q: {
        "crf": str(q), "preset": "veryfast", "x265-params": "log-level=none:pools=none:frame-threads=1",
    }),
    "mpeg2": ("mpeg2video", "1-31", lambda q: {"qmin": str(q), "qmax": str(q)}),
}  # fmt: skip
"""Name -> (encoder, range of its quality, options at a quality): crf for H.264 and HEVC, the quantiser for MPEG-2."""


@dataclass(frozen=True)
class Codec(PureStep):
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

    def __post_init__(self) -> None:
        least, most = map(int, _CODECS[self.name][1].split("-"))
        if not (least <= self.low <= self.high <= most and 1 <= self.frames <= 32 and 0 <= self.pan <= 16):
            raise OptionError(
                f"{self}: expected qualities within {least}-{most}, 1 to 32 frames and a pan of 0 to 16 pixels"
            )

    def __str__(self) -> str:
        text = f"{self.name}:{span(self.low, self.high)}"
        if self.pan:
            return f"{text}:{self.frames}:{self.pan}"
        return text + (f":{self.frames}" if self.frames != 3 else "")

    def apply(self, picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:  # noqa: D102 - PureStep's
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
        return stored(color.to_rgb(decoded, plan) * 255)[:, :rows, :columns]


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


def _codec(name: str, quality: str, *more: str) -> Codec:
    return Codec(name, *map(int, ends(quality)), *map(int, more))


_REDUCED = {
    "box": "the mean of 2x2 pixels",
    "triangle": "the antialiased triangle [1 3 3 1]/8",
    "cubic": "an antialiased cubic (a = -0.5, 8 taps)",
    "lanczos": "antialiased Lanczos-3 (12 taps)",
}
_CODED = {"h264": "H.264 at this crf", "hevc": "HEVC at this crf", "mpeg2": "MPEG-2 at this quantiser"}
KINDS = (
    *(StepKind(name, "", f"Scales down by 2 with {_REDUCED[name]}.", partial(Scale, name)) for name in KERNELS),
    StepKind("gaussian", "LOW-HIGH", "Scales down by 2 after a Gaussian of this sigma in pixels.", drawn(Gaussian)),
    StepKind("none", "", "Leaves the picture as it is.", Unchanged),
    StepKind("jpeg", "LOW-HIGH[:444]", "JPEG at this quality, 4:2:0 unless 4:4:4 is named.", drawn(Jpeg, int)),
    StepKind("noise", "LOW-HIGH", "Camera noise of this s.d. in code values at mid grey.", drawn(Noise)),
    *(
        StepKind(
            name,
            "LOW-HIGH[:FRAMES[:PAN]]",
            f"{about}: the last of FRAMES (3) of a still shot, or of one that moves by up to PAN pixels a frame.",
            partial(_codec, name),
        )
        for name, about in _CODED.items()
    ),
)

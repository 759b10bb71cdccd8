"""How pictures are enhanced: `EnhancerOptions`. Loads without torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from vidrts.checks import check, check_name, is_integer, is_real
from vidrts.networks.spec import FACTORS

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16", "fp16", "int8")
EngineName = Literal["auto", "torch", "openvino"]
"""auto, or a file of `picture/engines`. auto prefers the later of those that compute on the device."""
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
Chroma = Literal["keep", "sharpen"]
CHROMA: tuple[Chroma, ...] = ("keep", "sharpen")
NoiseKind = Literal["constant", "static"]
NOISES: tuple[NoiseKind, ...] = ("constant", "static")
"""Of the maps of networks that take noise. constant: one value everywhere, which does what noise does. static: normal
noise that belongs to places, the same in every frame."""
SMALLEST = 16
"""Pixels; the smallest width and height that are enhanced."""


@dataclass(frozen=True, kw_only=True)
class EnhancerOptions:
    """How pictures are enhanced. Checked when made; raises `OptionError`."""

    scale: int = 1
    """1, 2, 4 or 8, as the model offers. 1 is the source's size: what a same-size network gives, d(SR(x)) of one that
    doubles; the others are SR(x)."""
    strength: float = 1.0
    """x + strength * (d(SR(x)) - x), 0..2: 1 is the natural setting, 2 for more, 0.5 for less. 0 gives the source bit
    for bit (at other scales than 1 enlarged by Lanczos)."""
    chroma: Chroma = "keep"
    """keep: only luma changes, chroma is the source's (at other scales than 1 enlarged by Lanczos); R', G' and B'
    change alike. sharpen: the network's chroma is written, too."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N; a `Workers` also takes several GPUs, cuda:0,cuda:1."""
    precision: Precision = "auto"
    """Of the residual branch: auto (bf16 where the device computes it natively), fp32, bf16, fp16, int8 (CPU alone)."""
    engine: EngineName = "auto"
    """What computes the residual branch: auto (OpenVINO on a CPU, torch elsewhere), torch, openvino."""
    tile: tuple[int, int] | Literal["auto", "none"] = "auto"
    """(width, height) in pixels, "none" for whole pictures."""
    batch: int = 0
    """Tiles per pass; 0 = as the device likes. Does not change the result."""
    detail: float | None = None
    """Of networks that take noise, at other scales than 1: from 0, faithful, to 1, all the detail that the model was
    calibrated for (`calibration`). None is 0."""
    noise: NoiseKind = "constant"
    """See `NOISES`."""
    noise_amplitude: float | None = None
    """W itself, 0..1, instead of `detail`."""
    noise_seed: int = 0
    """Of networks that take noise: a place in the picture gets the same noise with the same seed."""

    def __post_init__(self) -> None:
        check("scale", self.scale, "1, 2, 4 or 8", is_integer(self.scale) and self.scale in FACTORS)
        check("strength", self.strength, "0 to 2", is_real(self.strength) and 0 <= self.strength <= 2)
        check_name("chroma", self.chroma, CHROMA)
        check_name("precision", self.precision, PRECISIONS)
        check_name("engine", self.engine, ENGINES)
        check("device", self.device, "auto, cpu, cuda or cuda:N", isinstance(self.device, str))
        sides: tuple[object, ...] = self.tile if isinstance(self.tile, tuple) else ()
        pair = len(sides) == 2 and all(is_integer(side) and side >= SMALLEST for side in sides)  # type: ignore[operator]
        word = isinstance(self.tile, str) and self.tile in ("auto", "none")
        check("tile", self.tile, f"auto, none or (width, height), at least {SMALLEST}x{SMALLEST}", pair or word)
        check("batch", self.batch, "0 (automatic) to 1024", is_integer(self.batch) and 0 <= self.batch <= 1024)
        for name, amount in (("detail", self.detail), ("noise_amplitude", self.noise_amplitude)):
            check(name, amount, "0 to 1, or None", amount is None or (is_real(amount) and 0 <= amount <= 1))
        alone = self.detail is None or self.noise_amplitude is None
        check("noise_amplitude", self.noise_amplitude, "None beside detail", alone)
        check_name("noise", self.noise, NOISES)
        seed = is_integer(self.noise_seed) and 0 <= self.noise_seed < 2**32
        check("noise_seed", self.noise_seed, "a whole number from 0 to 4294967295", seed)

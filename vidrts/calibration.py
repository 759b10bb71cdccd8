"""What a user's --detail means for a model: the amplitude W of its noise that makes so large a part of the change.

Networks answer to W each in its own way: one has changed all it will at 0.06, another at 0.3. So g(W), the RMS of what
W changes over that at full W, is measured once for a model, and detail D stands for the W at which g is D.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vidrts.errors import ModelError, OptionError
from vidrts.images import read_photo
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network
from vidrts.ops.lanczos import halve
from vidrts.picture.device import pick_device
from vidrts.picture.tiled_upscaler import TiledUpscaler

STEPS = 20
"""Of detail from 0 to 1, in a model's table."""
_AMPLITUDES = tuple(10 ** (k / 5) for k in range(-15, 1))
"""At which a model is measured, beside 0: 0.001 to 1."""
_LEAST = 0.05
"""Code values RMS that full W must change."""
_LARGEST = 512
"""Side of the middle of a picture that is looked at."""
_SHAVED = 4
"""Pixels of the result at each border that RMSE leaves out, as the PIRM challenge does."""
_HALVINGS = 8
"""Of the interval in which the W of a limit lies."""

type Table = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Calibration:
    """What was found."""

    table: Table
    """(detail, W), both rising from 0; the last detail is 1."""
    rmse: tuple[float, float] | None
    """RMSE of luma in 8-bit code values at detail 0 and 1 over the pictures given; None without pictures."""


def calibrate(
    model: LoadedModel,
    pictures: Sequence[Path] = (),
    *,
    scale: int = 2,
    limit: float | None = None,
    device: str = "auto",
    on_step: Callable[[int], None] = lambda done: None,
) -> Calibration:
    """The table of a model that takes noise, on these pictures or, without any, on one of a natural spectrum.

    A picture is scaled down by bicubic, its middle of at most 512 pixels, and enlarged by `scale`, the noise constant.
    limit: RMSE of luma (BT.709, 8-bit code values, over all pictures) that detail 1 is to meet: it then stands for the
    largest W up to which the limit holds. Raises `OptionError` for a model or scale that has no such table, for a limit
    without pictures or one that W = 0 misses, `ModelError` for a network that noise does not change.
    """
    spec = model.network.spec
    if not spec.noise:
        raise OptionError(f"{model.title}: its network has no noise input, so there is no detail to calibrate")
    if scale not in spec.reach:
        raise OptionError(f"{model.title}: expected scale {' or '.join(map(str, spec.reach))}, got {scale}")
    if limit is not None and not pictures:
        raise OptionError("rmse: expected pictures to measure it on")
    truths = [_middle(read_photo(path), path, scale) for path in pictures] or [_natural()]
    measure = _Measure(model.network, truths, scale, device, on_step)
    largest = 1.0 if limit is None else _largest(model, measure, limit)
    points = [0.0, *(w for w in _AMPLITUDES if w < largest), largest]
    changes = [measure.change(w) for w in points]
    if changes[-1] * 255 < _LEAST:
        raise ModelError(
            f"{model.title}: noise of W = {largest:.3g} changes {255 * changes[-1]:.3f} code values RMS, expected at "
            f"least {_LEAST}: nothing to calibrate"
        )
    table = inverse(points, [change / changes[-1] for change in changes])
    return Calibration(table, (measure.rmse(0), measure.rmse(largest)) if pictures else None)


def inverse(points: Sequence[float], parts: Sequence[float]) -> Table:
    """Detail -> W from W -> part of the change, both from 0 on, the last part 1: the least W of each detail.

    Linear between points. Where a part falls again, what it had reached before holds.
    """
    table = [(0.0, 0.0)]
    for k in range(1, STEPS + 1):
        detail = k / STEPS
        at = next(i for i, part in enumerate(parts) if part >= detail)
        reached = max(parts[:at])
        share = (detail - reached) / (parts[at] - reached)
        table.append((detail, points[at - 1] + share * (points[at] - points[at - 1])))
    return tuple(table)


def with_table(model: LoadedModel, table: Table) -> LoadedModel:
    """The same model, calibrated."""
    return replace(model, info=replace(model.info, detail=table))


class _Measure:
    """Enlarges the pictures with any W, once for each."""

    def __init__(
        self, network: Network, truths: Sequence[torch.Tensor], scale: int, device: str, on_step: Callable[[int], None]
    ) -> None:
        self._network, self._truths, self._scale = network, truths, scale
        self._device = pick_device(device)
        self._on_step = on_step
        self._low = [_down(truth, scale) for truth in truths]
        self._made: dict[float, list[torch.Tensor]] = {}

    def change(self, amplitude: float) -> float:
        """RMS by which this W changes R'G'B' in 0..1."""
        pairs = zip(self._results(amplitude), self._results(0), strict=True)
        return _rms([(a - b).flatten() for a, b in pairs])

    def rmse(self, amplitude: float) -> float:
        """RMSE of luma to the truths, in code values: the root of the mean of the pictures' MSEs."""
        s = _SHAVED
        errors = [
            (luma(made.clamp(0, 1)) - luma(truth))[s:-s, s:-s]
            for made, truth in zip(self._results(amplitude), self._truths, strict=True)
        ]
        return 255 * math.sqrt(sum(float(error.double().square().mean()) for error in errors) / len(errors))

    def _results(self, amplitude: float) -> list[torch.Tensor]:
        if amplitude not in self._made:
            upscaler = TiledUpscaler(
                self._network, self._device, torch.float32, scale=self._scale, amplitude=amplitude, noise="constant"
            )
            self._made[amplitude] = [upscaler(low[None].to(self._device))[0].cpu() for low in self._low]
            self._on_step(len(self._made))
        return self._made[amplitude]


def _largest(model: LoadedModel, measure: _Measure, limit: float) -> float:
    """The largest W up to which the limit holds."""
    if (least := measure.rmse(0)) > limit:
        raise OptionError(f"rmse {limit:g}: expected at least {least:.3f}, what {model.title} has at W = 0 here")
    low = 0.0
    for high in _AMPLITUDES:
        if measure.rmse(high) > limit:
            break
        low = high
    else:
        return 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if measure.rmse(middle) <= limit else (low, middle)
    if low == 0:
        raise OptionError(f"rmse {limit:g}: no W above 0 meets it here; W = 0 has {least:.3f}")
    return low


def _down(picture: torch.Tensor, scale: int) -> torch.Tensor:
    """(3, H, W) -> (3, H / scale, W / scale) by bicubic, in halvings, rounded to 8 bits as a file would be."""
    small = picture[None]
    for _ in range(scale.bit_length() - 1):
        small = halve(small, "cubic")
    return (small[0].clamp(0, 1) * 255).round() / 255


def _middle(picture: torch.Tensor, path: Path, scale: int) -> torch.Tensor:
    """At most `_LARGEST` pixels of each side, a multiple of the scale."""
    height, width = (min(side, _LARGEST) // scale * scale for side in picture.shape[1:])
    if min(height, width) < 16 * scale:
        raise OptionError(f"{path}: expected at least {16 * scale}x{16 * scale} pixels for scale {scale}")
    y, x = ((side - kept) // 2 for side, kept in zip(picture.shape[1:], (height, width), strict=True))
    return picture[:, y : y + height, x : x + width]


def _natural(side: int = 128) -> torch.Tensor:
    """(3, side, side): amplitudes fall as 1/f, as photographs' do; phases are random, colours weak."""
    noise = torch.randn(3, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows, columns = torch.fft.fftfreq(side, dtype=torch.float64), torch.fft.rfftfreq(side, dtype=torch.float64)
    radius = torch.hypot(rows[:, None], columns[None]).clamp(min=1 / side)
    pink = torch.fft.irfft2(torch.fft.rfft2(noise) / radius, s=(side, side))
    pink = pink / pink.std()
    picture: torch.Tensor = 0.5 + 0.18 * pink[:1] + 0.04 * pink
    return picture.clamp(0, 1).float()


def _rms(differences: Sequence[torch.Tensor]) -> float:
    return float(torch.cat(list(differences)).double().square().mean().sqrt())

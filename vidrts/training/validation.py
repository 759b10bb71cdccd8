"""What is measured after each stage, on photographs that no crop has touched: the paper's Tables 1 and 2, and more.

Pictures are R'G'B' in 0..1, HR_n clamped. Every value is the mean over the photographs on which it is defined.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from PIL import Image

from vidrts.measure import difference as dr
from vidrts.measure.color_difference import mean_ciede2000
from vidrts.measure.color_shift import flat_shift
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.luma import luma
from vidrts.measure.nan_mean import mean, or_nan
from vidrts.measure.registry import METRICS, MOS, VIQET
from vidrts.measure.sharpening_filters import equal_amount, unsharp
from vidrts.measure.sharpness import flat_noise_gain, overshoot, radial_gain
from vidrts.measure.viqet import measure_many
from vidrts.networks.network import Network
from vidrts.ops.lanczos import enlarge, halve
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation

_VIQET_LEAST = 80
"""Pixels of the shorter side of a picture that VIQET measures."""
GAIN_AT = 0.35
"""Cycles per pixel about where edge and texture acutance look."""
_BLUE_SIDE = 768
"""Pixels of the square on which b is made: it has no tiles."""
_SHOWN, _EXAMPLE = 4, 96
"""Photographs of which an example is kept, and its side in pixels."""

type Measures = dict[str, float]


class Validation:
    """Measures one stage after the other; holds HR_{n-1}, and the unsharp mask repeated as often, of each photograph.

    `examples`: a folder for a crop of some photographs at each stage, to look at. `viqet`: measure VIQET's set too,
    which takes a second or two of a processor for each picture. `luma`: the loss looks at luma alone, so that luma's
    change alone makes SR_n and HR_n (`enhanced_rgb`), and what the paper says of R'G'B' inside the network is left out.
    Of a network that does not enlarge there is no SR_n.
    """

    def __init__(
        self,
        photographs: Sequence[Path],
        degradation: Degradation,
        device: torch.device,
        examples: Path,
        *,
        viqet: bool = True,
        luma: bool = False,
    ) -> None:
        self._viqet = viqet
        self._luma = luma
        self._device = device
        self._originals = [read_picture(path) for path in photographs]
        self._low = [degradation(original, seed) for seed, original in enumerate(self._originals)]
        self._before = [_unit(original) for original in self._originals]
        self._raised = [enlarge(_unit(low)[None], 2)[0] for low in self._low]
        """U(LR), which no stage changes."""
        self._back = [halve(enlarge(original[None], 2))[0] for original in self._before]
        """d(U(HR0)), likewise."""
        self._masked = list(self._before)
        self._amounts: list[float] = []
        self._examples = examples

    def start(self) -> Measures:
        """The measures of HR0 and LR (brought back to size by Lanczos), which stand above those of stage 1.

        null_ratio: the difference ratio of d(U(HR0)), which is what Lanczos there and back alone changes.
        psnr_lanczos_to_hr0: that of U(LR), in dB.
        """
        doubled = [raised.clamp(0, 1) for raised in self._raised]
        self._keep("LR", doubled)
        self._keep("HR0", self._before)
        rows = [
            {"null_ratio": dr.difference_ratio(back, original), "psnr_lanczos_to_hr0": psnr(low, original)}
            for back, low, original in zip(self._back, doubled, self._before, strict=True)
        ]
        return {
            **_means(rows),
            **self._scores(self._before),
            **{f"lr_{name}": value for name, value in self._scores(doubled).items()},
        }

    def after(self, network: Network, stage: int) -> Measures:
        """The measures of SR_n and HR_n; then HR_n is what the next stage is held against."""
        enhance = TiledUpscaler(network, self._device, torch.float32, luma=self._luma)
        double = (
            TiledUpscaler(network, self._device, torch.float32, luma=self._luma, scale=2)
            if 2 in network.spec.scales else None
        )  # fmt: skip
        rows, pictures, masks, curves = [], [], [], []
        for k, (low, original, before) in enumerate(zip(self._low, self._originals, self._before, strict=True)):
            small, truth = _unit(low), _unit(original)
            inside: Measures = {}
            if self._luma:
                enhanced = enhanced_rgb(enhance, truth[None])[0].cpu()
                raised = None if double is None else enhanced_rgb(double, small[None])[0].cpu()
            else:
                raw = enhance(truth[None].to(self._device))[0].cpu()
                enhanced = raw.clamp(0, 1)
                raised = None if double is None else double(small[None].to(self._device))[0].cpu()
                if raised is not None:
                    inside = {
                        **alpha(raw - self._back[k], raised - self._raised[k]),
                        **_blue(network, truth.to(self._device), raw),
                    }
            mask = self._mask(k, enhanced, truth)
            frequencies, gains = radial_gain(enhanced, truth)
            at = min(range(len(frequencies)), key=lambda k: abs(frequencies[k] - GAIN_AT))
            rows.append({
                **({} if raised is None else _of_lr(raised.clamp(0, 1), truth, before)),
                "difference_ratio": dr.difference_ratio(enhanced, truth),
                "delta_scalar": dr.delta_scalar(enhanced, before, truth),
                "step_ratio": dr.step_ratio(enhanced, before),
                "mean_difference": dr.mean_difference(enhanced, truth),
                "rms_difference": dr.rms_difference(enhanced, truth),
                "gain_at_0.35": gains[at],
                "ciede2000": mean_ciede2000(enhanced, truth),
                "flat_noise": or_nan(flat_noise_gain, enhanced, truth),
                "overshoot": or_nan(overshoot, enhanced, truth),
                "usm_difference_ratio": dr.difference_ratio(mask, truth),
                "usm_step_ratio": dr.step_ratio(mask, self._masked[k]),
                **inside,
            })  # fmt: skip
            pictures.append(enhanced)
            masks.append(mask)
            curves.append(gains)
        self._before, self._masked = pictures, masks
        self._keep(f"HR{stage}", pictures)
        return {
            **_means(rows),
            **({"alpha_sd": float(np.std([row["alpha"] for row in rows]))} if "alpha" in rows[0] else {}),
            "flat_shift": flat_shift(lambda flats: enhanced_rgb(enhance, flats), self._device),
            **self._scores(pictures),
            **{f"gain_{f:.3f}": float(g) for f, g in zip(frequencies, np.mean(curves, axis=0), strict=True)},
        }

    def pass_over(self, network: Network) -> None:
        """Go on as after `after`, for a stage that was measured in an earlier part of the run."""
        enhance = TiledUpscaler(network, self._device, torch.float32, luma=self._luma)
        pictures = [enhanced_rgb(enhance, _unit(o)[None])[0].cpu() for o in self._originals]
        self._masked = [self._mask(k, p, _unit(self._originals[k])) for k, p in enumerate(pictures)]
        self._before = pictures

    def _mask(self, index: int, enhanced: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """The unsharp mask once more; its amount is such that once changes as much as stage 1."""
        if len(self._amounts) == index:
            self._amounts.append(equal_amount(truth, dr.difference_ratio(enhanced, truth)))
        return unsharp(self._masked[index], self._amounts[index])

    def _scores(self, pictures: Sequence[torch.Tensor]) -> Measures:
        return _viqet(pictures) if self._viqet else {}

    def _keep(self, version: str, pictures: Sequence[torch.Tensor]) -> None:
        """Examples, as PNG: of each of the first photographs the place with most detail."""
        self._examples.mkdir(parents=True, exist_ok=True)
        for k, picture in enumerate(pictures[:_SHOWN]):
            y, x, side = _busiest(_unit(self._originals[k]))
            Image.fromarray(_bytes(picture[:, y : y + side, x : x + side])).save(
                self._examples / f"{k + 1}-{version}.png"
            )


def _of_lr(predicted: torch.Tensor, truth: torch.Tensor, target: torch.Tensor) -> Measures:
    """Of SR_n(LR), against HR0 and HR_{n-1}."""
    return {
        "psnr_lr_to_hr0": psnr(predicted, truth), "psnr_lr_to_target": psnr(predicted, target),
        "ssim_lr_to_hr0": ssim(luma(predicted), luma(truth)),
        "ssim_lr_to_target": ssim(luma(predicted), luma(target)),
    }  # fmt: skip


def alpha(reduced: torch.Tensor, residual: torch.Tensor) -> Measures:
    """alpha of the paper's eq. 11, D(R(y)) ~ alpha R(x), by least squares, and how it fits.

    reduced: D(R(y)), what SR adds to HR0 beyond Lanczos, scaled down by d. residual: R(x), what it adds to LR, at the
    size of y. Both (3, H, W). alpha_correlation is 1 where the two are proportional. 0 for a network that adds nothing.
    """
    a, b = reduced.double(), residual.double()
    both, energy = float((a * b).sum()), float((b * b).sum())
    scale = math.sqrt(float((a * a).sum()) * energy)
    return {"alpha": both / energy if energy else 0.0, "alpha_correlation": both / scale if scale else 0.0}


def _blue(network: Network, picture: torch.Tensor, enhanced: torch.Tensor) -> Measures:
    """How far the layer at input size, b, is from d(s), of which the paper says that they agree.

    Over the middle of the picture (3, H, W), where no padding reaches: difference ratio in percent. Nothing for a
    network without such a layer.
    """
    residual = network.residual_form
    if residual is None:
        return {}
    _, height, width = picture.shape
    sides = [min(_BLUE_SIDE, size) for size in (height, width)]
    y, x = ((size - side) // 2 for size, side in zip((height, width), sides, strict=True))
    margin = residual.radius
    if min(sides) <= 2 * margin:
        return {}
    part = picture[:, y : y + sides[0], x : x + sides[1]]
    with torch.no_grad():
        blue = (part + residual.residual(part[None])[0]).cpu()[:, margin:-margin, margin:-margin]
    same = enhanced[:, y + margin : y + sides[0] - margin, x + margin : x + sides[1] - margin]
    return {"blue_difference": or_nan(dr.difference_ratio, blue, same)}


def _means(rows: Sequence[Mapping[str, float]]) -> Measures:
    """Means over the rows in which a value is finite; what is nowhere finite is left out."""
    means = {name: mean(row[name] for row in rows) for name in rows[0]}
    return {name: value for name, value in means.items() if math.isfinite(value)}


def _viqet(pictures: Sequence[torch.Tensor]) -> Measures:
    """MOS (of VIQET Preview 1 day) and `VIQET`, each of the pictures that are large enough for it."""
    large = [picture for picture in pictures if min(picture.shape[1:]) >= _VIQET_LEAST]
    rows = []
    # A pool of processes takes longer to start than some few pictures take.
    measured = measure_many((_bytes(p) for p in large), workers=1 if len(large) < 16 else None)
    for picture, scores in zip(large, measured, strict=True):
        columns = scores.columns()
        values = {metric.key: columns[metric.key] for metric in VIQET}
        mos = scores.mos if min(picture.shape[1:]) >= MOS.smallest else math.nan
        rows.append({"mos": mos, **{k: math.nan if v is None else v for k, v in values.items()}})
    return _means(rows) if rows else {}


def _busiest(picture: torch.Tensor) -> tuple[int, int, int]:
    """(y, x, side) of the square with most detail."""
    side = min(_EXAMPLE, *picture.shape[1:])
    plane = luma(picture)[None, None]
    detail = F.avg_pool2d((plane - F.avg_pool2d(plane, 5, 1, 2)).abs(), side, stride=8)[0, 0]
    y, x = divmod(int(detail.argmax()), detail.shape[1])
    return 8 * y, 8 * x, side


def _unit(picture: torch.Tensor) -> torch.Tensor:
    return picture.float() / 255


def _bytes(picture: torch.Tensor) -> np.ndarray:
    """(H, W, 3) uint8 of (3, H, W) in 0..1."""
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


_SUMMARY = (
    "psnr_lr_to_hr0", "difference_ratio", "delta_scalar", "step_ratio", "mos", "gain_at_0.35", "alpha", "ciede2000",
    "flat_noise", "overshoot", "flat_shift",
)  # fmt: skip


def summary(stage: int, measures: Mapping[str, float]) -> str:
    """One line for people: what a stage did."""
    parts = (f"{METRICS[key].name} {METRICS[key].text(measures[key])}" for key in _SUMMARY if key in measures)
    return f"stage {stage}: {', '.join(parts)}"

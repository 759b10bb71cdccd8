"""A result against its source: the measures of two pictures, and those that two videos have besides.

tally = TwoSided()
tally.add_picture(source, result)
tally.values()["ssim"]
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from vidrts.compare.frames import to_rgb
from vidrts.measure.color_difference import mean_ciede2000
from vidrts.measure.difference import difference_ratio, mean_difference, rms_difference
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.flicker import Change, still_change
from vidrts.measure.luma import luma
from vidrts.measure.motion import motion_change
from vidrts.measure.sharpness import flat_noise_gain, overshoot
from vidrts.media.read.sampling import Pair
from vidrts.media.tools.vmaf import filter_scores
from vidrts.ops.lanczos import enlarge

PICTURE: Mapping[str, Callable[[torch.Tensor, torch.Tensor], float]] = {
    "difference_ratio": difference_ratio,
    "mean_difference": mean_difference,
    "rms_difference": rms_difference,
    "psnr_rgb": psnr,
    "psnr_y": lambda result, source: psnr(luma(result), luma(source)),
    "ssim": lambda result, source: ssim(luma(result), luma(source)),
    "ciede2000": mean_ciede2000,
    "overshoot": overshoot,
    "noise_gain": flat_noise_gain,
}
"""Key -> the measure of (result, source), both (3, H, W) R'G'B' in 0..1; each is documented where it is defined."""

VIDEO = ("flicker", "motion_flicker", "vmaf", "vmaf_neg", "xpsnr")
"""What videos have besides: `measure.flicker`, `measure.motion`, `media.tools.vmaf`."""

KEYS = (*PICTURE, *VIDEO)

WINDOW = 5
"""Consecutive frames at each moment of a video."""

_DECIBELS = {"psnr_rgb": 10.0, "psnr_y": 10.0, "xpsnr": 20.0}
"""Measures in dB, by their factor before log10: of an error's mean square, and for XPSNR as FFmpeg pools it."""


class TwoSided:
    """Gathers the measures of a file over its frames."""

    def __init__(self) -> None:
        self._why: dict[str, str] = {}
        self._values: dict[str, list[float]] = {key: [] for key in KEYS}
        self._still = Change()
        self._moving = Change()
        self._windows = 0

    def add_picture(self, source: torch.Tensor, result: torch.Tensor, *, sdr: bool = True) -> None:
        """Two pictures, (3, H, W) R'G'B' in 0..1; a source half as large is enlarged. `sdr`: read as sRGB."""
        source = enlarged(source, result)
        for key, measure in PICTURE.items():
            if key == "ciede2000" and not sdr:
                continue
            try:
                self._values[key].append(measure(result, source))
            except ValueError as error:
                self._why[key] = str(error)

    def add_moment(self, pair: Pair) -> None:
        """A moment of two videos: its first frames as pictures, the window for what changes from frame to frame."""
        self._windows += 1
        first = pair.source[0]
        if first.color.hdr:
            self._why["ciede2000"] = f"{first.color.hdr} is not sRGB"
        self.add_picture(to_rgb(first), to_rgb(pair.result[0]), sdr=first.color.hdr is None)
        if len(pair.source) > 1:
            made = [to_rgb(frame) for frame in pair.result]
            before = torch.stack([luma(enlarged(to_rgb(a), b)) for a, b in zip(pair.source, made, strict=True)])
            after = torch.stack([luma(b) for b in made])
            self._still += still_change(after, before)
            self._moving += motion_change(after, before)
        scores = filter_scores(pair.source, pair.result)
        for key, values in scores.frames.items():
            self._values[key] += values
        self._why |= scores.missing

    def values(self) -> dict[str, float | None]:
        """The means over all frames, by `KEYS`; None where a measure is not defined, or infinite.

        PSNR is that of the mean square error of all frames, flicker that of all windows together.
        """
        found = {key: pooled(values, _DECIBELS.get(key)) for key, values in self._values.items()}
        for key, change in (("flicker", self._still), ("motion_flicker", self._moving)):
            found[key] = change.ratio if change.source else None
        return found

    def missing(self) -> dict[str, str]:
        """Why measures are None, by key; measures that pictures do not have are not among them."""
        equal = {key: "infinite, the two are equal" for key in _DECIBELS if self._values[key]}
        still = dict.fromkeys(("flicker", "motion_flicker"), "no pixel of the source that could be compared changes")
        known = equal | (still if self._windows else {}) | self._why
        return {key: known[key] for key, value in self.values().items() if value is None and key in known}


def enlarged(source: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """(3, H, W) `source` in 0..1 at the size of `result`: as it is, or Lanczos-enlarged."""
    factor = result.shape[-1] // source.shape[-1]
    return source if factor == 1 else enlarge(source[None], factor)[0].clamp(0, 1)


def pooled(values: Sequence[float], decibels: float | None = None) -> float | None:
    """The mean of the values that are numbers; None where there is none, or where it is infinite.

    `decibels`: the mean of the errors that so many times log10 has made of decibels, in decibels.
    """
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return None
    if decibels is None:
        mean = math.fsum(known) / len(known)
        return mean if math.isfinite(mean) else None
    error = math.fsum(10 ** (-value / decibels) for value in known) / len(known)
    return -decibels * math.log10(error) if error else None

"""Every metric once: what it is called, what it means, how it is printed and what takes it.

`vidrts score` and `vidrts compare`, validation, run reports, model cards and research all read this list. A new metric
is one entry here and one function: in this package for pictures and planes, in `media.tools.filter_metrics` for what
FFmpeg's filters measure.
"""

from collections.abc import Mapping
from dataclasses import replace

from vidrts.measure.color_difference import color_shift, mean_ciede2000
from vidrts.measure.difference import difference_ratio, mean_difference, rms_difference
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.flicker import still_change
from vidrts.measure.metric import Metric
from vidrts.measure.motion import motion_change
from vidrts.measure.sharpness import block_borders, edge_gain, flat_noise_gain, overshoot
from vidrts.measure.ssimulacra2 import ssimulacra2
from vidrts.measure.viqet import DEFAULT_MODEL, MODELS

_NOISE = Metric(
    key="noise_gain", name="Flat-area noise", unit="×", kind="pair", measure=flat_noise_gain, better="lower",
    same=1.0, tolerance=0.03, smallest=16, headline=True,
    meaning="Deviation in the flattest tenth of all blocks, over that of the source.",
)  # fmt: skip
MOS = Metric(
    key="mos", name=f"MOS ({MODELS[DEFAULT_MODEL].title})", kind="viqet", digits=3, better="higher", alone=True,
    sdr=True, smallest=576, scale=(1.0, 4.5), tolerance=0.02, headline=True,
    meaning="Mean opinion score from 1 to 4.5 by this model of VIQET, of the source and of the result.",
)  # fmt: skip
"""VIQET enlarges small pictures to its monitor of 1920x1200, where blurred edges say little of the picture.

Measured on 12 photographs of 2k and 5 of Kodak, scaled down by Lanczos, as they are, blurred (sigma 1) and noisy (sigma
8 of 255), by `python -m vidrts.research.mos_sizes PHOTO...`. By the shorter side, before the MOS is limited to 1..4.5:

- 1080 to 576: plain pictures 1.4 to 3.4, each at least 0.39 above its blurred version as shown (limited);
- 540 and 512: 1 of 7 and 5 of 10 plain pictures end at 1.000, and with them their blurred versions;
- 400 and 300: 10 and 9 of 10 plain pictures above 1 again, higher than the same pictures at 512: the value follows the
  factor of enlargement;
- 240 and 160: 19 of 20 plain pictures end at 1.000; 5 of 20 blurred versions get 2.3 to 2.7.

Noise costs 0.9 at most and at 1080 raises some scores: whether a picture is noisy the MOS hardly tells.
"""
COMPARED = (
    Metric(
        key="difference_ratio", name="Difference ratio", unit="%", kind="pair", measure=difference_ratio, headline=True,
        meaning="Sum of all differences over the sum of the source's values: how much was changed.",
    ),
    Metric(
        key="mean_difference", name="Mean difference", unit="%", kind="pair", measure=mean_difference, detail=True,
        meaning="Mean absolute difference from the source, in percent of full scale.",
    ),
    Metric(
        key="rms_difference", name="RMS difference", unit="%", kind="pair", measure=rms_difference, detail=True,
        meaning="Root mean square of the differences over the source's mean value.",
    ),
    Metric(
        key="flicker", name="Flicker", unit="×", kind="sequence", measure=still_change, better="lower", same=1.0,
        tolerance=0.03, headline=True,
        meaning="Change from frame to frame where the source stands still, over that of the source.",
    ),
    Metric(
        key="motion_flicker", name="Flicker along motion", unit="×", kind="sequence", measure=motion_change,
        better="lower", same=1.0, tolerance=0.03, smallest=16,
        meaning="The same for what moves, followed from frame to frame; sharper pictures have a little more of it.",
    ),
    Metric(
        key="edge_gain", name="Edge steepness", unit="×", kind="pair", measure=edge_gain, same=1.0, tolerance=0.02,
        smallest=8, headline=True,
        meaning="Slope of luma across the steepest edges, over that of the source; above 1: sharper.",
    ),
    _NOISE,
    Metric(
        key="overshoot", name="Overshoot", unit="%", kind="pair", measure=overshoot, better="lower", same=0.0,
        tolerance=0.5, headline=True,
        meaning="How far edges go beyond the source's own range around them (halos), in percent of their height.",
    ),
    MOS,
    Metric(
        key="cambi", name="Banding (CAMBI)", kind="filter", better="lower", alone=True, sdr=True, smallest=216,
        tolerance=0.1,
        meaning="Netflix's measure of visible steps in smooth areas: 0 is none, from about 5 on they are annoying.",
    ),
    Metric(
        key="ssimulacra2", name="SSIMULACRA2", kind="pair", measure=ssimulacra2, digits=1, better="higher", sdr=True,
        smallest=8, package="ssimulacra2",
        meaning="Likeness to the source as people see it: 100 the same, 90 no visible difference, 30 low quality.",
    ),
    Metric(
        key="ciede2000", name="Colour difference", unit="ΔE", kind="pair", measure=mean_ciede2000, better="lower",
        sdr=True,
        meaning="Mean CIEDE2000; differences of about 1 are just seen side by side.",
    ),
    Metric(
        key="color_shift", name="Colour shift", unit="ΔE", kind="pair", measure=color_shift, better="lower", same=0.0,
        tolerance=0.5, sdr=True, smallest=16, headline=True,
        meaning="Mean CIEDE2000 of the means of 16x16 blocks, which neither detail nor noise changes.",
    ),
    Metric(
        key="psnr_rgb", name="PSNR", unit="dB", kind="pair", measure=psnr, better="higher", decibels=10,
        meaning="Fidelity to the source over R'G'B'; the more is changed, the lower it is.",
    ),
    Metric(
        key="psnr_y", name="PSNR-Y", unit="dB", kind="luma", measure=psnr, better="higher", decibels=10,
        meaning="PSNR of luma alone.",
    ),
    Metric(
        key="ssim", name="SSIM", kind="luma", measure=ssim, digits=4, better="higher", smallest=11,
        meaning="Structural similarity of luma to that of the source; 1 where they are equal.",
    ),
    Metric(
        key="vmaf", name="VMAF", kind="filter", digits=1, better="higher", sdr=True,
        meaning="Netflix's quality of video from 0 to 100 against the source; sharpening raises it.",
    ),
    Metric(
        key="vmaf_neg", name="VMAF NEG", kind="filter", digits=1, better="higher", sdr=True,
        meaning="VMAF that gives nothing for mere sharpening.",
    ),
    Metric(
        key="xpsnr", name="XPSNR", unit="dB", kind="filter", better="higher", decibels=20,
        meaning="PSNR of luma, weighted by how visible errors are in each block.",
    ),
)  # fmt: skip
"""What `vidrts score` and `vidrts compare` take, in the order in which they print it."""

VIQET = tuple(
    Metric(key=key, name=name, unit=unit, kind="viqet", digits=1, alone=True, meaning=meaning)
    for key, name, unit, meaning in (
        ("resolution_mp", "Resolution", "MP", "Megapixels of the picture."),
        ("edge_acutance", "Edge acutance", "", "High frequencies on edges, in percent of a good photograph's."),
        ("noise_signature_index", "Noise signature", "", "Fine grain, in percent of a good photograph's."),
        ("texture_acutance", "Texture acutance", "", "Middle and high frequencies, in percent of a good photograph's."),
        ("saturation", "Saturation", "", "Mean saturation, in percent of a good photograph's."),
        ("color_warmth", "Warmth", "", "Mean colour temperature, in percent of a good photograph's."),
        ("illumination", "Illumination", "", "Contrast times brightness, in percent of a good photograph's."),
        ("dynamic_range", "Dynamic range", "", "How evenly grey levels are used, in percent of a good photograph's."),
        ("over_exposed_pct", "Over-exposed", "%", "Share of the picture that is clipped white."),
        ("under_exposed_pct", "Under-exposed", "%", "Share of the picture that is clipped black."),
    )
)
"""VIQET's columns of the paper's Table 2, in its order."""

_TRAINING = (
    replace(_NOISE, key="flat_noise", kind="reported"),
    Metric(
        key="psnr_lr_to_hr0", name="PSNR of SR(LR) to HR0", unit="dB", kind="reported", better="higher", decibels=10,
        meaning="The enlarged LR against the photograph.",
    ),
    Metric(
        key="psnr_lanczos_to_hr0", name="PSNR of Lanczos to HR0", unit="dB", kind="reported", better="higher",
        decibels=10, meaning="LR enlarged by Lanczos against the photograph.",
    ),
    Metric(
        key="psnr_lr_to_target", name="PSNR of SR(LR) to its target", unit="dB", kind="reported", better="higher",
        decibels=10, meaning="The enlarged LR against the picture that the stage was trained on.",
    ),
    Metric(
        key="ssim_lr_to_hr0", name="SSIM of SR(LR) to HR0", kind="reported", digits=4, better="higher",
        meaning="The enlarged LR against the photograph.",
    ),
    Metric(
        key="ssim_lr_to_target", name="SSIM of SR(LR) to its target", kind="reported", digits=4, better="higher",
        meaning="The enlarged LR against the picture that the stage was trained on.",
    ),
    Metric(
        key="delta_scalar", name="Delta", unit="points", kind="reported", signed=True,
        meaning="Difference ratio from HR0, less that of the stage before.",
    ),
    Metric(
        key="step_ratio", name="Difference ratio from the stage before", unit="%", kind="reported",
        meaning="How far a stage moved from the one before.",
    ),
    Metric(
        key="null_ratio", name="Difference ratio of Lanczos there and back", unit="%", kind="reported",
        meaning="What d(U(HR0)) alone changes.",
    ),
    Metric(
        key="usm_difference_ratio", name="Difference ratio of an unsharp mask", unit="%", kind="reported",
        meaning="An unsharp mask that starts with the same change, repeated.",
    ),
    Metric(
        key="usm_step_ratio", name="Difference ratio of an unsharp mask from the one before", unit="%", kind="reported",
        meaning="How far one more unsharp mask moved.",
    ),
    Metric(
        key="gain_at_0.35", name="Gain at 0.35", kind="reported",
        meaning="Amplitude at 0.35 cycles per pixel over that of the photograph.",
    ),
    Metric(
        key="alpha", name="Alpha", kind="reported", digits=3, meaning="alpha of the paper's eq. 11, by least squares."
    ),
    Metric(
        key="alpha_correlation", name="Correlation", kind="reported",
        meaning="How well D(R(y)) and R(x) are proportional at all.",
    ),
    Metric(
        key="blue_difference", name="d(s) - b", unit="%", kind="reported",
        meaning="Difference ratio of the network's layer at input size and HR_n.",
    ),
    Metric(
        key="flat_shift", name="Shift of flat colours", kind="reported", better="lower",
        meaning="Greatest change of a channel over 27 flat colours, in code values of 8 bit.",
    ),
    Metric(
        key="block_borders", name="Block borders", kind="reported", measure=block_borders, digits=3, better="lower",
        meaning="Steps of luma across borders of 8x8 blocks over those within; 1 where none is seen.",
    ),
)  # fmt: skip
"""What training and research measure besides."""

METRICS: Mapping[str, Metric] = {metric.key: metric for metric in (*COMPARED, *VIQET, *_TRAINING)}
"""Every metric by its key."""

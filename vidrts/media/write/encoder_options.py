"""The options that an encoder is opened with, checked first: FFmpeg reports most mistakes as "Invalid argument"."""

import re
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av

from vidrts.errors import OptionError
from vidrts.media.write.encoders import QSCALE_2, Encoder

_X26_PRESETS = "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo".split()
NAMED_VALUES = {
    ("libx264", "preset"): _X26_PRESETS,
    ("libx264rgb", "preset"): _X26_PRESETS,
    ("libx265", "preset"): _X26_PRESETS,
    ("libx264", "tune"): "film animation grain stillimage psnr ssim fastdecode zerolatency touhou".split(),
    ("libx264rgb", "tune"): "film animation grain stillimage psnr ssim fastdecode zerolatency touhou".split(),
    ("libx265", "tune"): "psnr ssim grain fastdecode zerolatency animation vmaf".split(),
}
"""Values of options that FFmpeg passes on to the library as text, and so cannot list."""

_ALTERNATIVES = {
    ("libvpx-vp9", "preset"): "-e cpu-used=0 (slow) to 5 (fast) sets its speed",
    ("libvpx-vp9", "tune"): "",
    ("prores_ks", "preset"): "-e profile=proxy|lt|standard|hq|4444|4444xq sets its quality",
    ("libsvtav1", "tune"): "-e svtav1-params=tune=0 (the eye) or tune=1 (PSNR) sets it",
}
_GREATEST_QP = 51
"""The range of x264's and x265's crf is theirs, not FFmpeg's, and what lies outside is clipped silently."""

_MOST_SLICES = 64
"""More slices make the file larger and encoding no faster."""


def encoder_options(
    encoder: Encoder,
    *,
    crf: float | None,
    bit_rate: int | None,
    preset: str | None,
    tune: str | None,
    params: list[str],
    extra: Mapping[str, str],
) -> dict[str, str]:
    """The options that an encoder is opened with: defaults, then what was asked, then -e key=value.

    `params` go into the encoder library's own parameter string; those of `extra` follow, so that they win. Raises
    `OptionError` for a quality, bit rate, preset or tuning that the encoder does not have, and for what is given twice.
    """
    options = dict(encoder.options)
    codec = av.Codec(encoder.name, "w")
    known = {o.name: o for o in codec.create("video").supported_options.private}
    _check_twice(encoder, crf=crf, bit_rate=bit_rate, preset=preset, tune=tune, extra=extra)
    if crf is not None:
        if encoder.quality is None:
            raise OptionError(f"-crf: not supported by {encoder.name} (default: {encoder.default_quality})")
        _check_number(f"-crf {crf:g}", encoder.name, crf, known[encoder.quality])
        options[encoder.quality] = f"{crf:g}"
    elif bit_rate is not None or "b" in extra:
        if (codec.lossless and not codec.lossy) or encoder.name.startswith("prores"):
            raise OptionError(f"-b:v: not supported by {encoder.name} ({encoder.default_quality})")
        for key in ("crf", "cq", *QSCALE_2):
            options.pop(key, None)
    for key, value in (("preset", preset), ("tune", tune)):
        if value is not None:
            if key not in known:
                instead = _ALTERNATIVES.get((encoder.name, key))
                raise OptionError(f"-{key}: not supported by {encoder.name}{'; ' + instead if instead else ''}")
            options[key] = value
            _check_value(f"-{key} {value}", encoder.name, value, known[key])
        elif key in extra and key in known:
            _check_value(f"-e {key}={extra[key]}", encoder.name, extra[key], known[key])
    if "qp" in extra:
        options.pop("crf", None)
    own = [*([encoder.quiet] if encoder.quiet else []), *params]
    if "flags" in extra and "flags" in options:
        extra = {**extra, "flags": options["flags"] + extra["flags"]}
    options.update(extra)
    if encoder.params is not None:
        text = ":".join([*own, *([extra[encoder.params]] if encoder.params in extra else [])])
        if text:
            options[encoder.params] = text
    return options


def fitting_slices(
    encoder: Encoder, options: Mapping[str, str], size: tuple[int, int], pixel_format: str
) -> str | None:
    """The count of slices nearest to that of `options` with which the encoder opens for this size; None: its own.

    FFV1 takes a count only where it can cut the picture in so many: where no slice begins within a chroma sample (odd
    sizes in 4:2:0 and 4:2:2), has none at all (small ones) or is too large (8K of 16 bit).
    """
    asked = int(options["slices"])
    for count in sorted(range(1, _MOST_SLICES + 1), key=lambda n: (abs(n - asked), -n)):
        context = av.Codec(encoder.name, "w").create("video")
        context.width, context.height = size
        context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
        context.options = {**options, "slices": str(count)}
        with suppress(av.FFmpegError):
            context.open()
            return str(count)
    return None


def _check_twice(
    encoder: Encoder, *, crf: float | None, bit_rate: int | None, preset: str | None, tune: str | None,
    extra: Mapping[str, str],
) -> None:  # fmt: skip
    """Reject what is given both by its own option and by -e, and a quality with a bit rate."""
    asked: dict[str, tuple[str, object]] = {
        "preset": ("-preset", preset),
        "tune": ("-tune", tune),
        "b": ("-b:v", bit_rate),
    }
    if encoder.quality is not None:
        asked[encoder.quality] = ("-crf", crf)
    for key, (option, value) in asked.items():
        if value is not None and key in extra:
            raise OptionError(f"{option} and -e {key}={extra[key]} set the same option; give one of them")
    if crf is not None and "b" in extra:
        raise OptionError(f"-crf and -e b={extra['b']} are mutually exclusive")


def _check_number(given: str, encoder: str, value: float, option: Any) -> None:
    """Reject a quality outside the encoder's range, which would be clipped silently."""
    least, greatest = max(0.0, option.min), min(option.max, _GREATEST_QP if "x26" in encoder else option.max)
    fractional = option.type.name != "FLOAT" and value != int(value)
    if fractional or not least <= value <= greatest:
        kind = "a number" if option.type.name == "FLOAT" else "an integer"
        raise OptionError(f"{given}: expected {kind} from {least:g} to {greatest:g} for {encoder}")


def _check_value(given: str, encoder: str, value: str, option: Any) -> None:
    """Reject an unknown preset or tuning, and list the known ones."""
    key = option.name
    names = NAMED_VALUES.get((encoder, key)) or [choice.name for choice in option.choices or ()]
    if names:
        parts = re.split(r"[,./+-]", value) if key == "tune" and encoder.startswith("libx264") else [value]
        numbered = key == "preset" and value.isdigit() and int(value) < len(names)
        if encoder.startswith("libx264"):
            parts = [part.lower() for part in parts]
        if not numbered and not set(parts) <= set(names):
            raise OptionError(f"{given}: expected one of {', '.join(names)} for {encoder}")
    elif option.type.name == "INT" and not (re.fullmatch(r"-?\d+", value) and option.min <= int(value) <= option.max):
        raise OptionError(f"{given}: expected a number from {option.min:g} to {option.max:g} for {encoder}")

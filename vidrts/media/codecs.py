"""Encoders: their quality by default, which one a source gets, and the options that they are opened with.

`ENCODERS` is the one table of defaults; the command line prints it in its help.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import av

from vidrts.errors import OptionError, OutputError
from vidrts.frame import PIXEL_FORMATS, PixelFormat
from vidrts.media.containers import OutputFormat

os.environ.setdefault("SVT_LOG", "0")  # SVT-AV1 prints its settings to stderr otherwise; 0: only what is fatal


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """An encoder and what "visually lossless" means for it."""

    name: str
    """FFmpeg's name."""
    quality: str | None
    """The option that -crf sets; None where there is no such thing."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Used where the person says nothing."""
    params: str | None = None
    """The option that holds the encoder library's own parameters, key=value separated by colons."""
    quiet: str | None = None
    """The own parameter that keeps the library from printing."""
    says: str
    """The quality in words, for the help."""
    captions: bool = False
    """Writes A53 closed captions that travel with the frames."""
    rate_based: bool = False
    """Its clock is the frame rate: timestamps finer than that cannot be kept."""


_QSCALE_2 = {"flags": "+qscale", "global_quality": str(2 * 118)}  # FF_QP2LAMBDA = 118
_TABLE = (
    Encoder(name="libx264", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            says="crf 16, preset medium", captions=True),
    Encoder(name="libx264rgb", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            says="crf 16, preset medium", captions=True),
    Encoder(name="libx265", quality="crf", options={"crf": "18", "preset": "medium", "a53cc": "1"},
            params="x265-params", quiet="log-level=none", says="crf 18, preset medium", captions=True),
    Encoder(name="libsvtav1", quality="crf", options={"crf": "20", "preset": "6"}, params="svtav1-params",
            says="crf 20, preset 6"),
    Encoder(name="libvpx-vp9", quality="crf", options={"crf": "20", "deadline": "good", "cpu-used": "2", "row-mt": "1"},
            says="crf 20, cpu-used 2"),
    Encoder(name="ffv1", quality=None, options={"level": "3", "slicecrc": "1", "slices": "16", "g": "1"},
            says="lossless"),
    Encoder(name="prores_ks", quality=None, options={"profile": "hq"}, says="profile hq"),
    Encoder(name="h264_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, says="cq 18, preset p5",
            captions=True),
    Encoder(name="hevc_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, says="cq 18, preset p5",
            captions=True),
    Encoder(name="av1_nvenc", quality="cq", options={"cq": "22", "preset": "p5"}, says="cq 22, preset p5"),
    Encoder(name="mpeg2video", quality=None, options=_QSCALE_2, says="qscale 2", captions=True,
            rate_based=True),
    Encoder(name="mpeg4", quality=None, options=_QSCALE_2, says="qscale 2", rate_based=True),
)  # fmt: skip
ENCODERS: dict[str, Encoder] = {encoder.name: encoder for encoder in _TABLE}

_MPEGTS_VIDEO = ("h264", "hevc", "mpeg2video", "mpeg4")
"""What players find in MPEG-TS; the muxer takes every other codec as private data."""

_FAMILIES = {"h264": "libx264", "hevc": "libx265", "vp9": "libsvtav1", "av1": "libsvtav1"}
_ALIASES = {"h264": "libx264", "x264": "libx264", "hevc": "libx265", "h265": "libx265", "x265": "libx265",
            "av1": "libsvtav1", "svtav1": "libsvtav1", "vp9": "libvpx-vp9", "prores": "prores_ks"}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """An encoder together with the pixel format that it is given."""

    encoder: Encoder
    format: PixelFormat


def candidates(source_codec: str, fmt: PixelFormat, container: OutputFormat) -> list[Choice]:
    """The encoders to try by default, in order: source's family, libx265, ffv1; webm's own in webm.

    Only those that the container allows and that hold the picture's model, depth, subsampling and alpha. Raises
    `OutputError` that names what could be done where there is none.
    """
    order = [_FAMILIES.get(source_codec, "libx264"), "libx265", "ffv1"]
    order += [name for name in container.encoders if container.name == "webm"]
    found = []
    for name in dict.fromkeys(order):
        if name in container.encoders and (held := held_as(name, fmt)) is not None:
            found.append(Choice(ENCODERS[name], held))
    if not found:
        choices = [name for name in ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1")
                   if held_as(name, fmt) is not None]  # fmt: skip
        raise OutputError(
            f"no encoder for {container.name} holds {fmt.name} without loss: {', '.join(choices) or 'none'} would "
            f"(-c:v, in mkv); or give a pixel format that {' or '.join(container.encoders)} has (-pix_fmt)"
        )
    return found


def for_format(source_codec: str, wanted: str, container: OutputFormat) -> list[Choice]:
    """The encoders of the default order that take the format that -pix_fmt names."""
    order = [_FAMILIES.get(source_codec, "libx264"), "libx265", "libsvtav1", "ffv1", *container.encoders]
    found = [
        Choice(ENCODERS[name], PIXEL_FORMATS[wanted])
        for name in dict.fromkeys(order)
        if name in container.encoders and wanted in PIXEL_FORMATS and wanted in _formats(name)
    ]
    if not found:
        raise OptionError(f"-pix_fmt {wanted}: none of {', '.join(container.encoders)} takes it in {container.name}")
    return found


def named(codec: str, fmt: PixelFormat, wanted: str | None, container: OutputFormat) -> list[Choice]:
    """The encoder that -c:v names, with the format -pix_fmt names or one that holds the source's picture."""
    name = _ALIASES.get(codec, codec)
    if codec == "copy":
        raise OptionError("-c:v copy: the enhanced stream is encoded anew; name an encoder, for example libx264")
    try:
        opened = av.Codec(name, "w")
    except (ValueError, av.FFmpegError):
        opened = None
    if opened is None or opened.type != "video":
        raise OutputError(f"-c:v {codec}: no such video encoder; there are {', '.join(ENCODERS)}")
    if container.muxer == "mpegts" and opened.canonical_name not in _MPEGTS_VIDEO:
        raise OutputError(f"-c:v {codec}: ts cannot hold it; it holds {', '.join(_MPEGTS_VIDEO)}, or choose .mkv")
    encoder = ENCODERS.get(name) or Encoder(name=name, quality=None, says="the encoder's own")
    if wanted is not None:
        return [Choice(encoder, explicit(name, wanted))]
    held = held_as(name, fmt)
    if held is None:
        raise OutputError(
            f"-c:v {codec}: {name} does not hold {fmt.name} without loss; it takes {', '.join(_formats(name))} "
            "(-pix_fmt converts), or leave the choice to vidrts"
        )
    return [Choice(encoder, held)]


def explicit(encoder: str, wanted: str) -> PixelFormat:
    """The format that -pix_fmt names, which `encoder` must take."""
    if wanted not in PIXEL_FORMATS or wanted not in _formats(encoder):
        choices = [name for name in _formats(encoder) if name in PIXEL_FORMATS]
        raise OptionError(f"-pix_fmt {wanted}: {encoder} takes {', '.join(choices)}")
    return PIXEL_FORMATS[wanted]


def held_as(encoder: str, fmt: PixelFormat) -> PixelFormat | None:
    """The format in which an encoder holds a picture of format `fmt` without loss; None if it cannot.

    yuvj formats become their plain twins, whose range is a tag; among equals planar ones come first.
    """
    fits = [PIXEL_FORMATS[name] for name in _formats(encoder) if name in PIXEL_FORMATS]
    fits = [f for f in fits if f.samples == fmt.samples and not f.name.startswith("yuvj")]
    return min(fits, key=lambda f: (f.name != fmt.name, f.layout != "planar"), default=None)


def _formats(encoder: str) -> list[str]:
    """Names of the pixel formats that an encoder takes."""
    return [f.name for f in av.Codec(encoder, "w").video_formats or ()]


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
    `OptionError` for a quality or preset that the encoder does not have.
    """
    options = dict(encoder.options)
    known = {o.name for o in av.Codec(encoder.name, "w").create("video").supported_options.private}
    if crf is not None:
        if encoder.quality is None:
            raise OptionError(f"-crf: {encoder.name} has no such quality ({encoder.says} by default)")
        options[encoder.quality] = f"{crf:g}"
    elif bit_rate is not None or "b" in extra:
        for key in ("crf", "cq", *_QSCALE_2):
            options.pop(key, None)
    for key, value in (("preset", preset), ("tune", tune)):
        if value is not None:
            if key not in known:
                raise OptionError(f"-{key}: {encoder.name} has no {key}")
            options[key] = value
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

"""Which encoder a source gets, and in which pixel format."""

import os
from dataclasses import dataclass

import av

from vidrts.errors import OptionError, OutputError
from vidrts.frame import PIXEL_FORMATS, PixelFormat
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write.encoders import ENCODERS, Encoder

os.environ.setdefault("SVT_LOG", "0")  # SVT-AV1 prints its settings to stderr otherwise; 0: only what is fatal

_HELD = {
    "mpegts": ("h264", "hevc", "mpeg2video", "mpeg4"),
    "webm": ("av1", "vp9", "vp8"),
}
"""Codecs that players support in a container; the mpegts muxer writes any other as private data."""
_MP4_ONLY = ("av1", "vp9", "vp8")
"""Codecs that the mov muxer rejects."""

_NOT_OPENED = {
    "libx265": ("yuva420p", "yuva422p", "yuva444p", "yuva420p10le", "yuva422p10le", "yuva444p10le"),
    "libvpx-vp9": ("yuva422p", "yuva444p", "gbrap"),
}
"""Formats that FFmpeg lists for an encoder, and with which the libraries that come with PyAV do not open."""

_FAMILIES = {"h264": "libx264", "hevc": "libx265", "vp9": "libsvtav1", "av1": "libsvtav1"}
_ALIASES = {"h264": "libx264", "x264": "libx264", "hevc": "libx265", "h265": "libx265", "x265": "libx265",
            "av1": "libsvtav1", "svtav1": "libsvtav1", "vp9": "libvpx-vp9", "prores": "prores_ks"}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """An encoder and its input pixel format."""

    encoder: Encoder
    format: PixelFormat


def candidates(source_codec: str, fmt: PixelFormat, container: OutputFormat) -> list[Choice]:
    """The encoders to try by default, in order: source's family, libx265, ffv1; webm's own in webm, NUT's in NUT.

    Only those supported in the container that keep the picture's model, depth, subsampling and alpha. Raises
    `OutputError` if there is none.
    """
    order = [_FAMILIES.get(source_codec, "libx264"), "libx265", "ffv1"]
    order += [name for name in container.encoders if container.muxer in ("webm", "nut")]
    found = []
    for name in dict.fromkeys(order):
        if name in container.encoders and (held := held_as(name, fmt)) is not None:
            found.append(Choice(ENCODERS[name], held))
    if not found:
        choices = [name for name in ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1")
                   if held_as(name, fmt) is not None]  # fmt: skip
        raise OutputError(
            f"no encoder for {container.name} supports {fmt.name} without loss; use mkv with -c:v "
            f"{' or '.join(choices) or 'rawvideo'}, or, with loss, a -pix_fmt of {' or '.join(container.encoders)}"
        )
    return found


def for_format(source_codec: str, requested: str, container: OutputFormat) -> list[Choice]:
    """The encoders of the default order that support the format of -pix_fmt."""
    order = [_FAMILIES.get(source_codec, "libx264"), "libx265", "libsvtav1", "ffv1", *container.encoders]
    found = [
        Choice(ENCODERS[name], PIXEL_FORMATS[requested])
        for name in dict.fromkeys(order)
        if name in container.encoders and requested in PIXEL_FORMATS and requested in _formats(name)
    ]
    if not found:
        raise OptionError(
            f"-pix_fmt {requested}: not supported by {', '.join(container.encoders)}, the encoders for {container.name}"
        )
    return found


def named(codec: str, fmt: PixelFormat, requested: str | None, container: OutputFormat) -> list[Choice]:
    """The encoder of -c:v, with the format of -pix_fmt or one that keeps the source's picture."""
    opened = known(codec)
    name = opened.name
    held = _HELD.get(container.muxer)
    if held is not None and opened.canonical_name not in held:
        raise OptionError(f"-c:v {codec}: not supported in {container.name}; expected {', '.join(held)}, or use .mkv")
    if container.muxer == "mov" and opened.canonical_name in _MP4_ONLY:
        raise OptionError(f"-c:v {codec}: not supported in mov; use .mp4 or .mkv")
    encoder = ENCODERS.get(name) or Encoder(name=name, quality=None, default_quality="the encoder's own")
    if requested is not None:
        return [Choice(encoder, explicit(name, requested))]
    same = held_as(name, fmt)
    if same is None:
        nearest = _nearest(name, fmt)
        convert = f"it supports {', '.join(_formats(name))}"
        if nearest is not None:
            lost = _lost(fmt, PIXEL_FORMATS[nearest])
            convert = f"use -pix_fmt {nearest} to convert{f' without {lost}' if lost else ''}"
        raise OutputError(f"-c:v {codec}: {name} does not support {fmt.name}; leave out -c:v, or {convert}")
    return [Choice(encoder, same)]


def known(codec: str) -> av.Codec:
    """The encoder of -c:v; raises `OptionError` where there is none of that name."""
    if codec == "copy":
        raise OptionError("-c:v copy: enhanced frames must be encoded; expected an encoder, for example libx264")
    try:
        opened = av.Codec(_ALIASES.get(codec, codec), "w")
    except (ValueError, av.FFmpegError):
        opened = None
    if opened is None or opened.type != "video":
        raise OptionError(f"-c:v {codec}: unknown video encoder; expected one of {', '.join(ENCODERS)}")
    return opened


def explicit(encoder: str, requested: str) -> PixelFormat:
    """The format of -pix_fmt, which `encoder` must support."""
    if requested not in PIXEL_FORMATS or requested not in _formats(encoder):
        choices = [name for name in _formats(encoder) if name in PIXEL_FORMATS]
        raise OptionError(f"-pix_fmt {requested}: expected one of {', '.join(choices)} for {encoder}")
    return PIXEL_FORMATS[requested]


def held_as(encoder: str, fmt: PixelFormat) -> PixelFormat | None:
    """The format in which an encoder keeps a picture of format `fmt` without loss; None if there is none.

    yuvj formats become their plain twins, whose range is a tag; among equals planar ones come first.
    """
    fits = [PIXEL_FORMATS[name] for name in _formats(encoder) if name in PIXEL_FORMATS]
    fits = [f for f in fits if f.samples == fmt.samples and not f.name.startswith("yuvj")]
    return min(fits, key=lambda f: (f.name != fmt.name, f.layout != "planar"), default=None)


def _nearest(encoder: str, fmt: PixelFormat) -> str | None:
    """The format of an encoder that loses least of a picture of format `fmt`."""
    takes = [f for n in _formats(encoder) if (f := PIXEL_FORMATS.get(n)) is not None and f.model == fmt.model]
    return min(
        (f.name for f in takes),
        key=lambda name: _loss(fmt, PIXEL_FORMATS[name]),
        default=None,
    )


def _loss(fmt: PixelFormat, other: PixelFormat) -> tuple[int, int, int, int]:
    """Sort key of formats to convert to: least alpha, depth and chroma lost, then least excess."""
    chroma = (fmt.log2_w + fmt.log2_h) - (other.log2_w + other.log2_h)
    depth = other.depth - fmt.depth
    return (fmt.alpha and not other.alpha, max(0, -depth) + max(0, -chroma), abs(depth) + abs(chroma), other.alpha)


def _lost(fmt: PixelFormat, other: PixelFormat) -> str:
    """What a picture of format `fmt` loses in format `other`, in words; "" for nothing."""
    lost = [
        *(["alpha"] if fmt.alpha and not other.alpha else []),
        *([f"{fmt.depth} bit"] if other.depth < fmt.depth else []),
        *(["full chroma"] if other.log2_w > fmt.log2_w or other.log2_h > fmt.log2_h else []),
    ]
    return " and ".join(lost)


def _formats(encoder: str) -> list[str]:
    """Names of the pixel formats that an encoder supports."""
    if encoder == "rawvideo":  # it supports all, but NUT and Matroska return some as others (each one tested)
        return [f.name for f in PIXEL_FORMATS.values() if f.layout != "semi-planar" or f.name == "nv12"]
    listed = [f.name for f in av.Codec(encoder, "w").video_formats or ()]
    return [name for name in listed if name not in _NOT_OPENED.get(encoder, ())]

"""Output containers and formats, by file extension and by -f."""

from dataclasses import dataclass, replace
from pathlib import Path

from vidrts.errors import OptionError


@dataclass(frozen=True)
class OutputFormat:
    """An output container. `encoders`: the default ones that it supports, by FFmpeg's names."""

    name: str
    """Name in messages."""
    muxer: str
    """FFmpeg's name of the muxer."""
    encoders: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    seekable: bool = True
    """Whether the output is seekable; a pipe is not."""

    @property
    def strict(self) -> bool:
        """Whether dts must strictly increase; Matroska allows equal ones."""
        return self.muxer not in ("matroska", "webm")


_MP4 = ("libx264", "libx265", "libsvtav1")
OUTPUT_FORMATS = {
    ".mp4": OutputFormat("mp4", "mp4", _MP4),
    ".m4v": OutputFormat("mp4", "mp4", _MP4),
    ".mov": OutputFormat("mov", "mov", ("libx264", "libx265")),
    # Without "passthrough" the Matroska muxer marks more streams as default.
    ".mkv": OutputFormat("mkv", "matroska", (*_MP4, "ffv1"), (("default_mode", "passthrough"),)),
    ".webm": OutputFormat("webm", "webm", ("libsvtav1", "libvpx-vp9"), (("default_mode", "passthrough"),)),
    ".ts": OutputFormat("ts", "mpegts", ("libx264", "libx265")),
    ".m2ts": OutputFormat("ts", "mpegts", ("libx264", "libx265"), (("mpegts_m2ts_mode", "1"),)),
    ".mts": OutputFormat("ts", "mpegts", ("libx264", "libx265"), (("mpegts_m2ts_mode", "1"),)),
}
"""By file extension in lower case."""

PIPE_FORMATS = {
    "matroska": OutputFormat("Matroska", "matroska", ("ffv1",), (("default_mode", "passthrough"),)),
    "nut": OutputFormat("NUT", "nut", ("rawvideo",)),
    "mpegts": OutputFormat("ts", "mpegts", ("libx264", "libx265")),
    "mp4": OutputFormat("mp4", "mp4", _MP4, (("movflags", "+frag_keyframe+delay_moov+default_base_moof"),)),
}
"""By -f: containers that need no seeking. Matroska and NUT are lossless, the others are encoded as files are."""
FRAME_FORMATS = ("y4m", "raw")
"""The other values of -f: frames only, by our own writers."""
FFMPEG_NAMES = {"yuv4mpegpipe": "y4m", "rawvideo": "raw"}
"""What FFmpeg's -f calls them."""
_INPUT_FORMATS = {"mov": "mp4"}
"""Demuxers with another name as an output format."""


def output_format(path: Path) -> OutputFormat:
    """The container for a file name; raises `OptionError` for an unknown extension."""
    try:
        return OUTPUT_FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(sorted(OUTPUT_FORMATS))
        extension = path.suffix or "(no file extension)"
        raise OptionError(f"{path}: unknown container {extension}; expected one of {known}") from None


def pipe_kind(requested: str | None, input_format: str | None) -> str:
    """The format of -f, else that of stdin; raises `OptionError` if it is not supported."""
    choices = (*FRAME_FORMATS, *PIPE_FORMATS)
    kind = requested or _INPUT_FORMATS.get(input_format or "", input_format)
    if kind in choices:
        return str(kind)
    what = f"-f {requested}: unknown pipe format" if requested else "OUT is -, a pipe, and has no format of its own"
    if input_format and not requested:
        what = f"OUT is -, and {input_format}, the format of stdin, cannot be written to a pipe"
    raise OptionError(f"{what}; expected -f and one of {', '.join(choices)}")


def pipe_format(kind: str, *, low_latency: bool) -> OutputFormat:
    """The container for stdout. `low_latency`: do not delay frames."""
    found = PIPE_FORMATS[kind]
    settings = dict(found.options) | {"flush_packets": "1"}
    if low_latency and kind == "mp4":
        settings["movflags"] += "+frag_every_frame"
    return replace(found, options=tuple(settings.items()), seekable=False)

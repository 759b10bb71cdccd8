"""The containers and formats that are written, by a file's extension and by the word after -f."""

from dataclasses import dataclass, replace
from pathlib import Path

from vidrts.errors import OptionError, OutputError


@dataclass(frozen=True)
class OutputFormat:
    """A container that is written. `encoders`: those of the default order that it can hold, by FFmpeg's names."""

    name: str
    """What people call it."""
    muxer: str
    """FFmpeg's name of the muxer."""
    encoders: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    seekable: bool = True
    """Whether the muxer can go back; not in a pipe."""

    @property
    def strict(self) -> bool:
        """Whether decode times must strictly increase; Matroska allows equal ones."""
        return self.muxer not in ("matroska", "webm")


_MP4 = ("libx264", "libx265", "libsvtav1")
OUTPUT_FORMATS = {
    ".mp4": OutputFormat("mp4", "mp4", _MP4),
    ".m4v": OutputFormat("mp4", "mp4", _MP4),
    ".mov": OutputFormat("mov", "mov", ("libx264", "libx265")),
    # Without "passthrough" the Matroska muxer would mark streams as default that were not.
    ".mkv": OutputFormat("mkv", "matroska", (*_MP4, "ffv1"), (("default_mode", "passthrough"),)),
    ".webm": OutputFormat("webm", "webm", ("libsvtav1", "libvpx-vp9"), (("default_mode", "passthrough"),)),
    ".ts": OutputFormat("ts", "mpegts", ("libx264", "libx265")),
    ".m2ts": OutputFormat("ts", "mpegts", ("libx264", "libx265"), (("mpegts_m2ts_mode", "1"),)),
    ".mts": OutputFormat("ts", "mpegts", ("libx264", "libx265"), (("mpegts_m2ts_mode", "1"),)),
}
"""By the file name's extension in lower case."""

PIPE_FORMATS = {
    "matroska": OutputFormat("Matroska", "matroska", ("ffv1",), (("default_mode", "passthrough"),)),
    "nut": OutputFormat("NUT", "nut", ("rawvideo",)),
    "mpegts": OutputFormat("ts", "mpegts", ("libx264", "libx265")),
    "mp4": OutputFormat("mp4", "mp4", _MP4, (("movflags", "+frag_keyframe+delay_moov+default_base_moof"),)),
}
"""By the word after -f: containers that can be written without going back. Matroska and NUT lose nothing of a picture;
what is in the others is made to be looked at, and encoded as in a file."""
FRAME_FORMATS = ("y4m", "raw")
"""The other words after -f: frames alone, by writers of our own."""
_CAME_IN = {"mov": "mp4"}
"""Demuxers whose kind has another name as an output."""


def output_format(path: Path) -> OutputFormat:
    """The container for a file name; raises `OutputError` that lists the known extensions."""
    try:
        return OUTPUT_FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(sorted(OUTPUT_FORMATS))
        extension = path.suffix or "(no file extension)"
        raise OutputError(f"{path}: unknown container {extension}; expected one of {known}") from None


def pipe_kind(wanted: str | None, came_in: str | None) -> str:
    """The word of -f, else the kind that came in through stdin; raises `OptionError` where that is none of ours."""
    choices = (*FRAME_FORMATS, *PIPE_FORMATS)
    kind = wanted or _CAME_IN.get(came_in or "", came_in)
    if kind in choices:
        return str(kind)
    what = f"-f {wanted}: unknown pipe format" if wanted else "OUT is -, a pipe, and has no format of its own"
    if came_in and not wanted:
        what = f"OUT is -, and {came_in}, the format of stdin, cannot be written to a pipe"
    raise OptionError(f"{what}; expected -f and one of {', '.join(choices)}")


def pipe_format(kind: str, *, at_once: bool) -> OutputFormat:
    """The container that is written to stdout. `at_once`: no frame is held back for the ones after it."""
    found = PIPE_FORMATS[kind]
    settings = dict(found.options) | {"flush_packets": "1"}
    if at_once and kind == "mp4":
        settings["movflags"] += "+frag_every_frame"
    return replace(found, options=tuple(settings.items()), seekable=False)

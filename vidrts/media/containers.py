"""Opening a source with FFmpeg's demuxers, and choosing its video stream. No frame is read here.

Times are FFmpeg's: stream ticks, and microseconds for a container's start.
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.rational import AVRational
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vidrts.errors import ConsumerGoneError, InputError, OptionError, OutputError
from vidrts.media.pipes.stdio import StandardInput

type AnyPacket = Packet[Stream]
type Place = Path | str | StandardInput
"""A file, the URL of one, or stdin."""
type Decoded = AnyPacket | av.VideoFrame
"""Items between decoding stages: frames of one stream, packets of all others."""

FFmpegErrors = (av.FFmpegError, OSError)
"""What FFmpeg raises, and Python's files that it reads and writes. No ValueError: it may be a mistake of ours."""


@contextmanager
def av_call() -> Iterator[None]:
    """Around a call of av and nothing else: what it refuses by a ValueError or RuntimeError becomes FFmpeg's error."""
    try:
        yield
    except FFmpegErrors:
        raise
    except (ValueError, RuntimeError) as error:
        raise av.error.ArgumentError(errno.EINVAL, str(error)) from error


CLOCKED = ("mpegts", "mpeg")
"""Demuxers whose timestamps start at an arbitrary value."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATTERN = re.compile(r"[*?]|\[.+\]")
"""What shells replace in names."""
_TIMEOUT = 15
"""Seconds until a server must answer."""
_BUFFER_SIZE = 1 << 20
"""Bytes that FFmpeg reads from stdin at a time."""
_LOW_LATENCY = {"analyzeduration": "200000"}
"""Demuxer options for an early first frame: probe 0.2 s instead of 5. FFmpeg's fflags=nobuffer would drop the probed
frames."""

PIPE_ADVICE = (
    "a pipe is not seekable: use y4m, Matroska, NUT, MPEG-TS, mp4 with -movflags frag_keyframe+empty_moov, or raw "
    "video with --raw"
)
"""What to do if stdin cannot be read."""

_PATIENT = {"analyzeduration": "60000000", "probesize": "100000000"}
"""Demuxer options for a file whose sound was not found: probe 60 s or 100 MB instead of 7 s or 5 MB."""

_PICTURES = ("image2", "gif", "apng", "ico", "webp", "webp_anim", "jpegxl_anim", "tty", "lavfi")


def reason(error: BaseException) -> str:
    """FFmpeg's text for an error, without number and function."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def write_error(place: Place, error: BaseException, *, reader_closed: bool) -> OutputError:
    """The error to raise for a failed write to `place`."""
    if reader_closed:
        return ConsumerGoneError(f"{place}: broken pipe")
    return OutputError(f"{place}: write error: {reason(error)}")


_OF_THE_PLACE = {
    getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "ENXIO", "ESTALE")
} - {None}  # fmt: skip
"""Errors of the disk or device that is written to; encoders and muxers have none of them."""


def cannot_be_written(error: BaseException) -> bool:
    """Whether an error says that the place does not take what is written: disk full, quota, file too large, I/O."""
    return isinstance(error, OSError) and error.errno in _OF_THE_PLACE


def is_url(name: str | os.PathLike[str]) -> bool:
    """Whether a name is a URL such as http://host/film.mkv; file: URLs are not."""
    return isinstance(name, str) and _URL.match(name) is not None and not name.startswith("file://")


def place(name: str | os.PathLike[str] | StandardInput) -> Place:
    """A source's path; URLs and stdin are returned as they are."""
    if isinstance(name, StandardInput):
        return name
    if is_url(name):
        return str(name)
    return Path(os.fspath(name).removeprefix("file://"))


def open_source(path: Place, *, low_latency: bool = False, hardware: HWAccel | None = None) -> InputContainer:
    """Open a file, a URL or stdin for reading; raises `InputError` for anything but a video.

    File names are never interpreted as protocols, image patterns or devices. A picture, or several in a row, may still
    be no video: see `media.read.picture_streams`. `low_latency`: probe as little of stdin as possible. `hardware`: see
    `media.read.hwaccel`.
    """
    try:
        if isinstance(path, Path):
            _check_file(path)
            with av_call():
                container = av.open(f"file:{path}", "r", hwaccel=hardware)
            if can_reopen(path) and any(map(unheard, container.streams)):
                container.close()
                with av_call():
                    container = av.open(f"file:{path}", "r", container_options=_PATIENT, hwaccel=hardware)
        elif isinstance(path, StandardInput):
            if not path.sniff(1):
                raise InputError(f"{path}: empty stream; check the program before this one")
            path.watch()
            options = _LOW_LATENCY if low_latency else {}
            with av_call():
                container = av.open(path, "r", container_options=options, buffer_size=_BUFFER_SIZE, hwaccel=hardware)
        else:
            with av_call():
                container = av.open(path, "r", timeout=_TIMEOUT, hwaccel=hardware)
    except av.error.ProtocolNotFoundError as error:
        raise InputError(f"{path}: unsupported protocol; expected http, https, rtsp, rtmp or a file") from error
    except av.error.ExitError as error:
        raise InputError(f"{path}: connection timed out after {_TIMEOUT} s") from error
    except FFmpegErrors as error:
        advice = f"; {PIPE_ADVICE}" if isinstance(path, StandardInput) else ""
        raise InputError(f"{path}: cannot be opened as a video: {reason(error)}{advice}") from error
    names = container.format.name.split(",")
    brand = container.metadata.get("major_brand", "").strip()
    still = any(name in _PICTURES for name in names)
    if still or brand in ("avif", "avis", "heic", "heix", "mif1", "msf1"):
        container.close()
        kind = "an animated GIF" if "gif" in names else f"a picture ({brand or names[0]})"
        raise not_a_video(path, kind)
    return container


def not_a_video(path: Place, kind: str) -> InputError:
    """The error to raise for a picture."""
    advice = "; give OUT a name such as out.png" if isinstance(path, Path) and "GIF" not in kind else ""
    return InputError(f"{path}: expected a video, got {kind}{advice}")


def unheard(stream: Stream) -> bool:
    """Whether it is an audio stream of which no packet was found: a transport stream may announce such."""
    context = stream.codec_context if isinstance(stream, AudioStream) else None
    return context is not None and not (context.sample_rate and context.layout.nb_channels)


def can_reopen(path: Place) -> bool:
    """Whether a source can be read a second time: a file or a URL; no pipe, and no FIFO by its name."""
    return path.is_file() if isinstance(path, Path) else isinstance(path, str)


def _check_file(path: Path) -> None:
    """Raise `InputError` for a missing or empty file, OSError for an unreadable one."""
    if path.is_dir():
        raise InputError(f"{path}: is a directory, expected a video file")
    if not path.exists():
        advice = "; the shell replaces patterns, where a file matches and there are no quotes"
        raise InputError(f"{path}: no such file{advice if _PATTERN.search(str(path)) else ''}")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if can_reopen(path):
        path.open("rb").close()


def choose_video(path: Place, container: InputContainer, requested: str | None) -> VideoStream:
    """The video stream that is enhanced.

    `requested` None: the first with the default disposition in file order, else the first; never cover art. "N" is
    ffprobe's stream index, "v:N" counts video streams.
    """
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if requested is None:
        if not videos:
            held = ", ".join(s.type for s in container.streams) or "no streams"
            raise InputError(f"{path}: no video stream; found: {held}")
        chosen = next((s for s in videos if s.disposition & Disposition.default), videos[0])
    else:
        index = named_stream(path, [s.index for s in videos], requested)
        chosen = next(s for s in videos if s.index == index)
    if chosen.codec_context is None:
        raise InputError(f"{path}: no decoder for video stream {chosen.index}")
    return chosen


def named_stream(path: Place, videos: Sequence[int], requested: str) -> int:
    """The index of the video stream that --stream names, one of `videos`; raises `OptionError` and `InputError`."""
    number = requested[2:] if requested.startswith("v:") else requested
    if not (number.isascii() and number.isdigit()):
        raise OptionError(f"--stream {requested}: expected N (ffprobe's index) or v:N (the N-th video stream)")
    if requested.startswith("v:"):
        if int(number) < len(videos):
            return videos[int(number)]
        raise InputError(f"{path}: no stream {requested}; found {len(videos)} video stream(s)")
    if int(number) in videos:
        return int(number)
    choices = ", ".join(map(str, videos)) or "none"
    raise InputError(f"{path}: stream {requested} is not a video stream; video streams: {choices}")


def fraction(value: AVRational | Fraction | None) -> Fraction | None:
    """PyAV's rational as a `Fraction`; None for None, zero and 0/0."""
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(value.numerator, value.denominator)


def time_base(value: AVRational | Fraction | None) -> Fraction:
    """A stream's time base as a `Fraction` of a second; a microsecond where FFmpeg gives none."""
    return fraction(value) or Fraction(1, 1_000_000)


def seconds(ticks: int, base: AVRational | Fraction | None) -> Fraction:
    """`ticks` of a stream's time base, as `time_base` takes it: a third of the cost of a product, for each packet."""
    if base is None or not base.numerator or not base.denominator:
        return ticks * time_base(base)
    return Fraction(ticks * base.numerator, base.denominator)


def packet_time(packet: AnyPacket) -> Fraction | None:
    """Seconds at which a packet is shown (else decoded), on the file's clock; None for a packet without times."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    return None if ticks is None else seconds(ticks, packet.time_base)

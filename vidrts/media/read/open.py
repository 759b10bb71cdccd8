"""Opening a video: a file, a URL or stdin."""

import os
from collections.abc import Callable
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.media.containers import is_url
from vidrts.media.pictures.sequence import is_pattern
from vidrts.media.pipes.stdio import STANDARD, StandardInput
from vidrts.media.read.demuxer import OpenDemuxer
from vidrts.media.read.ffmpeg_demuxer import FFmpegDemuxer
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.raw_demuxer import RawDemuxer
from vidrts.media.read.sequence_demuxer import SequenceDemuxer
from vidrts.media.read.source import Source
from vidrts.messages import Tell, ignore

_MAGIC = b"YUV4MPEG2"


def open_video(
    path: str | os.PathLike[str],
    options: DecodeOptions | None = None,
    *,
    on_message: Tell = ignore,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Source:
    """The `Source` of a file, a URL or "-" (stdin, where y4m is recognised by its first bytes).

    Raises as `Source` does.
    """
    options = options or DecodeOptions()
    if path != STANDARD:
        if options.raw is not None:
            raise OptionError(f"--raw describes stdin: expected - as IN, got {os.fspath(path)}")
        numbered = not is_url(path) and is_pattern(Path(path))
        for option, value in (("-framerate", options.framerate), ("-start_number", options.start_number)):
            if value is not None and not numbered:
                raise OptionError(
                    f"{option} {value}: for numbered pictures such as frames/%05d.png, and {os.fspath(path)} is a video"
                )
        demuxer: OpenDemuxer = SequenceDemuxer if numbered else FFmpegDemuxer
        return Source(path, options, on_message=on_message, stop_signal=stop_signal, demuxer=demuxer)
    stdin = StandardInput(lambda: stop_signal() is not None)
    bare = options.raw is not None or stdin.sniff(len(_MAGIC)) == _MAGIC
    demuxer = RawDemuxer if bare else FFmpegDemuxer
    return Source(stdin, options, on_message=on_message, stop_signal=stop_signal, demuxer=demuxer)

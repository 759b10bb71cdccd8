"""Opening a target: a file or stdout."""

import os
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.media.containers import is_url
from vidrts.media.input import Input
from vidrts.media.output_formats import FRAME_FORMATS, pipe_kind
from vidrts.media.pictures.formats import is_picture_name
from vidrts.media.pictures.sequence import is_pattern
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.raw_target import RawTarget
from vidrts.media.write.sequence_target import SequenceTarget
from vidrts.media.write.target import Target
from vidrts.messages import Tell, ignore

type AnyTarget = Target | RawTarget | SequenceTarget


def open_target(
    path: str | os.PathLike[str] | StandardOutput,
    source: Input,
    options: EncodeOptions | None = None,
    *,
    scale: int = 1,
    discard: bool = False,
    on_message: Tell = ignore,
) -> AnyTarget:
    """The target of a file name, of a pattern of pictures or of stdout. Raises as `Target` does.

    `discard`: no file is made.
    """
    options = options or EncodeOptions()
    if isinstance(path, StandardOutput):
        kind = pipe_kind(options.format, source.piped)
        if kind in FRAME_FORMATS:
            return RawTarget(path, kind, source, options, scale=scale, on_message=on_message)
    elif not is_url(path) and is_pattern(Path(path)) and is_picture_name(Path(path)):
        return SequenceTarget(Path(path), source, options, scale=scale, discard=discard, on_message=on_message)
    elif options.quality is not None:
        raise OptionError(
            f"--quality {options.quality}: for pictures, and {os.fspath(path)} is a video; -crf is for videos"
        )
    return Target(path, source, options, scale=scale, discard=discard, on_message=on_message)

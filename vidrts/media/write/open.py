"""Opening a target: a file or stdout."""

import os

from vidrts.media.input import Input
from vidrts.media.output_formats import FRAME_FORMATS, pipe_kind
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.raw_target import RawTarget
from vidrts.media.write.target import Target
from vidrts.messages import Tell, ignore


def open_target(
    path: str | os.PathLike[str] | StandardOutput,
    source: Input,
    options: EncodeOptions | None = None,
    *,
    scale: int = 1,
    discard: bool = False,
    on_message: Tell = ignore,
) -> Target | RawTarget:
    """The target of a file name or of stdout. Raises as `Target` does. `discard`: no file is made."""
    options = options or EncodeOptions()
    if isinstance(path, StandardOutput):
        kind = pipe_kind(options.format, source.piped)
        if kind in FRAME_FORMATS:
            return RawTarget(path, kind, source, options, scale=scale, on_message=on_message)
    return Target(path, source, options, scale=scale, discard=discard, on_message=on_message)

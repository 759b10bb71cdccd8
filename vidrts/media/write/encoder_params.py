"""An encoder library's own parameters (x265-params and the like), tried before the encoder is opened.

FFmpeg passes them on as text. A name or value that the library does not know is a line in FFmpeg's log, which is muted,
and the encoder opens without it.
"""

import re
from collections.abc import Mapping

import av

from vidrts.errors import OptionError
from vidrts.media.containers import FFmpegErrors, av_call, reason
from vidrts.media.ffmpeg_log import heard
from vidrts.media.write import scheduling
from vidrts.messages import Code, Message
from vidrts.native_calls import native_call

_PARAMS = re.compile(r"(params|opts|parameters)$")
"""How the options end that hold a library's own parameters: x264-params, x264opts, svtav1-params, ts-parameters."""
_REFUSED = re.compile(r"unknown option|invalid value|error parsing|bad (option|value)", re.IGNORECASE)
"""What FFmpeg's wrappers of x264, x265 and SVT-AV1 log of a parameter that the library refuses."""
_NO_PAIRS = "Error setting option"
"""How FFmpeg begins where the text is no list of key=value; the rest repeats it with what vidrts adds."""
_ONE_THREAD = {"libx265": ("x265-params", "pools=none:frame-threads=1"), "libsvtav1": ("svtav1-params", "lp=1")}
"""The log is Python code: it cannot run in a thread of the encoder's while opening holds Python's lock."""


def given_params(given: Mapping[str, str]) -> list[str]:
    """Names of those options among `given` (-e key=value) that hold an encoder library's own parameters."""
    return [name for name in given if _PARAMS.search(name)]


def try_params(
    like: av.VideoCodecContext, options: Mapping[str, str], without: Mapping[str, str], given: str
) -> list[Message]:
    """Open an encoder like `like`, which is not open yet, with `options`, and close it again.

    `without`: the options without the user's parameters, which are `given`, for messages. Raises `OptionError` for a
    parameter that the library refuses; returns what else it says of them.
    """
    name = like.codec.name
    said, failure = opened(like, options)
    if not said and failure is None:
        return []
    usual, otherwise = opened(like, without)
    said = [line for line in said if line not in usual]
    if refused := [text for _, text in said if _REFUSED.search(text)]:
        raise OptionError(f"-e {given}: refused by {name}: {'; '.join(refused)}; check names and values")
    if failure is not None and otherwise is None:
        errors = [text for level, text in said if level <= av.logging.ERROR]
        if any(text.startswith(_NO_PAIRS) for text in errors):
            raise OptionError(f"-e {given}: expected KEY=VALUE, or several separated by colons")
        raise OptionError(f"-e {given}: {name} does not open with it: {'; '.join(errors) or failure}; check the values")
    return [Message(Code.ENCODER_SAYS, encoder=name, text=text) for _, text in said]


def opened(like: av.VideoCodecContext, options: Mapping[str, str]) -> tuple[list[tuple[int, str]], str | None]:
    """What opening an encoder like `like` with `options` logs, as (level, line), and why it failed, or None."""
    name = like.codec.name
    context = av.Codec(name, "w").create("video")
    context.width, context.height, context.pix_fmt = like.width, like.height, like.pix_fmt
    context.time_base, context.framerate = like.time_base, like.framerate
    context.flags = like.flags
    if like.bit_rate is not None:
        context.bit_rate = like.bit_rate
    context.thread_count = 1
    made = dict(options)
    if name in _ONE_THREAD:
        key, value = _ONE_THREAD[name]
        made[key] = f"{value}:{made[key]}" if made.get(key) else value  # what comes later wins
    context.options = made
    failure = None
    with heard(av.logging.WARNING) as lines:
        try:
            with native_call(f"{name} (opening)"), scheduling.kept(), av_call():
                context.open()
        except FFmpegErrors as error:
            failure = reason(error)
    return [(level, " ".join(text.split()).rstrip(".")) for level, _, text in lines if text.strip()], failure

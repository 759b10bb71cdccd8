"""Values of -e key=value that an encoder does not open with, named; FFmpeg's error is "Invalid argument" alone."""

from collections.abc import Callable, Mapping
from typing import Any

import av

from vidrts.errors import OptionError
from vidrts.media.write.encoder_params import opened

_PARSED = "Error setting option"
"""How FFmpeg ends what it logs of a value that it cannot read, or that is out of range."""
_INTEGERS = ("INT", "INT64", "UINT", "UINT64")
_KINDS = {**dict.fromkeys(_INTEGERS, "an integer"), "FLOAT": "a number", "DOUBLE": "a number", "BOOL": "0 or 1"}
_FAR = 2**31 - 1
"""Bounds from here on are those of the type."""
_LISTED = 20
"""Names of values in a message, at most."""


def check_values(
    like: av.VideoCodecContext, given: Mapping[str, str], options: Callable[[Mapping[str, str]], dict[str, str]]
) -> None:
    """Raise `OptionError` for those of `given` (-e) with which an encoder like `like`, which did not open, never opens.

    `options`: all options of the encoder for some of `given`. What else keeps it from opening raises nothing.
    """
    if not given or opened(like, options(given))[1] is None or opened(like, options({}))[1] is not None:
        return
    for key, value in given.items():
        lines, failure = opened(like, options({key: value}))
        if failure is None:
            continue
        texts = [text for _, text in lines]
        if any(text.startswith(_PARSED) for text in texts) and (expected := _expected(like, key, texts)):
            raise OptionError(f"-e {key}={value}: expected {expected} for {like.codec.name}")
        raise OptionError(
            f"-e {key}={value}: refused by {like.codec.name}: {'; '.join(texts) or failure}; check the value"
        )
    pairs = " ".join(f"{key}={value}" for key, value in given.items())
    raise OptionError(f"-e {pairs}: {like.codec.name} opens with each of these, but not with all; leave out some")


def _expected(like: av.VideoCodecContext, key: str, said: list[str]) -> str | None:
    """What values an option takes, in words; None where FFmpeg cannot tell. `said`: its log of a wrong one."""
    found = like.supported_options
    option: Any = next((o for o in (*found.private, *found.generic) if o.name == key), None)
    if option is None:
        return None
    names = [choice.name for choice in option.choices or ()]
    names = [*names[:_LISTED], *(["..."] if len(names) > _LISTED else [])]
    kind = _KINDS.get(option.type.name)
    if kind is None:
        return f"one of {', '.join(names)}" if names else None
    outside = any("out of range" in text for text in said)
    if option.type.name != "BOOL" and (outside or (option.min > -_FAR and option.max < _FAR)):
        kind += f" from {option.min:.10g} to {option.max:.10g}"
    elif names:
        return f"one of {', '.join(names)}"
    return kind + (f" or one of {', '.join(names)}" if names else "")

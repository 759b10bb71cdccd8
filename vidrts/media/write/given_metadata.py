"""Metadata that is given (-metadata), over the source's."""

import re
from collections.abc import Iterator, Mapping

from av.container import OutputContainer
from av.stream import Stream

from vidrts.errors import OptionError
from vidrts.media.languages import written
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write.options import SPECIFIER
from vidrts.messages import Code, Message

_TYPES = {"v": "video", "V": "video", "a": "audio", "s": "subtitle", "d": "data", "t": "attachment"}
_HELD = {
    "mp4": {"title", "language", "handler_name", "creation_time", "timecode"},
    "mov": {"title", "language", "handler_name", "creation_time", "timecode"},
    "mpegts": {"language"},
}
"""Stream metadata that these muxers write."""


def over(kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """`kept` with what is given in its place; keys in any case, and an empty value deletes, as for FFmpeg."""
    keys = {key.lower() for key in given}
    made = {key: value for key, value in kept.items() if key.lower() not in keys}
    return {**made, **{key: value for key, value in given.items() if value}}


def to_streams(
    container: OutputContainer, kind: OutputFormat, given: Mapping[str, Mapping[str, str]]
) -> Iterator[Message]:
    """Set stream metadata by specifiers such as "s:a:0"; a message for what the container does not hold.

    Raises `OptionError` for specifiers that no stream of the output matches.
    """
    streams: list[Stream] = list(container.streams)
    for spec, values in given.items():
        chosen = _chosen(streams, spec)
        if not chosen:
            types = [stream.type for stream in streams]
            held = ", ".join(f"{types.count(name)} {name}" for name in dict.fromkeys(types))
            raise OptionError(f"-metadata:{spec}: the output has no such stream; it has {held}")
        keys = _HELD.get(kind.muxer)
        lost = [key for key, value in values.items() if value and keys is not None and key.lower() not in keys]
        if lost:
            yield Message(Code.STREAM_METADATA_LOST, container=kind.name, keys=", ".join(lost))
        values = dict(values)
        if tag := values.get("language"):
            held_as = written(tag, kind.muxer)
            if held_as is None:
                yield Message(Code.LANGUAGE_LOST, container=kind.name, language=tag, stream=chosen[0].index)
            values["language"] = held_as or ""
        for stream in chosen:
            made = over(stream.metadata, values)
            stream.metadata.clear()
            stream.metadata.update(made)


def _chosen(streams: list[Stream], spec: str) -> list[Stream]:
    """The streams that FFmpeg's specifier names: s, s:N, s:a, s:a:N."""
    match = re.fullmatch(SPECIFIER, spec)
    assert match is not None
    letter, number = match["type"], match["number"]
    found = [stream for stream in streams if letter is None or stream.type == _TYPES[letter]]
    return found if number is None else found[int(number) : int(number) + 1]

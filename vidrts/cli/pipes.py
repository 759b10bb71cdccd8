"""Options for raw video and for the colour of untagged sources."""

from collections.abc import Callable
from typing import Any

import click

from vidrts.cli.parsing import Parsed
from vidrts.errors import OptionError
from vidrts.media.color_names import MATRICES, PRIMARIES, RANGES, TRANSFERS
from vidrts.media.pipes import raw_header
from vidrts.media.pipes.header import Header

COLOR = ("colorspace", "range", "primaries", "transfer")
_HELP = (
    (MATRICES, "Colour matrix, by FFmpeg's name; overrides the source's tag."),
    (RANGES, "Colour range: tv (limited) or pc (full)."),
    (PRIMARIES, "Colour primaries; only tagged in OUT."),
    (TRANSFERS, "Transfer characteristics; only tagged in OUT."),
)


def _parse_raw(text: str) -> Header:
    """`raw_header.parse` for click."""
    try:
        return raw_header.parse(text)
    except OptionError as error:
        raise ValueError(str(error)) from None


RAW = Parsed(_parse_raw, "WxH:PIXFMT@RATE")


def color_options[F: Callable[..., Any]](command: F) -> F:
    """The four colour options."""
    for option, (names, text) in reversed([*zip(COLOR, _HELP, strict=True)]):
        command = click.option(f"--{option}", type=click.Choice(list(names)), metavar="NAME", help=text)(command)
    return command

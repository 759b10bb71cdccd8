"""Options of pipes: raw video, and colour that no tag tells."""

from collections.abc import Callable
from typing import Any

import click

from vidrts.cli.parsing import Parsed
from vidrts.errors import OptionError
from vidrts.media.color_names import MATRICES, PRIMARIES, RANGES, TRANSFERS
from vidrts.media.pipes import rawvideo, y4m

COLOR = ("colorspace", "range", "primaries", "transfer")
_TOLD = (
    (MATRICES, "Matrix, in FFmpeg's word, in place of the source's tag."),
    (RANGES, "Range of the code values: tv (limited) or pc (full)."),
    (PRIMARIES, "Primaries; carried on only."),
    (TRANSFERS, "Transfer characteristics; carried on only."),
)


def _parse_raw(text: str) -> y4m.Header:
    """`rawvideo.parse` for click."""
    try:
        return rawvideo.parse(text)
    except OptionError as error:
        raise ValueError(str(error)) from None


RAW = Parsed(_parse_raw, "WxH:PIXFMT@RATE")


def color_options[F: Callable[..., Any]](command: F) -> F:
    """The four colour options."""
    for option, (names, told) in reversed([*zip(COLOR, _TOLD, strict=True)]):
        command = click.option(f"--{option}", type=click.Choice(list(names)), metavar="NAME", help=told)(command)
    return command

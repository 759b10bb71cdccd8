"""Lines for people that programs can tell apart: each has a code, and the values that it names.

A `Message` is a `str`: who only shows lines need not know more. Tests and programs compare `code` and `values`, so that
wording can be mended in one place, the list below.
"""

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any


class Code(Enum):
    """What a line says; its value is the wording, with the names of what it tells in braces (`str.format`)."""

    # training, research
    PICTURE_LEFT_OUT = "{path}: left out, {reason}"
    VIDEO_LEFT_OUT = "left out: {reason}"
    STILLS_EXTRACTED = "{count} stills extracted from {videos}"
    NO_FONT_FOR_SCRIPT = "no font with {scripts} letters found; rendered text does without them"
    NO_FONT_FOR_TITLES = "no font found; the blur level estimator is trained without titles, which may mislead it"


class Message(str):
    """One line. `Message(Code.X, count=3)` is the wording of `X` with 3 for {count}."""

    code: Code
    values: dict[str, Any]

    def __new__(cls, code: Code, /, **values: Any) -> "Message":  # noqa: D102 - the class says it
        return _line(code.value.format(**values), code, values)

    def about(self, place: object) -> "Message":
        """The same line with the name of what it is about before it: "in.mkv: ..."."""
        return _line(f"{place}: {self}", self.code, self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is."""
        return _line, (str(self), self.code, self.values)


def _line(text: str, code: Code, values: dict[str, Any]) -> Message:
    line = str.__new__(Message, text)
    line.code, line.values = code, values
    return line


type Tell = Callable[[Message], None]
"""Hears each line; a `Callable[[str], None]` will do, such as `print`."""


class Once:
    """Passes each line on once, from any thread."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Pass `line` on unless it was told before."""
        with self._lock:
            if line not in self._told:
                self._told.add(line)
                self._tell(line)

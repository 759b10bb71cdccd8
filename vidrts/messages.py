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

    # measure, compare, score
    METRIC_NOT_FOR_HDR = "defined for SDR alone, got {signal}"
    METRIC_NEEDS_SIZE = "needs at least {smallest} pixels a side, got {width}x{height}"
    METRIC_NEEDS_PACKAGE = "needs the package {package}: pip install 'vidrts[report]'"
    METRIC_INFINITE = "infinite, the two are equal"
    METRICS_MISSING = "no {metrics}: {why}"
    SCORED_AS_CODED = "{signal} video is measured as coded; VIQET was made for SDR pictures"
    MOS_UNDEFINED = "the model needs a measure that is not defined for this picture"


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

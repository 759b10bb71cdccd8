"""What parsers of `structure` yield to whoever feeds them."""

from collections.abc import Generator
from dataclasses import dataclass


@dataclass(frozen=True)
class Skip:
    """Bytes to skip; the stream may end at each multiple of `part` before their end."""

    count: int
    part: int = 0


class End:
    """The stream may end here."""


type Steps[T] = Generator[int | Skip | type[End], bytes, T]
"""A parser: yields a number of bytes to receive, a `Skip`, or `End`. When it returns, the check ends."""

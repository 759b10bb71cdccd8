"""What a mistyped name was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], most: int = 2) -> str:
    """The end of a sentence: "; did you mean rts-lite?", or nothing where no known name is near.

    most: names, at most.
    """
    near = get_close_matches(name, list(known), n=most)
    return f"; did you mean {' or '.join(near)}?" if near else ""

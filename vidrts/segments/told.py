"""Messages of segments: of what a film is told once, each segment would say anew."""

from collections.abc import Iterable

from vidrts.messages import Code, Message, Once, Tell

_FIRST_ALONE = {
    Code.DEINTERLACED, Code.TIMESTAMPS_DERIVED, Code.COLOUR_CHANGES, Code.COLOUR_CHANGE_LOST, Code.ASPECT_CHANGES,
    Code.ASPECT_CHANGE_LOST, Code.LATER_FIELDS_CODED_AS_FRAMES, Code.FIELD_ORDER_CHANGES,
}  # fmt: skip
"""Of these only the first place in a film is told."""


class Told:
    """Passes each message on once, and of those that name a first place the first. A `Tell`."""

    def __init__(self, tell: Tell):
        self._once = Once(tell)
        self._codes: set[Code] = set()

    def __call__(self, line: Message) -> None:
        """Pass `line` on unless it was told before."""
        if line.code in _FIRST_ALONE:
            if line.code in self._codes:
                return
            self._codes.add(line.code)
        self._once(line)

    def all(self, lines: Iterable[Message]) -> None:
        """Pass on what a segment said."""
        for line in lines:
            self(line)

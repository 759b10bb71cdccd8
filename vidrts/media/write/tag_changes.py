"""Colour tags and sample aspect ratio that change within a film: told, and followed where the output can."""

from vidrts.frame import Frame
from vidrts.media.input import Input
from vidrts.media.tag_changes import color_change, ratio
from vidrts.media.tags import corrected
from vidrts.messages import Code, Message, Tell


class TagChanges:
    """The tags of an output, frame by frame: at first those of `source`. Stateful; tells the first change of each kind.

    Times are told as -ss counts them. `follows`: the output takes new tags within.
    """

    def __init__(self, source: Input, tell: Tell, *, follows: bool = False):
        self.color, self.sar = source.info.color, source.info.sar
        self._shift = source.shift - source.start_time
        self._tell = tell
        self._follows = follows
        self._told: set[Code] = set()

    def seen(self, frame: Frame) -> bool:
        """Take the next frame; whether the output has other tags from it on."""
        followed = False
        if frame.color != self.color and (changes := color_change(self.color, frame.color, frame.format)):
            self._say(Code.COLOUR_CHANGES if self._follows else Code.COLOUR_CHANGE_LOST, frame, changes=changes)
            if self._follows:
                self.color, followed = corrected(self.color, frame.color), True
        if frame.sar not in (0, self.sar):
            code = Code.ASPECT_CHANGES if self._follows else Code.ASPECT_CHANGE_LOST
            self._say(code, frame, before=ratio(self.sar), now=ratio(frame.sar))
            if self._follows:
                self.sar, followed = frame.sar, True
        return followed

    def _say(self, code: Code, frame: Frame, **values: str) -> None:
        if code not in self._told:
            self._told.add(code)
            self._tell(Message(code, time=float(frame.pts * frame.time_base + self._shift), **values))

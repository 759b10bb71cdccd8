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

    # colour
    MATRIX_ASSUMED = "colour not fully tagged: assuming the {matrix} matrix (by its height)"
    RANGE_ASSUMED = "colour not fully tagged: assuming limited range"
    MATRIX_AND_RANGE_ASSUMED = "colour not fully tagged: assuming the {matrix} matrix (by its height) and limited range"

    # images
    FIRST_PICTURE_TAKEN = "the first of its {count} {unit} is taken"
    GRAY_AS_RGB = "gray, given three equal channels"
    DEPTH_LOWERED = "16 bit, of which the upper 8 are kept"
    ALPHA_DROPPED = "its alpha channel is dropped"
    CMYK_CONVERTED = "CMYK, converted without its colour profile"

    # media/read
    INPUT_DAMAGED = "warning: {damage}"
    TIMESTAMPS_DERIVED = "timestamps of frames are {problem} from {time:.3f} s on; derived from packets and durations"
    CLOCK_JUMPED = "the clock jumps by {jump:+.3f} s at {time:.3f} s: joined without a gap"
    CLOCK_JUMPED_AGAIN = (
        "the clock jumps by {jump:+.3f} s at {time:.3f} s: joined without a gap; further jumps are not told"
    )
    DEINTERLACED = (
        "frames are interlaced from {time:.3f} s on: deinterlaced by bwdif at frame rate, luma and chroma "
        "(--interlaced keep leaves the fields)"
    )
    DECODED_IN_SOFTWARE = "{codec} {format} is not decoded by the GPU: software does it"
    FRAME_RATE_ASSUMED = "the stream does not say its frame rate: {rate} frames/s are assumed"
    ENDS_EARLY = "ends before {time:.3f} s, earlier than it says"
    PAIRS_END_EARLY = "ends before {time:.3f} s, earlier than it says; the {count} moments before are compared"
    NEAREST_COMPARED = (
        "no frame at the time of the source's frame at {time:.3f} s; the nearest, {distance:.3f} s away, is compared "
        "there and wherever else one is missing"
    )
    LENGTHS_DIFFER = "{source} lasts {length:.3f} s and {result} {other:.3f} s: the first {common:.3f} s are compared"
    RATES_DIFFER = "{source} has {rate:.3f} frames/s and {result} {other:.3f}: frames are matched by time"

    # media/write: streams
    SUBTITLE_CONVERTED = "{type} stream {index} ({codec}) is converted to {encoder}: {container} cannot hold it"
    AUDIO_CONVERTED = "{type} stream {index} ({codec}) is encoded by {encoder}: {container} cannot hold it"
    AUDIO_NOT_HELD = "{type} stream {index} ({codec}) cannot be encoded by {encoder}: {container} cannot hold it"
    AUDIO_NOT_ENCODED = "{type} stream {index} ({codec}) cannot be encoded by {encoder} in {container}: {reason}"
    STREAM_LEFT_OUT = "{type} stream {index} ({codec}) is left out: {container} cannot hold it"
    BITMAP_LEFT_OUT = (
        "{type} stream {index} ({codec}) is left out: pictures cannot be converted to text; {container} cannot hold it"
    )
    STREAMS_LEFT_OUT = "{container} holds frames alone: other streams are left out ({streams}); -f matroska holds all"
    LANGUAGE_MISSING = "{option} {missing}: no {type} stream has that language; there are: {languages}"

    # media/write: what a container or an encoder does not hold
    DYNAMIC_HDR_LOST = "{kind} metadata is lost: {encoder} does not write it"
    HDR10_LOST = "HDR10 metadata (mastering display, light levels) is lost: {encoder} does not write it"
    HDR_LOST = "HDR metadata (mastering display, light levels) is lost: {container} cannot hold it"
    CAPTIONS_LOST = "closed captions are lost: {encoder} does not write them"
    ROTATION_LOST = "the rotation by {degrees} degrees is lost: {container} cannot hold it"
    COLOUR_NOT_HELD = "{container} does not say the colour; the ffmpeg after it wants, for its output, {options}"
    SAR_LOST = "the aspect ratio is lost in NUT; the ffmpeg after it wants -vf setsar={sar}"
    SAR_NOT_HELD = "raw video does not say the aspect ratio; the ffmpeg after it wants -vf setsar={sar}"
    RAW_READ_WITH = "raw video says nothing of itself; the ffmpeg after it reads it with {options}"
    TIMES_LOST = (
        "from {time:.3f} s on frames do not come at {rate:.3f} frames/s and y4m has no timestamps: times are lost; "
        "-f matroska or -f nut keeps them"
    )
    CHAPTERS_LOST = "{container} does not hold {count} chapter(s): lost"
    METADATA_LOST = "{container} does not hold metadata {keys}: lost"
    METADATA_LOST_BESIDE_COVER = "metadata {keys} is lost: {container} cannot hold it beside cover art"
    STREAM_METADATA_LOST = "{container} does not hold metadata {keys} of streams: lost"
    TITLES_LOST = "{container} does not hold the title of stream {streams}: lost"
    LANGUAGE_LOST = "{container} does not hold the language {language} of stream {stream}: lost"
    DISPOSITION_LOST = "{container} does not hold the disposition {disposition} of stream {streams}: lost"
    ALPHA_NOT_HELD = "the alpha plane is lost: {format} has none"
    ALPHA_NOT_DECODED = "the alpha plane is lost: FFmpeg's decoder does not give it"

    # media/write: fields and times
    FIELDS_CODED_AS_FRAMES = "{encoder} codes interlaced frames as whole ones; only the container says that they are"
    LATER_FIELDS_CODED_AS_FRAMES = (
        "frames are interlaced, which the first was not, at {time:.3f} s: {encoder} codes them as whole ones; "
        "-ss begins there, -c:v ffv1 keeps all"
    )
    FIELD_ORDER_CHANGES = (
        "the field order changes from {order} to {other} at {time:.3f} s: {encoder} has {order} for the whole file; "
        "-c:v ffv1 keeps all"
    )
    TIMES_ROUNDED = "{encoder} counts whole frames: times are rounded to {rate:.3f} frames/s"
    CLOCK_MOVED = "the source's clock starts at {time:.3f} s, {container} starts at 0: all streams are moved alike"


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


def ignore(line: Message) -> None:
    """Do nothing with a line."""


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

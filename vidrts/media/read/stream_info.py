"""`StreamInfo` of a source, from its first frame and its container."""

from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from vidrts.frame import Frame, StreamInfo
from vidrts.media.containers import fraction
from vidrts.media.tags import coded_field_order


def stream_info(
    first: Frame, stream: VideoStream, rotation: int, start: Fraction | None, end: Fraction | None, *, fields: bool
) -> StreamInfo:
    """Of the stream whose first kept frame is `first`. `start`, `end`: the part that is read, in seconds.

    `fields`: interlaced frames are kept; a stream may then be interlaced although its first frame is not.
    """
    rate = fraction(stream.average_rate) or fraction(stream.guessed_rate)
    return StreamInfo(
        width=first.width,
        height=first.height,
        format=first.format,
        color=first.color,
        time_base=first.time_base,
        frame_rate=rate,
        frames=_expected(stream, first.time_base, rate, start, end),
        sar=fraction(stream.sample_aspect_ratio) or Fraction(0),
        rotation=rotation,
        field_order=coded_field_order(stream) if fields and first.field_order == "progressive" else first.field_order,
        codec=stream.codec_context.codec.canonical_name,
    )


def _expected(
    stream: VideoStream, base: Fraction, rate: Fraction | None, start: Fraction | None, end: Fraction | None
) -> int | None:
    """Estimated number of frames; None if unknown."""
    container = stream.container
    length: Fraction | None = None
    if stream.duration:
        length = stream.duration * base
    elif isinstance(container, InputContainer) and container.duration:
        length = Fraction(container.duration, 1_000_000)
    total = stream.frames or None
    if total is None and length and rate:
        total = round(length * rate)
    if (start or end) and length and total:
        kept = (length if end is None else min(length, end)) - (start or 0)
        total = max(1, round(total * max(Fraction(0), kept) / length))
    return total

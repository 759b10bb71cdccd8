"""`StreamInfo` of a source, from its first frame and its container."""

from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from vidrts.frame import Frame, StreamInfo
from vidrts.media.containers import fraction, time_base
from vidrts.media.read.trim import Cut
from vidrts.media.tags import coded_field_order


def stream_info(first: Frame, stream: VideoStream, rotation: int, cut: Cut, *, fields: bool) -> StreamInfo:
    """Of the stream whose first kept frame is `first`. `cut`: the part that is read.

    `fields`: interlaced frames are kept; a stream may then be interlaced although its first frame is not.
    """
    rate = fraction(stream.average_rate) or fraction(stream.guessed_rate)
    whole = cut.begin is None and cut.end is None
    ends = [end for end in (_end(stream), cut.end) if end is not None]
    length = min(ends) - first.pts * first.time_base - cut.shift if ends else None
    return StreamInfo(
        width=first.width,
        height=first.height,
        format=first.format,
        color=first.color,
        time_base=first.time_base,
        frame_rate=rate,
        frames=_counted(stream) if whole else None,
        length=length if length is not None and length > 0 else None,
        sar=first.sar,
        rotation=rotation,
        field_order=coded_field_order(stream) if fields and first.field_order == "progressive" else first.field_order,
        codec=stream.codec_context.codec.canonical_name,
    )


def _counted(stream: VideoStream) -> int | None:
    """Number of frames by the index of an mp4; None for other files, whose headers and indices only estimate it."""
    if not stream.container.format.name.startswith("mov") or not stream.frames:  # fragments have no index
        return None
    return sum(not entry.is_discard for entry in stream.index_entries) or None


def _end(stream: VideoStream) -> Fraction | None:
    """Seconds of the file's clock at which the stream is said to end."""
    container = stream.container
    if stream.duration:
        return ((stream.start_time or 0) + stream.duration) * time_base(stream.time_base)
    if isinstance(container, InputContainer) and container.duration:
        return Fraction((container.start_time or 0) + container.duration, 1_000_000)
    return None

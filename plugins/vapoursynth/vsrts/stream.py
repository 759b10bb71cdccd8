"""One enhancer at work in a filter graph."""

from collections.abc import Sequence

import vapoursynth as vs

from vidrts.errors import VidrtsError
from vidrts.frame import PixelFormat
from vidrts.messages import Tell
from vidrts.networks.checkpoint import LoadedModel
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vsrts.frames import is_interlaced, read, write

INTERLACED = (
    "frame {} is interlaced (_FieldBased): deinterlace first, for example with resize.Bob or bwdif, or mark it as "
    "progressive with std.SetFieldBased(value=0) if that is what it is"
)


class Stream:
    """An enhancer of its own, with its own CUDA stream on a GPU; a selector for `std.ModifyFrame`.

    ModifyFrame calls its selector for one frame at a time (FilterMode.PARALLEL_REQUESTS), as an enhancer needs it,
    without a lock that would block a thread of the core. Keeps no frame, node or core.
    """

    def __init__(
        self, model: LoadedModel, options: EnhancerOptions, fmt: PixelFormat, length: int, on_message: Tell
    ) -> None:
        self._format = fmt
        self._length = length
        self._enhancer = Enhancer(model, options, on_message=on_message)

    def __call__(self, n: int, f: vs.VideoFrame | Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        """The frames of group `n`, enhanced, above one another in one frame; of a single one, just that.

        A group that the clip's end cuts short comes filled up; what fills it is left undefined.
        """
        group = [f] if isinstance(f, vs.VideoFrame) else f
        first = n * len(group)
        number = first
        try:
            sources = []
            for number, frame in enumerate(group[: self._length - first], first):
                if is_interlaced(frame.props):
                    raise vs.Error(f"enhance: {INTERLACED.format(number)}")
                sources.append(read(frame, self._format, number))
            number = first
            enhanced = self._enhancer(sources)
        except VidrtsError as error:
            raise vs.Error(f"enhance: frame {number}: {error}") from None
        scale = self._enhancer.options.scale
        like = group[0]
        target = vs.core.create_video_frame(like.format, scale * like.width, scale * like.height * len(group))
        for place, frame in enumerate(enhanced):
            write(frame, target, place)
        return target

"""The metrics that FFmpeg has as filters: VMAF, VMAF without enhancement gain, XPSNR; of one picture CAMBI.

The filters are those of the FFmpeg inside PyAV. Frames are measured as coded, YUV against YUV. `measure.registry` says
what the metrics are; a new one is an entry there and a function in `_OF_PAIRS` or `_OF_FRAMES` here.
"""

import gc
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import Frame
from vidrts.media.containers import FFmpegErrors, av_call, reason
from vidrts.media.planes import buffer_arguments, write_planes

_MODELS = r"model=version=vmaf_v0.6.1\:name=vmaf|version=vmaf_v0.6.1neg\:name=vmaf_neg"
_WINDOW = 65
"""Pixels a side of CAMBI's window in a picture of 3840x2160: its default, and the most that it takes."""
_SUBSAMPLING = {(1, 1): "yuv420p", (1, 0): "yuv422p", (0, 0): "yuv444p"}
_CLOCK = Fraction(1, 25)
_RANGES = {0: "auto", 1: "tv", 2: "pc"}

type Values = dict[str, list[float]]
"""Key of a metric -> one value for each frame."""


@dataclass
class FilterScores:
    """One value for each frame, by metric; `missing`: metrics that could not be taken, and why."""

    frames: Values = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def take(self, keys: Sequence[str], measure: Callable[..., Values], *frames: object) -> None:
        """Add what `measure` gives for `frames`, or why it gives nothing."""
        try:
            self.frames |= measure(*frames)
        except UnsupportedFormatError as error:
            self.missing |= dict.fromkeys(keys, str(error))
        except FFmpegErrors as error:
            self.missing |= dict.fromkeys(keys, f"FFmpeg's filter failed: {reason(error)}")


def pair_scores(source: Sequence[Frame], result: Sequence[Frame]) -> FilterScores:
    """`vmaf` and `vmaf_neg` (0..100) and `xpsnr` (dB, luma) of consecutive frames, matched one to one.

    A result of another size is brought to that of the source (Lanczos), both to the source's chroma format. All three
    look back in time: of more than one frame the first is compared but not counted, for it has nothing before it.
    VMAF: Netflix, model vmaf_v0.6.1 (1080p seen from three heights), and its variant that gives nothing for mere
    sharpening, at the greater depth of the two, 8 or 10 bit. XPSNR: Helmrich et al. 2020, infinite for equal frames; at
    8 bit, because FFmpeg's filter reads deeper frames with a wrong stride and is then 20 dB off.
    """
    scores = FilterScores()
    for keys, measure in _OF_PAIRS.items():
        scores.take(keys, measure, source, result)
    if len(source) > 1:
        scores.frames = {key: values[1:] for key, values in scores.frames.items()}
    return scores


def frame_scores(frame: Frame) -> FilterScores:
    """`cambi` of one frame.

    CAMBI: Tandon, Afonso, Sole and Krasula 2021 (libvmaf's feature), 0 to about 24, on luma at 10 bit. The steps that
    it looks for are of up to 4 code values of 10 bit: those of a smooth area stored with 8 bit. At least 216 pixels a
    side; in pictures larger than 3840x2160 its window is no larger than there.
    """
    scores = FilterScores()
    for key, measure in _OF_FRAMES.items():
        scores.take((key,), measure, frame)
    return scores


def _vmaf(source: Sequence[Frame], result: Sequence[Frame]) -> Values:
    """Both models in one pass."""
    if hdr := source[0].color.hdr:
        raise UnsupportedFormatError(f"VMAF has no model for {hdr} video")
    logged = _libvmaf(source, result, _MODELS, _common_format(source[0], result[0]))
    return {key: [values[key] for values in logged] for key in ("vmaf", "vmaf_neg")}


def _xpsnr(source: Sequence[Frame], result: Sequence[Frame]) -> Values:
    tagged = _run(source, result, "xpsnr", _format_8bit(source[0]))
    return {"xpsnr": [float(tags["lavfi.xpsnr.xpsnr.y"]) for tags in tagged]}


def _cambi(frame: Frame) -> Values:
    """The filter has two inputs in any case; CAMBI looks at one of them.

    libvmaf makes the window larger with the picture, and refuses one beyond `_WINDOW`, which 3840x2160 has.
    """
    window = min(_WINDOW, _WINDOW * (3840 + 2160) // (frame.width + frame.height))
    options = rf"feature=name=cambi\:window_size={window}"
    logged = _libvmaf([frame], [frame], options, _common_format(frame, frame))
    return {"cambi": [value for values in logged for key, value in values.items() if key.startswith("cambi")]}


_OF_PAIRS: Mapping[tuple[str, ...], Callable[[Sequence[Frame], Sequence[Frame]], Values]] = {
    ("vmaf", "vmaf_neg"): _vmaf,
    ("xpsnr",): _xpsnr,
}
"""Keys of metrics -> what takes them of consecutive frames (source, result)."""
_OF_FRAMES: Mapping[str, Callable[[Frame], Values]] = {"cambi": _cambi}
KEYS = (*(key for keys in _OF_PAIRS for key in keys), *_OF_FRAMES)
"""All metrics that filters take."""


def _libvmaf(source: Sequence[Frame], result: Sequence[Frame], options: str, fmt: str) -> list[dict[str, float]]:
    """What the filter libvmaf writes of each frame into its log, which is the only place for it."""
    with tempfile.TemporaryDirectory(prefix="vidrts-") as folder:
        log = Path(folder) / "vmaf.json"
        try:
            _run(source, result, f"libvmaf={options}:log_fmt=json:log_path={_escaped(str(log))}", fmt)
        except av.FFmpegError as error:
            error.__traceback__ = None  # its frames hold the graph, which is to be freed while the folder is there
            raise
        finally:
            gc.collect()  # the log is written when the graph is freed
        logged = json.loads(log.read_text())["frames"]
    return [frame["metrics"] for frame in logged]


def _run(source: Sequence[Frame], result: Sequence[Frame], measure: str, fmt: str) -> list[dict[str, str]]:
    """The frames as `fmt` through a filter of two inputs, the result first; the metadata that it puts on each."""
    graph = Graph()
    name, _, arguments = measure.partition("=")
    with av_call():
        meter = graph.add(name, arguments or None)
    like = _video_frame(source[0])
    inputs = []
    for place, frame in enumerate((_video_frame(result[0]), like)):
        inputs.append(graph.add("buffer", buffer_arguments(frame, _CLOCK)))
        last = inputs[-1]
        if (frame.width, frame.height, frame.color_range) != (like.width, like.height, like.color_range):
            size = f"{like.width}:{like.height}:flags=lanczos:out_range={_RANGES[like.color_range]}"
            last = _linked(last, graph.add("scale", size))
        _linked(last, graph.add("format", fmt)).link_to(meter, 0, place)
    sink = _linked(meter, graph.add("buffersink"))
    graph.configure()
    found: list[dict[str, str]] = []
    for number, pair in enumerate(zip(result, source, strict=True)):
        for node, frame in zip(inputs, map(_video_frame, pair), strict=True):
            frame.pts, frame.time_base = number, _CLOCK
            node.push(frame)
        found += _pulled(sink)
    for node in inputs:
        node.push(None)
    return found + _pulled(sink)


def _linked(node: FilterContext, following: FilterContext) -> FilterContext:
    """`following`, which now takes what `node` gives."""
    node.link_to(following)
    return following


def _pulled(sink: FilterContext) -> list[dict[str, str]]:
    """The metadata of all frames that are ready."""
    found: list[dict[str, str]] = []
    while True:
        try:
            frame = sink.pull()
        except (av.BlockingIOError, av.EOFError):
            return found
        assert isinstance(frame, av.VideoFrame)
        found.append(dict(frame.metadata))


def _video_frame(frame: Frame) -> av.VideoFrame:
    """The decoder's own frame, or one made of the planes where there is none."""
    if isinstance(frame.carrier, av.VideoFrame):
        return frame.carrier
    made = av.VideoFrame(frame.width, frame.height, frame.format.name)
    made.colorspace, made.color_range = frame.color.matrix, frame.color.range
    write_planes(made, frame.format, frame.planes, frame.format)
    return made


def _format_8bit(frame: Frame) -> str:
    """YUV of 8 bit with the chroma of `frame`; gray has none and is given 4:2:0."""
    kind = frame.format
    return _SUBSAMPLING[{"yuv": (kind.log2_w, kind.log2_h), "rgb": (0, 0), "gray": (1, 1)}[kind.model]]


def _common_format(source: Frame, result: Frame) -> str:
    """YUV with the chroma of `source`, at 10 bit where one of the two has more than 8."""
    return _format_8bit(source) + ("10le" if max(source.format.depth, result.format.depth) > 8 else "")


def _escaped(value: str) -> str:
    """A value for a filter's argument list."""
    return "".join(f"\\{c}" if c in "\\':" else c for c in value)

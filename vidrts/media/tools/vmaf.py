"""Measures of two videos that FFmpeg has as filters: VMAF, VMAF without enhancement gain, XPSNR.

The filters are those of the FFmpeg inside PyAV. Frames are compared as coded, YUV against YUV.
"""

import gc
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import Frame
from vidrts.media.containers import FFmpegErrors, reason
from vidrts.media.planes import buffer_arguments

_VMAF = r"libvmaf=model=version=vmaf_v0.6.1\:name=vmaf|version=vmaf_v0.6.1neg\:name=vmaf_neg:log_fmt=json:log_path="
_SUBSAMPLING = {(1, 1): "yuv420p", (1, 0): "yuv422p", (0, 0): "yuv444p"}
_CLOCK = Fraction(1, 25)
_RANGES = {0: "auto", 1: "tv", 2: "pc"}


@dataclass
class FilterScores:
    """One value for each frame compared, by measure; `missing`: measures that could not be taken, and why."""

    frames: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def filter_scores(source: Sequence[Frame], result: Sequence[Frame]) -> FilterScores:
    """`vmaf` and `vmaf_neg` (0..100) and `xpsnr` (dB, luma) of consecutive frames, matched one to one.

    A result of another size is brought to that of the source (Lanczos), both to the source's chroma format. All three
    look back in time: of more than one frame the first is compared but not counted, for it has nothing before it.
    VMAF: Netflix, model vmaf_v0.6.1 (1080p seen from three heights), and its variant that gives nothing for mere
    sharpening, at the greater depth of the two, 8 or 10 bit. XPSNR: Helmrich et al. 2020, infinite for equal frames; at
    8 bit, because FFmpeg's filter reads deeper frames with a wrong stride and is then 20 dB off.
    """
    scores = FilterScores()
    for keys, measure in ((("vmaf", "vmaf_neg"), _vmaf), (("xpsnr",), _xpsnr)):
        try:
            scores.frames |= measure(source, result)
        except UnsupportedFormatError as error:
            scores.missing |= dict.fromkeys(keys, str(error))
        except FFmpegErrors as error:
            scores.missing |= dict.fromkeys(keys, f"FFmpeg's filter failed: {reason(error)}")
    if len(source) > 1:
        scores.frames = {key: values[1:] for key, values in scores.frames.items()}
    return scores


def _vmaf(source: Sequence[Frame], result: Sequence[Frame]) -> dict[str, list[float]]:
    """Both models in one pass; the filter tells its values in a file alone."""
    if hdr := source[0].color.hdr:
        raise UnsupportedFormatError(f"VMAF has no model for {hdr} video")
    with tempfile.TemporaryDirectory(prefix="vidrts-") as folder:
        log = Path(folder) / "vmaf.json"
        _run(source, result, _VMAF + _escaped(str(log)), _common_format(source[0], result[0]))
        gc.collect()  # the log is written when the graph is freed
        told = json.loads(log.read_text())["frames"]
    return {key: [float(frame["metrics"][key]) for frame in told] for key in ("vmaf", "vmaf_neg")}


def _xpsnr(source: Sequence[Frame], result: Sequence[Frame]) -> dict[str, list[float]]:
    tagged = _run(source, result, "xpsnr", _format_8bit(source[0]))
    return {"xpsnr": [float(tags["lavfi.xpsnr.xpsnr.y"]) for tags in tagged]}


def _run(source: Sequence[Frame], result: Sequence[Frame], measure: str, fmt: str) -> list[dict[str, str]]:
    """The frames as `fmt` through a filter of two inputs, the result first; the metadata that it puts on each."""
    graph = Graph()
    name, _, arguments = measure.partition("=")
    meter = graph.add(name, arguments or None)
    wanted = _carrier(source[0])
    inputs = []
    for place, frame in enumerate((_carrier(result[0]), wanted)):
        inputs.append(graph.add("buffer", buffer_arguments(frame, _CLOCK)))
        last = inputs[-1]
        if (frame.width, frame.height, frame.color_range) != (wanted.width, wanted.height, wanted.color_range):
            size = f"{wanted.width}:{wanted.height}:flags=lanczos:out_range={_RANGES[wanted.color_range]}"
            last = _linked(last, graph.add("scale", size))
        _linked(last, graph.add("format", fmt)).link_to(meter, 0, place)
    sink = _linked(meter, graph.add("buffersink"))
    graph.configure()
    found: list[dict[str, str]] = []
    for number, pair in enumerate(zip(result, source, strict=True)):
        for node, frame in zip(inputs, map(_carrier, pair), strict=True):
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


def _carrier(frame: Frame) -> av.VideoFrame:
    """The decoder's own frame."""
    assert isinstance(frame.carrier, av.VideoFrame)
    return frame.carrier


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

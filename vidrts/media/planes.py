"""Between FFmpeg's frames and planes of stored samples: views of a decoded frame, and the frame for the encoder.

`plane_views(frame, fmt)` gives one tensor for each component without copying; `FrameBuilder(...)` makes of enhanced
planes and the decoder's frame a frame for the encoder, with the decoder's side data (captions, timecodes, HDR), pts and
colour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import torch
from av.filter import Graph
from av.video.plane import VideoPlane
from numpy.typing import NDArray
from torch.utils.dlpack import from_dlpack

from vidrts.frame import FieldOrder, PixelFormat

_UNSPECIFIED = 2
"""ITU-T H.273: unspecified matrix, transfer or primaries."""

Samples = NDArray[np.uint8] | NDArray[np.uint16]


def plane_views(frame: av.VideoFrame, fmt: PixelFormat) -> tuple[torch.Tensor, ...]:
    """One (h, w) tensor for each component of `frame` in canonical order, as views of the decoder's memory.

    The views hold a reference to FFmpeg's buffer, outlive the frame and must not be written to. Only pictures that
    DLPack cannot describe are copied: bottom-up, semi-planar of odd size, with a padding byte.
    """
    planes = frame.planes
    found: dict[int, torch.Tensor] = {}
    views = []
    for component, (plane, position) in enumerate(fmt.order):
        height, width = fmt.plane_size(component, frame.width, frame.height)
        if plane not in found:
            odd = fmt.layout == "semi-planar" and (frame.width | frame.height) & 1
            if (
                odd
                or fmt.interleaved(plane) > max(position for _, position in fmt.order) + 1
                or planes[plane].line_size < 0
            ):
                found[plane] = torch.from_numpy(_samples(planes[plane], fmt, plane).copy())
            else:
                found[plane] = from_dlpack(planes[plane])
        tensor = found[plane]
        if tensor.dim() == 3:
            tensor = tensor[:, :, position]
        views.append(tensor[:height, :width])
    return tuple(views)


def _samples(plane: VideoPlane, fmt: PixelFormat, index: int) -> Samples:
    """Plane `index` of a frame of format `fmt` as [rows, columns, interleaved]; a view that lives as long as the frame.

    Writing to it writes to the frame.
    """
    dtype = np.dtype(np.uint8 if fmt.depth == 8 else np.uint16)
    step = fmt.interleaved(index)
    pitch = abs(plane.line_size) // dtype.itemsize
    rows: Samples = np.frombuffer(plane, dtype=dtype).reshape(-1, pitch)
    array = rows[: plane.height, : plane.width * step].reshape(plane.height, plane.width, step)
    return array[::-1] if plane.line_size < 0 else array


def write_planes(frame: av.VideoFrame, fmt: PixelFormat, planes: Sequence[torch.Tensor], held: PixelFormat) -> None:
    """Write `planes`, stored samples of format `held`, into the memory of `frame`, which has format `fmt`.

    Both formats hold the same picture (`PixelFormat.samples` equal): only the layout and the place of the bits in a
    stored sample differ, so nothing is lost. `frame` must be writable.
    """
    targets = {index: _samples(plane, fmt, index) for index, plane in enumerate(frame.planes)}
    for (index, position), tensor in zip(fmt.order, planes, strict=True):
        values = tensor.numpy()
        if held.shift > fmt.shift:
            values = values >> (held.shift - fmt.shift)
        elif fmt.shift > held.shift:
            values = values << (fmt.shift - held.shift)
        targets[index][:, :, position] = values


def carried(planes: Sequence[torch.Tensor], fmt: PixelFormat) -> av.VideoFrame:
    """An FFmpeg frame with the samples of `planes`, without copying if possible."""
    height, width = planes[0].shape
    halves = (1 << fmt.log2_w, 1 << fmt.log2_h)
    if fmt.layout == "planar" and not (width % halves[0] or height % halves[1]):
        stored = sorted(zip((plane for plane, _ in fmt.order), planes, strict=True), key=lambda pair: pair[0])
        return av.VideoFrame.from_dlpack(tuple(plane for _, plane in stored), format=fmt.name)
    frame = av.VideoFrame(width, height, fmt.name)
    write_planes(frame, fmt, planes, fmt)
    return frame


class FrameBuilder:
    """Makes the encoder's frames. One for each target, used in one thread.

    `held`: format of the planes that come; `size`: (width, height) of the picture that is encoded; `target`: the
    encoder's format. `convert` makes planes of `target` of those of `held` where they do not hold the same picture (an
    explicit -pix_fmt), else None.
    """

    def __init__(
        self,
        held: PixelFormat,
        size: tuple[int, int],
        target: PixelFormat,
        convert: Callable[[Sequence[torch.Tensor]], Sequence[torch.Tensor]] | None = None,
    ):
        self._held = held
        self._size = size
        self._target = target
        self._convert = convert
        self._graphs: dict[tuple[str, int, int, str], Graph] = {}

    def build(self, planes: Sequence[torch.Tensor], carrier: object, time_base: Fraction) -> av.VideoFrame:
        """The frame for the encoder: samples of `planes`, everything else (side data, flags, pts) of `carrier`.

        `carrier` is the decoder's own frame, or None: then a bare frame is made. The carrier is consumed.
        """
        width, height = self._size
        if not isinstance(carrier, av.VideoFrame):
            frame = av.VideoFrame(width, height, self._target.name)
        elif (carrier.width, carrier.height, carrier.format.name) == (width, height, self._target.name):
            frame = carrier
            # The planes may be views of the decoder's buffers, which other threads of the decoder still read: where
            # anyone else holds them FFmpeg moves this frame to memory of its own, with all its properties.
            frame.make_writable()
        else:
            # Only a filter copies a frame's properties into another layout or size; its samples are overwritten.
            chain = f"scale={width}:{height}:flags=neighbor,format={self._target.name}"
            frame = self._filter(carrier, chain, time_base)
        if self._convert is None:
            write_planes(frame, self._target, planes, self._held)
        else:
            write_planes(frame, self._target, self._convert(planes), self._target)
        return frame

    def _filter(self, frame: av.VideoFrame, chain: str, time_base: Fraction) -> av.VideoFrame:
        """`frame` through a filter chain that gives one frame for each; graphs are kept."""
        tags = Untagged.remove_from(frame)
        key = (frame.format.name, frame.width, frame.height, chain)
        if key not in self._graphs:
            self._graphs[key] = filter_graph(frame, chain, time_base)
        graph = self._graphs[key]
        graph.vpush(frame)
        result = graph.vpull()
        result.pts, result.duration, result.time_base = frame.pts, frame.duration, time_base
        result.chroma_location = frame.chroma_location  # the scale filter drops it
        tags.restore_to(result)
        return result


@dataclass(frozen=True)
class Untagged:
    """A frame's matrix, transfer and primaries, removed while it passes through filters.

    swscale rejects frames by these tags (YCgCo, ICtCp, logarithmic transfer) even when it only copies or scales planes.
    A conversion between YUV and RGB must name its matrix explicitly.
    """

    rgb: bool
    tags: tuple[int, int, int]

    @classmethod
    def remove_from(cls, frame: av.VideoFrame) -> "Untagged":
        """Remove the tags from `frame`."""
        found = cls(frame.format.is_rgb, (frame.colorspace, frame.color_trc, frame.color_primaries))
        frame.colorspace = frame.color_trc = frame.color_primaries = _UNSPECIFIED
        return found

    def restore_to(self, frame: av.VideoFrame) -> None:
        """Restore the tags on a filtered frame; not the matrix if it was converted between YUV and RGB."""
        matrix, frame.color_trc, frame.color_primaries = self.tags
        if frame.format.is_rgb == self.rgb:
            frame.colorspace = matrix


def filter_graph(frame: av.VideoFrame, chain: str, time_base: Fraction, *, threads: int = 0) -> Graph:
    """A configured graph that takes frames like `frame` (size, format, colour) through `chain`, for example "bwdif".

    `threads`: of its filters; 0: automatic.
    """
    graph = Graph()
    graph.threads = threads
    last = graph.add("buffer", buffer_arguments(frame, time_base))
    for link in chain.split(","):
        name, _, arguments = link.partition("=")
        node = graph.add(name, arguments or None)
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


class FieldMarker:
    """Sets the field order flags of frames with the filter setfield: PyAV can only read them."""

    def __init__(self) -> None:
        self._graphs: dict[FieldOrder, Graph] = {}

    def marked(self, frame: av.VideoFrame, order: FieldOrder, time_base: Fraction) -> av.VideoFrame:
        """`frame` with field order `order`; all frames have one size and format."""
        if order not in self._graphs:
            self._graphs[order] = filter_graph(frame, f"setfield={order}", time_base)
        graph = self._graphs[order]
        graph.vpush(frame)
        marked = graph.vpull()
        marked.pts, marked.duration, marked.time_base = frame.pts, frame.duration, frame.time_base
        marked.chroma_location = frame.chroma_location  # the filter drops it
        return marked


def buffer_arguments(frame: av.VideoFrame, time_base: Fraction, sar: Fraction = Fraction(1)) -> str:
    """Arguments of the filter "buffer" for frames like `frame`; `sar` 0: unknown."""
    matrix = frame.colorspace
    tags = f":colorspace={matrix}" if matrix != 3 else ""  # 3 is reserved; the filter refuses it
    return (
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={time_base}"
        f":pixel_aspect={sar.numerator}/{sar.denominator}:range={frame.color_range}{tags}"
    )

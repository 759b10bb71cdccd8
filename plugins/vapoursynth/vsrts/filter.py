"""enhance(): check what came, then a graph of the core's own filters around one selector for each stream."""

import os
from collections.abc import Sequence
from itertools import cycle
from operator import index
from typing import Literal

import torch
import vapoursynth as vs

from vidrts import colorplan
from vidrts.errors import DeviceError, OptionError, UnsupportedFormatError, VidrtsError
from vidrts.frame import PixelFormat
from vidrts.messages import Once
from vidrts.networks.checkpoint import load_model
from vidrts.networks.names import AUTO
from vidrts.picture.options import SMALLEST, Chroma, EngineName, EnhancerOptions, NoiseKind, Precision
from vsrts import enlarged, frames
from vsrts.stream import INTERLACED, Stream

_MOST = 64
"""Streams, and frames in one pass: each takes memory of its own."""


def enhance(
    clip: vs.VideoNode,
    *,
    model: str | os.PathLike[str] = AUTO,
    scale: int = 1,
    strength: float = 1.0,
    chroma: Chroma = "keep",
    detail: float | None = None,
    noise: NoiseKind = "constant",
    noise_amplitude: float | None = None,
    device: str = "auto",
    device_index: int = 0,
    num_streams: int = 1,
    batch_size: int = 1,
    tile: Sequence[int] | None = None,
    precision: Precision = "auto",
    engine: EngineName = "auto",
) -> vs.VideoNode:
    """Sharpen every frame of `clip` with a small super-resolution network; same format, same properties.

    Takes YUV 4:2:0, 4:2:2 and 4:4:4, GRAY and RGB of 8 to 16 bit, RGBH, RGBS, GRAYH and GRAYS, of constant format and
    size, at least 16x16. YUV needs no conversion to RGB before: what the network changes is added to the luma plane as
    it is. Matrix, range and chroma location come from frame properties; missing ones are assumed (BT.709 from 720
    lines up, BT.601 below; limited range; left) and logged once. Properties are copied; where the size changes,
    `_Alpha` is enlarged, too, and an assumed matrix is written to `_Matrix`. A NaN stays where it is.

    model: a shipped model's name (`python -m vsrts` lists them) or a model file; "auto" is rts-r3 on a GPU and
      rts-lite on a CPU. A script that is to give the same picture on every machine names its model.
    scale: 1 for the same size, sharper; 2, 4 or 8 times the size, where the model offers it.
    strength: how much of the change is applied, 0 to 2.
    chroma: "keep" changes luma alone, "sharpen" writes the network's chroma, too, where the model was trained on it.
    detail: with models that take noise, at other scales than 1: 0 is faithful (and None), 1 has all the detail that the
      model makes up. noise: "constant", or "static" for noise that stays in its place. noise_amplitude: that itself,
      0 to 1, instead of detail.
    device, device_index: "auto" (CUDA where there is one), "cuda" or "cpu"; which GPU, from 0.
    num_streams: enhancers that work at the same time, 1 to 64, each with its own memory. On a CPU one uses all cores.
    batch_size: frames in one pass of a GPU, 1 to 64.
    tile: (width, height) in pixels, (0, 0) for whole frames, None as the device likes. Does not change the picture.
    precision: of the network's residual branch: "auto", "fp32", "bf16", "fp16", or on a CPU "int8".
    engine: what computes the residual branch: "auto" (OpenVINO on a CPU, torch on a GPU), "torch" or "openvino".

    Raises `vapoursynth.Error` where clip or options are not as above, where the first frame is interlaced and where
    its matrix is not known; later frames of that kind fail alone.
    """
    if not isinstance(clip, vs.VideoNode):
        raise vs.Error(f"enhance: expected a clip, got {type(clip).__name__}")
    try:
        fmt = check_clip(clip)
        _check_counts(num_streams=num_streams, batch_size=batch_size)
        options = EnhancerOptions(
            scale=scale,
            strength=strength,
            chroma=chroma,
            detail=detail,
            noise=noise,
            noise_amplitude=noise_amplitude,
            device=_device(device, device_index),
            precision=precision,
            engine=engine,
            tile=_tile(tile),
        )
        if not isinstance(model, str | os.PathLike):
            raise OptionError(f"model: expected a shipped model's name or a model file, got {model!r}")
        loaded = load_model(model, options.scale, torch.device(options.device))
        _check_first_frame(clip, fmt)
        log = Once(_log)
        streams = [Stream(loaded, options, fmt, clip.num_frames, log) for _ in range(num_streams)]
    except VidrtsError as error:
        raise vs.Error(f"enhance: {error}") from None
    enhanced = _graph(clip, streams, min(batch_size, clip.num_frames), scale)
    return enhanced if scale == 1 else enhanced.std.ModifyFrame(enhanced, enlarged.Properties(fmt, scale))


def check_clip(clip: vs.VideoNode) -> PixelFormat:
    """The clip's format; raises `UnsupportedFormatError` for a clip that cannot be enhanced."""
    if clip.format is None or clip.format.color_family == vs.UNDEFINED or clip.width == 0:
        raise UnsupportedFormatError("only clips of constant format and size are supported")
    if getattr(clip, "gpu_resident", False):
        raise UnsupportedFormatError("clips in GPU memory are not supported: download them first with std.GPUDownload")
    if min(clip.width, clip.height) < SMALLEST:
        raise UnsupportedFormatError(
            f"picture size {clip.width}x{clip.height}: expected at least {SMALLEST}x{SMALLEST} pixels"
        )
    return frames.pixel_format(clip.format)


def _check_first_frame(clip: vs.VideoNode, fmt: PixelFormat) -> None:
    """Raise here, in one line, what would otherwise come from within the core as a traceback."""
    with clip.get_frame(0) as first:
        if frames.is_interlaced(first.props):
            raise UnsupportedFormatError(INTERLACED.format(0))
        tags, _ = colorplan.assume(frames.color_tags(first.props), fmt, clip.height)
        colorplan.plan(tags, fmt)


def _device(name: str, index: int) -> str:
    if name not in ("auto", "cpu", "cuda"):
        raise OptionError(f'device: expected "auto", "cpu" or "cuda", got {name!r}; device_index chooses the GPU')
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if not torch.cuda.is_available():
        raise DeviceError(f'device "cuda": no CUDA device found by torch {torch.__version__}; use device="cpu"')
    count = torch.cuda.device_count()
    if not 0 <= index < count:
        raise DeviceError(f"device_index: expected 0 to {count - 1}, one of the CUDA devices here, got {index}")
    return f"cuda:{index}"


def _check_counts(**counts: int) -> None:
    """Raise `OptionError` for anything but a whole number in range; a script's arguments are text."""
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
            raise OptionError(f"{name}: expected a whole number from 1 to {_MOST}, got {count!r}")


def _tile(size: Sequence[int] | None) -> tuple[int, int] | Literal["auto", "none"]:
    if size is None:
        return "auto"
    try:
        width, height = map(index, size)
    except (TypeError, ValueError):
        raise OptionError(f"tile: expected (width, height), (0, 0) or None, got {size!r}") from None
    return "none" if (width, height) == (0, 0) else (width, height)


def _log(line: str) -> None:
    vs.core.log_message(vs.MESSAGE_TYPE_WARNING, f"enhance: {line}")


def _graph(clip: vs.VideoNode, streams: Sequence[Stream], batch: int, scale: int) -> vs.VideoNode:
    """Groups of `batch` frames, each group to the stream whose turn it is, cut into single frames again.

    A group is a function of its number alone, so frames may be asked for in any order; no thread waits for another.
    """
    groups = [clip]
    if batch > 1:
        short = -clip.num_frames % batch
        filled = clip + clip[-1] * short if short else clip
        groups = [filled[i::batch] for i in range(batch)]
    width, height = scale * clip.width, scale * clip.height
    like = groups[0].std.BlankClip(width=width, height=batch * height, keep=True)
    nodes = [like.std.ModifyFrame(groups, stream) for stream in streams]
    enhanced = nodes[0]
    if len(nodes) > 1:
        turns = cycle(nodes)
        enhanced = like.std.FrameEval(lambda n: next(turns), clip_src=nodes)
    if batch > 1:
        enhanced.std.SetVideoCache(mode=1)  # each of a group's frames asks for the whole group
        pictures = [enhanced.std.CropAbs(width, height, 0, place * height) for place in range(batch)]
        enhanced = vs.core.std.Interleave(pictures)[: clip.num_frames]
    return enhanced.std.CopyFrameProps(clip)

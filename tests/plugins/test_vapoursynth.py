"""vsrts.enhance in a VapourSynth core: the same picture as the enhancer alone, in every format, order and grouping."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.networks import calibrated_gmgbp

from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.source import Source
from vidrts.networks.checkpoint import load_model
from vidrts.ops.lanczos import enlarge
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler

vs = pytest.importorskip("vapoursynth", reason="VapourSynth is not installed: pip install vapoursynth")

from vsrts import enhance  # noqa: E402 - after the skip
from vsrts.filter import check_clip  # noqa: E402
from vsrts.frames import color_tags  # noqa: E402

WAIT = 120
"""Seconds after which a frame that did not come is a deadlock."""
Planes = Sequence[np.ndarray]


@pytest.fixture
def core() -> Iterator[Any]:
    threads = vs.core.num_threads
    yield vs.core
    vs.core.num_threads = threads


@pytest.fixture
def options(tiny_model: Path) -> dict[str, Any]:
    return {"model": tiny_model, "device": "cpu", "precision": "fp32"}


def random_planes(name: str, width: int = 50, height: int = 34, seed: int = 0) -> Planes:
    """Random samples of FFmpeg's pixel format `name`, the whole range of codes."""
    fmt, generator = pixel_format(name), np.random.default_rng(seed)
    dtype = np.uint8 if fmt.depth == 8 else np.uint16
    sizes = [fmt.plane_size(c, width, height) for c in range(len(fmt.order))]
    return [generator.integers(0, 2**fmt.depth, size, dtype) for size in sizes]


def clip_of(pictures: Sequence[Planes], fmt: Any, **props: Any) -> Any:
    """A clip of these pictures, which it makes anew whenever it is asked."""
    height, width = pictures[0][0].shape
    blank = vs.core.std.BlankClip(width=width, height=height, format=fmt, length=len(pictures), fpsnum=25, fpsden=1)

    def paint(n: int, f: Any) -> Any:
        painted = f.copy()
        for plane, samples in enumerate(pictures[n]):
            np.asarray(painted[plane])[:] = samples
        return painted

    clip = blank.std.ModifyFrame(blank, paint)
    return clip.std.SetFrameProps(**props) if props else clip


def planes_of(frame: Any) -> Planes:
    return [np.asarray(frame[plane]).copy() for plane in range(frame.format.num_planes)]


def same(a: Planes, b: Planes) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def truth(planes: Planes, name: str, tags: ColorTags, model: Path, **kwargs: Any) -> Planes:
    """What the enhancer alone makes of it."""
    frame = Frame(
        planes=tuple(torch.from_numpy(p) for p in planes), format=pixel_format(name), color=tags, pts=0,
        time_base=Fraction(1),
    )  # fmt: skip
    enhancer = Enhancer(load_model(model).network, EnhancerOptions(device="cpu", precision="fp32", **kwargs))
    return [p.numpy() for p in enhancer([frame])[0].planes]


# The picture -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(
    ("name", "there"),
    [("yuv420p", "YUV420P8"), ("yuv420p10le", "YUV420P10"), ("yuv422p12le", "YUV422P12"), ("yuv422p", "YUV422P8"),
     ("yuv444p16le", "YUV444P16"), ("gray", "GRAY8"), ("gray16le", "GRAY16"), ("gbrp", "RGB24"),
     ("gbrp10le", "RGB30"), ("gbrp16le", "RGB48")],
)  # fmt: skip
def test_integer_formats_to_the_bit(name: str, there: str, scale: int, chroma: str, options: dict[str, Any]) -> None:
    planes = random_planes(name)
    clip = clip_of([planes], getattr(vs, there), _Matrix=1)
    enhanced = enhance(clip, scale=scale, chroma=chroma, **options)
    assert (enhanced.format.id, enhanced.width, enhanced.height) == (clip.format.id, 50 * scale, 34 * scale)
    wanted = truth(planes, name, ColorTags(matrix=1), options["model"], scale=scale, chroma=chroma)
    assert scale != 1 or not same(wanted, planes)
    assert same(planes_of(enhanced.get_frame(0)), wanted)


@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("there", "dtype", "near"), [
    ("RGBS", "f4", 2e-6), ("RGBH", "f2", 2e-3), ("GRAYS", "f4", 2e-6), ("GRAYH", "f2", 2e-3),
])  # fmt: skip
def test_floats_keep_what_lies_outside(
    there: str, dtype: str, near: float, scale: int, chroma: str, options: dict[str, Any]
) -> None:
    """Against the formula x + (E - clamp(x)), of luma or of all channels, in which what was out of 0..1 stays out by as
    much at most."""
    channels = 3 if there.startswith("RGB") else 1
    planes = [p.astype(dtype) for p in np.random.default_rng(1).uniform(-0.4, 1.6, (channels, 34, 50))]
    clip = clip_of([planes], getattr(vs, there))
    got = np.stack(planes_of(enhance(clip, scale=scale, chroma=chroma, **options).get_frame(0)))
    assert same(planes_of(clip.get_frame(0)), planes)  # views of the source's memory were read, not written

    x = torch.from_numpy(np.stack(planes)).float()[None]
    inside = x.clamp(0, 1).expand(-1, 3, -1, -1)
    network = load_model(options["model"]).network
    change = TiledUpscaler(network, torch.device("cpu"), torch.float32, scale=scale)(inside)
    base = inside if scale == 1 else enlarge(inside, 2)
    if chroma == "sharpen":
        change = change.clamp(0, 1)
    change -= base
    if channels == 1 or chroma == "keep":
        change = (change * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(dim=1, keepdim=True)
    x = x if scale == 1 else enlarge(x, 2)
    wanted = (x + change).clamp(min=x.clamp(max=0), max=x.clamp(min=1))[0].numpy()
    assert np.abs(got.astype("f8") - wanted).max() < near
    assert got.min() < -0.2
    assert got.max() > 1.2


@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("there", "dtype"), [("RGBS", "f4"), ("RGBH", "f2"), ("GRAYS", "f4"), ("GRAYH", "f2")])
def test_what_is_no_number_stays_where_it_is(
    there: str, dtype: str, scale: int, chroma: str, options: dict[str, Any]
) -> None:
    """And all else is as if black, or white for infinity, were there."""
    channels = 3 if there.startswith("RGB") else 1
    numbers = np.random.default_rng(2).uniform(0, 1, (channels, 34, 50)).astype(dtype)
    planes = numbers.copy()
    for place, value in {(0, 9, 20): np.nan, (channels - 1, 30, 49): np.inf, (0, 0, 0): -np.inf}.items():
        planes[place], numbers[place] = value, 1 if value == np.inf else 0
    fmt = getattr(vs, there)
    got, wanted = (
        np.stack(planes_of(enhance(clip_of([p], fmt), scale=scale, chroma=chroma, **options).get_frame(0)))
        for p in (planes, numbers)
    )
    large = planes.repeat(scale, 1).repeat(scale, 2)
    where = ~np.isfinite(large)
    assert np.array_equal(got[where], large[where], equal_nan=True)
    assert np.array_equal(got[~where], wanted[~where])


def test_a_nan_stays_in_its_pixel_where_channels_are_mixed(options: dict[str, Any]) -> None:
    """Luma of BT.2020's primaries goes through a matrix of all three."""
    planes = np.random.default_rng(2).uniform(0, 1, (3, 34, 50)).astype("f4")
    planes[1, 9, 20] = np.nan
    got = np.stack(planes_of(enhance(clip_of([planes], vs.RGBS, _Primaries=9), **options).get_frame(0)))
    assert np.array_equal(np.isnan(got), np.isnan(planes))


@pytest.mark.parametrize("there", ["GRAY8", "GRAY10", "GRAY16", "GRAYS", "GRAYH"])
def test_alpha_is_enlarged_with_the_picture(there: str, options: dict[str, Any]) -> None:
    """As the core's Lanczos does it, but for the pixels near the edges, which it extends otherwise."""
    fmt = vs.core.get_video_format(getattr(vs, there))
    samples = np.random.default_rng(3).uniform(0.3, 0.7, (3, 34, 50))  # so that no kernel overshoots
    most = 1 if fmt.sample_type == vs.FLOAT else 2**fmt.bits_per_sample - 1
    near = {"GRAY8": 1, "GRAY10": 1, "GRAY16": 4, "GRAYS": 1e-5, "GRAYH": 1e-3}[there]
    dtype = {"GRAY8": "u1", "GRAYS": "f4", "GRAYH": "f2"}.get(there, "u2")
    alpha = clip_of([[(most * each).astype(dtype)] for each in samples], fmt.id)
    clip = clip_of([random_planes("yuv420p", seed=n) for n in range(3)], vs.YUV420P8, _Matrix=1)
    marked = clip.std.ClipToProp(alpha, prop="_Alpha")
    marked = marked[0] + clip[1] + marked[2]
    wanted = alpha.resize.Lanczos(100, 68, filter_param_a=3)
    for batch in (1, 2):
        enhanced = enhance(marked, scale=2, batch_size=batch, **options)
        assert "_Alpha" not in enhanced.get_frame(1).props
        for n in (0, 2):
            got = enhanced.get_frame(n).props["_Alpha"]
            assert (got.format.id, got.width, got.height) == (fmt.id, 100, 68)
            inner = [np.asarray(each[0]).astype("f8")[8:-8, 8:-8] for each in (got, wanted.get_frame(n))]
            assert np.abs(inner[0] - inner[1].clip(0, most)).max() <= near
    same_size = enhance(marked, **options).get_frame(2).props["_Alpha"]
    assert same(planes_of(same_size), planes_of(alpha.get_frame(2)))


def test_an_alpha_that_cannot_be_enlarged_is_refused(options: dict[str, Any], core: Any) -> None:
    clip = clip_of([random_planes("gray")] * 2, vs.GRAY8)
    for name, words in (("GRAY32", "_Alpha: format Gray32 is not supported"), ("RGB24", "_Alpha: expected a GRAY")):
        alpha = core.std.BlankClip(format=getattr(vs, name), width=50, height=34, length=2)
        marked = clip[0] + clip[1].std.ClipToProp(alpha, prop="_Alpha")
        assert enhance(marked, **options).get_frame(1).width == 50
        with pytest.raises(vs.Error, match=f"enhance: frame 1: {words}"):
            enhance(marked, scale=2, **options).get_frame(1)


@pytest.mark.parametrize(
    ("there", "height", "props", "matrix"),
    [
        ("YUV420P8", 480, {}, 6),
        ("YUV444P10", 480, {"_Matrix": 2}, 6),
        ("YUV420P8", 480, {"_Matrix": 0}, 6),  # which only 4:4:4 has
        ("YUV422P16", 720, {}, 1),
        ("YUV420P8", 480, {"_Matrix": 5}, 5),
        ("GRAY8", 480, {}, None),
        ("RGB24", 480, {"_Matrix": 0}, 0),
    ],
)
def test_an_assumed_matrix_is_told_where_the_height_changes(
    there: str, height: int, props: dict[str, int], matrix: int | None, options: dict[str, Any], core: Any
) -> None:
    clip = core.std.BlankClip(format=getattr(vs, there), width=32, height=height, length=1).std.SetFrameProps(**props)
    assert enhance(clip, scale=2, **options).get_frame(0).props.get("_Matrix") == matrix
    assert enhance(clip, **options).get_frame(0).props.get("_Matrix") == props.get("_Matrix")


@pytest.mark.parametrize(
    ("props", "tags"),
    [
        ({"_Matrix": 9, "_Range": 0}, ColorTags(matrix=9, range=1)),
        ({"_Matrix": 6, "_Range": 1}, ColorTags(matrix=6, range=2)),
        ({"_Matrix": 1, "_Range": 0, "_ChromaLocation": 1}, ColorTags(matrix=1, range=1, siting=2)),
        ({"_Matrix": 1, "_Range": 0, "_ChromaLocation": 2}, ColorTags(matrix=1, range=1, siting=3)),
        ({}, ColorTags(matrix=6, range=1, siting=1)),
    ],
)
def test_colour_comes_from_properties(props: dict[str, int], tags: ColorTags, options: dict[str, Any]) -> None:
    planes = random_planes("yuv420p")
    got = planes_of(enhance(clip_of([planes], vs.YUV420P8, **props), chroma="sharpen", **options).get_frame(0))
    assert same(got, truth(planes, "yuv420p", tags, options["model"], chroma="sharpen"))
    others = [ColorTags(matrix=t, range=r, siting=s) for t in (1, 6, 9) for r in (1, 2) for s in (1, 2, 3)]
    equal = [t for t in others if same(got, truth(planes, "yuv420p", t, options["model"], chroma="sharpen"))]
    assert len(equal) == 1  # each property matters


def test_range_of_cores_before_range() -> None:
    assert [color_tags(p).range for p in ({"_ColorRange": 0}, {"_ColorRange": 1}, {})] == [2, 1, 0]
    assert color_tags({"_Range": 1, "_ColorRange": 1}).range == 2
    with pytest.raises(UnsupportedFormatError, match="_ColorRange: expected 0 to 1, got 2"):
        color_tags({"_ColorRange": 2})


def test_properties_are_copied(options: dict[str, Any]) -> None:
    pictures = [random_planes("yuv420p", seed=n) for n in range(5)]
    alike = clip_of(pictures, vs.YUV420P8, _Matrix=1, _SARNum=4, _SARDen=3, mine=b"yes")
    clip = alike.std.FrameEval(lambda n: alike.std.SetFrameProps(number=n))
    for batch in (1, 3):
        enhanced = enhance(clip, batch_size=batch, scale=2, **options)
        assert (enhanced.fps, enhanced.num_frames) == (25, 5)
        for n in range(5):
            assert dict(enhanced.get_frame(n).props) == dict(clip.get_frame(n).props)


@pytest.mark.parametrize(
    "name",
    ["torchcodec__nasa_13013.mp4", "torchcodec__bt2020_10bit.mp4", "androidx_media__sample_with_chapters.mkv",
     "mediabunny__sar_2x1.mp4"],
)  # fmt: skip
def test_the_same_picture_as_from_a_file(name: str, clips: Path, options: dict[str, Any], core: Any) -> None:
    if not hasattr(core, "bs"):
        pytest.skip("BestSource is not installed: pip install vapoursynth-bestsource")
    enhanced = enhance(core.bs.VideoSource(str(clips / name), cachemode=0), batch_size=2, **options)
    enhancer = Enhancer(load_model(options["model"]).network, EnhancerOptions(device="cpu", precision="fp32"))
    with Source(clips / name) as source:
        frames = (event for event in source.events() if isinstance(event, Frame))
        for n, frame in zip(range(3), frames, strict=False):
            (wanted,) = enhancer([frame])
            assert same(planes_of(enhanced.get_frame(n)), [p.numpy() for p in wanted.planes])


# Order, threads, streams, batches --------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_any_order_and_many_filters(threads: int, options: dict[str, Any], core: Any) -> None:
    """Two filters in a row, a trimmed and an interleaved clip, frames asked for at random, all at once."""
    core.num_threads = threads
    length, model = 11, options["model"]
    pictures = [random_planes("gray", 32, 20, seed=n) for n in range(length)]
    once = [truth(p, "gray", ColorTags(), model) for p in pictures]
    twice = [truth(p, "gray", ColorTags(), model, strength=0.5) for p in once]

    clip = clip_of(pictures, vs.GRAY8)
    first = enhance(clip, num_streams=2, batch_size=3, **options)
    second = enhance(first, strength=0.5, batch_size=2, **options)
    mixed = core.std.Interleave([second, first, clip])[4:29]
    wanted = [planes for group in zip(twice, once, pictures, strict=True) for planes in group][4:29]
    numbers = list(range(25))
    random.Random(threads).shuffle(numbers)
    asked = [(n, mixed.get_frame_async(n)) for n in numbers]
    for n, frame in asked:
        assert same(planes_of(frame.result(timeout=WAIT)), wanted[n]), n
    assert same(planes_of(first[7].get_frame(0)), once[7])  # and again, after all is done


def record(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None] = lambda: None) -> list[list[int]]:
    """The numbers of the frames of each call of an enhancer; fails where one enhancer is called twice at a time."""
    calls: list[list[int]] = []
    busy: set[int] = set()
    real = Enhancer.__call__

    def watched(self: Enhancer, frames: Sequence[Frame]) -> list[Frame]:
        assert id(self) not in busy, "one enhancer, two calls at a time"
        busy.add(id(self))
        calls.append([frame.pts for frame in frames])
        before()
        try:
            return real(self, frames)
        finally:
            busy.remove(id(self))

    monkeypatch.setattr(Enhancer, "__call__", watched)
    return calls


@pytest.mark.parametrize("streams", [1, 3])
def test_streams_work_at_the_same_time(
    streams: int, options: dict[str, Any], core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits in its first call for all the others; the source is still read while they do."""
    core.num_threads = 6
    meeting, seen = threading.Barrier(streams), count()
    calls = record(monkeypatch, lambda: next(seen) < streams and meeting.wait(WAIT))
    clip = clip_of([random_planes("gray", 32, 20, seed=n) for n in range(9)], vs.GRAY8)
    enhanced = enhance(clip, num_streams=streams, **options)
    for frame in [enhanced.get_frame_async(n) for n in range(9)]:
        frame.result(timeout=WAIT)
    assert sorted(calls) == [[n] for n in range(9)]


def test_a_batch_is_computed_once(options: dict[str, Any], core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    core.num_threads = 4
    pictures = [random_planes("yuv420p", 32, 20, seed=n) for n in range(10)]
    read: list[int] = []
    clip = clip_of(pictures, vs.YUV420P8, _Matrix=1)
    clip = clip.std.ModifyFrame(clip, lambda n, f: read.append(n) or f)
    enhanced = enhance(clip, batch_size=4, **options)
    calls = record(monkeypatch)
    read.clear()
    got = [planes_of(frame) for frame in enhanced.frames(prefetch=6)]
    assert sorted(calls) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert sorted(read) == list(range(10))
    wanted = [truth(p, "yuv420p", ColorTags(matrix=1), options["model"]) for p in pictures]
    assert all(same(a, b) for a, b in zip(got, wanted, strict=True))


def test_batches_of_a_clip_without_a_frame_rate(options: dict[str, Any], core: Any) -> None:
    blank = core.std.BlankClip(width=32, height=20, format=vs.GRAY8, length=5, fpsnum=0, fpsden=1)
    enhanced = enhance(blank, batch_size=2, **options)
    assert (enhanced.fps, len(list(enhanced.frames()))) == (0, 5)


@pytest.mark.cuda
def test_cuda_gives_the_same_frames(options: dict[str, Any], core: Any) -> None:
    pictures = [random_planes("yuv420p", 320, 180, seed=n) for n in range(7)]
    clip = clip_of(pictures, vs.YUV420P8, _Matrix=1)
    enhanced = enhance(clip, num_streams=2, batch_size=2, **options | {"device": "cuda"})
    for planes, frame in zip(pictures, enhanced.frames(), strict=True):
        wanted = truth(planes, "yuv420p", ColorTags(matrix=1), options["model"])
        for a, b in zip(planes_of(frame), wanted, strict=True):
            assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


# What is said and refused ----------------------------------------------------------------------------------------


def test_assumptions_are_said_once(options: dict[str, Any], core: Any) -> None:
    said: list[str] = []
    handle = core.add_log_handler(lambda kind, line: said.append(line))
    try:
        pictures = [random_planes("yuv420p", seed=n) for n in range(4)]
        list(enhance(clip_of(pictures, vs.YUV420P8), num_streams=2, **options).frames())
        list(enhance(clip_of(pictures, vs.YUV420P8, _Matrix=1, _Range=0), **options).frames())
    finally:
        core.remove_log_handler(handle)
    ours = [line for line in said if line.startswith("enhance: ")]
    assert len(ours) == 1
    assert "BT.601" in ours[0]
    assert "limited range" in ours[0]


@pytest.mark.parametrize(
    ("blank", "given", "words"),
    [
        ({"format": "YUV411P8"}, {}, "YUV411P8 is not supported.*YUV444P16"),
        ({"format": "YUV420PS"}, {}, "YUV420PS is not supported"),
        ({"format": "GRAY32"}, {}, "Gray32 is not supported.*GRAY16"),
        ({"format": "GRAY8", "width": 15}, {}, "size 15x34: expected at least 16x16"),
        ({"format": "GRAY8", "varsize": 1}, {}, "constant format and size"),
        ({"format": "GRAY8", "varformat": 1}, {}, "constant format and size"),
        ({}, {"scale": 2.0}, "scale: expected 1, 2, 4 or 8, got 2.0"),
        ({}, {"num_streams": True}, "num_streams: expected .*, got True"),
        ({}, {"scale": 3}, "scale: expected 1, 2, 4 or 8, got 3$"),
        ({}, {"strength": 3}, "strength: expected 0 to 2, got 3$"),
        ({}, {"device": "cuda:1"}, "device: expected .*, got 'cuda:1'.*device_index"),
        ({}, {"strength": "1"}, "strength: expected 0 to 2, got '1'"),
        ({}, {"strength": float("nan")}, "strength: expected 0 to 2, got nan"),
        ({}, {"num_streams": 0}, "num_streams: expected a whole number from 1 to 64, got 0"),
        ({}, {"num_streams": "2"}, "num_streams: expected a whole number .*, got '2'"),
        ({}, {"batch_size": 0}, "batch_size: expected a whole number from 1 to 64, got 0"),
        ({}, {"batch_size": 10**6}, "batch_size: expected a whole number from 1 to 64, got 1000000"),
        ({}, {"batch_size": 2.0}, "batch_size: expected a whole number .*, got 2.0"),
        ({}, {"tile": "64x64"}, r"tile: expected \(width, height\), .* got '64x64'"),
        ({}, {"tile": 64}, r"tile: expected \(width, height\), .* got 64"),
        ({}, {"tile": (64.0, 64.0)}, r"tile: expected \(width, height\), .* got \(64.0, 64.0\)"),
        ({}, {"tile": (8, 64)}, r"tile: expected .* at least 16x16, got \(8, 64\)"),
        ({}, {"tile": (64,)}, r"tile: expected \(width, height\), .* got \(64,\)"),
        ({}, {"chroma": "luma"}, "chroma: expected keep or sharpen, got 'luma'"),
        ({}, {"precision": "fp8"}, "precision: expected auto, .*, got 'fp8'"),
        ({}, {"engine": "tensorrt"}, "engine: expected auto, .*, got 'tensorrt'"),
        ({}, {"model": None}, "model: expected a shipped model's name .*, got None"),
        ({}, {"model": "no-such"}, "model no-such: neither a shipped model"),
    ],
)
def test_refusals(blank: dict[str, Any], given: dict[str, Any], words: str, options: dict[str, Any], core: Any) -> None:
    made = {"width": 52, "height": 34, "length": 1, **blank}
    made["format"] = getattr(vs, made.get("format", "GRAY8"))
    with pytest.raises(vs.Error, match=rf"^enhance: (?=[a-z]).*{words}"):
        enhance(core.std.BlankClip(**made), **options | given)


def test_what_is_no_clip_is_refused() -> None:
    with pytest.raises(vs.Error, match=r"^enhance: expected a clip, got str$"):
        enhance("in.mkv")


def test_clips_in_gpu_memory_are_refused() -> None:
    """A stand-in for the clip: a real one wants Vulkan 1.4."""
    clip = SimpleNamespace(format=vs.core.get_video_format(vs.RGBS), width=64, height=64, gpu_resident=True)
    with pytest.raises(UnsupportedFormatError, match="GPUDownload"):
        check_clip(clip)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_cuda_is_said(core: Any) -> None:
    with pytest.raises(vs.Error, match=r'^enhance: device "cuda": .* use device="cpu"$'):
        enhance(core.std.BlankClip(format=vs.GRAY8), device="cuda")


def test_interlaced_frames_are_refused(options: dict[str, Any], core: Any) -> None:
    clip = clip_of([random_planes("gray")] * 2, vs.GRAY8)
    with pytest.raises(vs.Error, match=r"^enhance: frame 0 is interlaced .*deinterlace"):
        enhance(clip.std.SetFieldBased(2), **options)
    later = enhance(clip + clip.std.SetFieldBased(1), **options)
    assert later.get_frame(1).format.id == vs.GRAY8
    with pytest.raises(vs.Error, match=r"enhance: frame 2 is interlaced"):
        later.get_frame(2)
    assert later.get_frame(0).format.id == vs.GRAY8  # one failed frame fails alone


def test_an_unknown_matrix_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(vs.Error, match=r"^enhance: colour matrix 14 .* is not supported"):
        enhance(clip_of([random_planes("yuv420p")], vs.YUV420P8, _Matrix=14), **options)


@pytest.mark.parametrize("there", ["YUV420P8", "GRAYS", "RGB24"])
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("_Range", 5, "0 to 1"), ("_Range", -1, "0 to 1"), ("_ChromaLocation", 9, "0 to 5"),
     ("_ChromaLocation", 6, "0 to 5"), ("_FieldBased", 7, "0 to 2")],
)  # fmt: skip
def test_values_that_the_core_refuses_are_refused(
    there: str, name: str, value: int, expected: str, options: dict[str, Any], core: Any
) -> None:
    clip = core.std.BlankClip(format=getattr(vs, there), width=32, height=32, length=4).std.SetFrameProps(_Matrix=0)
    if there.startswith("YUV"):
        clip = clip.std.SetFrameProps(_Matrix=1)
    odd = clip.std.SetFrameProps(**{name: value})
    with pytest.raises(vs.Error):
        odd.resize.Bicubic(width=64).get_frame(0)
    words = f"{name}: expected {expected}, got {value};.*RemoveFrameProps"
    with pytest.raises(vs.Error, match=f"^enhance: {words}"):
        enhance(odd, **options)
    for batch in (1, 2):
        later = enhance(clip[:3] + odd[3], batch_size=batch, **options)
        with pytest.raises(vs.Error, match=f"enhance: frame 3: {words}"):
            later.get_frame(3)
        assert later.get_frame(0).width == 32


def test_a_chroma_location_that_is_not_known_is_left(options: dict[str, Any]) -> None:
    planes = random_planes("yuv420p")
    clips = [clip_of([planes], vs.YUV420P8, _Matrix=1, _ChromaLocation=place) for place in (-1, 0)]
    unknown, left = (planes_of(enhance(clip, chroma="sharpen", **options).get_frame(0)) for clip in clips)
    assert same(unknown, left)


def test_detail_is_what_the_model_was_calibrated_for(tmp_path: Path) -> None:
    model = calibrated_gmgbp(tmp_path / "m.safetensors")
    clip = clip_of([random_planes("gbrp")], vs.RGB24)

    def made(**more: Any) -> Planes:
        options = {"model": model, "scale": 2, "device": "cpu", "precision": "fp32", **more}
        return planes_of(enhance(clip, **options).get_frame(0))

    assert same(made(detail=0.5), made(noise_amplitude=0.25))
    assert same(made(detail=0), made()) and not same(made(detail=1), made())
    assert not same(made(detail=1, noise="static"), made(detail=1))
    with pytest.raises(vs.Error, match="at scale 1"):
        made(scale=1, detail=1)


def test_without_a_name_it_is_the_model_of_the_device() -> None:
    """rts-lite on a CPU, to the bit; its weights for scale 2 there."""
    clip = vs.core.std.BlankClip(width=64, height=48, format=vs.GRAY16, length=1)
    ramp = (np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 21) ^ 4096

    def paint(n: int, f: Any) -> Any:
        painted = f.copy()
        np.asarray(painted[0])[:] = ramp
        return painted

    clip = clip.std.ModifyFrame(clip, paint)
    for scale in (1, 2):
        auto, named, other = (
            planes_of(enhance(clip, device="cpu", precision="fp32", scale=scale, **given).get_frame(0))
            for given in ({}, {"model": "rts-lite"}, {"model": "rts-r3"})
        )
        assert same(auto, named) and not same(auto, other)

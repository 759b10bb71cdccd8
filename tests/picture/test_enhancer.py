"""The enhancer on real frames: identity, what a change does, fields, sizes, options."""

from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from hypothesis import given
from hypothesis import strategies as st

from vidrts import color, colorplan
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message
from vidrts.networks.registry import build
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import Chroma, EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=2),
)
CPU = EnhancerOptions(device="cpu", precision="fp32")


def identity_network() -> torch.nn.Module:
    """An RTS whose d(SR(x)) is x: no residual, and an extension that is Lanczos's inverse only for flat pictures."""
    network = build("rts", {"n": 1, "channels": 4})
    torch.nn.init.zeros_(network.conv_out.weight)
    return network


def first_frame(path: Path) -> Frame:
    with Source(path) as source:
        frame = next(e for e in source.events() if isinstance(e, Frame))
        return replace(frame, planes=tuple(p.clone() for p in frame.planes), carrier=None)


def made(name: str, width: int = 40, height: int = 34, **tags: int) -> Frame:
    fmt = pixel_format(name)
    planes = tuple(
        (torch.randint(0, 2**fmt.depth, fmt.plane_size(c, width, height)) << fmt.shift).to(fmt.dtype)
        for c in range(len(fmt.order))
    )
    return Frame(planes=planes, format=fmt, color=ColorTags(**tags), pts=7, time_base=Fraction(1, 25))


def same(a: Frame, b: Frame) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))


def test_strength_0_is_the_source(clips: Path) -> None:
    frame = first_frame(clips / "metadata_extractor__Issue_515_java.mp4")
    (out,) = Enhancer(tiny_network(), replace(CPU, strength=0.0))([frame])
    assert same(out, frame)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "nv12", "p010le", "gbrp", "rgb24", "yuvj444p", "gray12le"])
def test_what_the_network_leaves_alone_stays_bit_for_bit(name: str) -> None:
    """Flat colour through an identity network: not strength 0, the whole way there and back."""
    frame = made(name)
    flat = tuple(torch.full_like(p, int(p.flatten()[0].to(torch.int64))) for p in frame.planes)
    frame = replace(frame, planes=flat)
    (out,) = Enhancer(identity_network(), CPU)([frame])
    assert same(out, frame)
    assert (out.pts, out.time_base, out.color) == (7, Fraction(1, 25), frame.color)


def test_luma_gets_what_the_network_says(clips: Path) -> None:
    """Against a second way: resolve RGB in float64, convert E - RGB to luma by the textbook formula."""
    frame = first_frame(clips / "metadata_extractor__Issue_515_java.mp4")
    network = tiny_network()
    (out,) = Enhancer(network, replace(CPU, chroma="sharpen"))([frame])
    assert not same(out, frame)
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    rgb = color.to_rgb(frame.planes, colorplan.plan(tags, frame.format)).clamp(0, 1)
    change = TiledUpscaler(network, torch.device("cpu"), torch.float32)(rgb[None])[0].clamp(0, 1) - rgb
    luma = (0.2126 * change[0] + 0.7152 * change[1] + 0.0722 * change[2]).double() * 219
    wanted = (frame.planes[0].double() + luma).clamp(16, 235)
    untouched = (frame.planes[0] >= 16) & (frame.planes[0] <= 235)
    assert (out.planes[0].double() - wanted)[untouched].abs().max() <= 0.5 + 1e-3


def test_strength_scales_the_change(clips: Path) -> None:
    frame = first_frame(clips / "metadata_extractor__Issue_515_java.mp4")
    network = tiny_network()
    changes = [
        (Enhancer(network, replace(CPU, strength=s))([frame])[0].planes[0].double() - frame.planes[0].double())
        for s in (0.5, 1.0, 2.0)
    ]
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    rgb = color.to_rgb(frame.planes, colorplan.plan(tags, frame.format))
    inside = (changes[2].abs() > 4) & (rgb.amin(dim=0) > 0.25) & (rgb.amax(dim=0) < 0.75)  # nothing is clamped there
    assert inside.sum() > 1000
    assert (changes[0][inside] * 2 - changes[1][inside]).abs().max() <= 2
    assert (changes[1][inside] * 2 - changes[2][inside]).abs().mean() < 1


def test_many_frames_at_once_are_the_same_as_one_by_one() -> None:
    network = tiny_network(n=3, channels=16)
    frames = [made("yuv420p", width=64, height=48) for _ in range(3)]
    together = Enhancer(network, replace(CPU, batch=8))(frames)
    alone = [Enhancer(network, CPU)([f])[0] for f in frames]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_each_field_is_a_picture(order: str, chroma: Chroma) -> None:
    """4:4:4, where fields need no chroma phase: the woven result is each field enhanced as a frame."""
    network = tiny_network()
    frame = replace(made("yuv444p", height=36), field_order=order)
    enhancer = Enhancer(network, replace(CPU, chroma=chroma))
    (out,) = enhancer([frame])
    for row in (0, 1):
        field = replace(frame, planes=tuple(p[row::2].contiguous() for p in frame.planes), field_order="progressive")
        wanted = enhancer([field])[0]
        assert all(torch.equal(p[row::2], w) for p, w in zip(out.planes, wanted.planes, strict=True))
    assert out.field_order == order


@pytest.mark.parametrize("height", [36, 37, 38, 39])
def test_fields_whatever_the_height(height: int) -> None:
    """486 lines and their like: 4:2:0's lower field has a row of chroma less than its luma asks for."""
    frame = replace(made("yuv420p", width=33, height=height), field_order="tff")
    (out,) = Enhancer(tiny_network(), replace(CPU, chroma="sharpen"))([frame])
    assert [p.shape for p in out.planes] == [p.shape for p in frame.planes]
    assert not torch.equal(out.planes[1][-1], frame.planes[1][-1])
    (still,) = Enhancer(tiny_network(), replace(CPU, strength=1e-9, chroma="sharpen"))([frame])
    assert all(torch.equal(a, b) for a, b in zip(still.planes, frame.planes, strict=True))


@pytest.mark.parametrize("name", ["yuv420p", "gbrap10le", "yuva420p", "nv12", "gray"])
def test_twice_the_size(name: str) -> None:
    (out,) = Enhancer(tiny_network(), replace(CPU, scale=2))([made(name, width=35, height=21)])
    assert (out.width, out.height) == (70, 42)


def test_alpha_is_carried_unchanged() -> None:
    frame = made("yuva420p")
    (out,) = Enhancer(tiny_network(), CPU)([frame])
    assert torch.equal(out.planes[3], frame.planes[3])
    assert not torch.equal(out.planes[0], frame.planes[0])


def test_what_was_assumed_is_said_once() -> None:
    said: list[Message] = []
    enhancer = Enhancer(tiny_network(), CPU, on_message=said.append)
    enhancer([made("yuv420p")])
    enhancer([made("yuv420p")])
    assert [(m.code, m.values) for m in said] == [(Code.MATRIX_AND_RANGE_ASSUMED, {"matrix": "BT.601"})]


def test_too_small_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError, match="15x16"):
        Enhancer(tiny_network(), CPU)([made("gray", width=15, height=16)])
    Enhancer(tiny_network(), CPU)([made("gray", width=16, height=16)])
    with pytest.raises(UnsupportedFormatError, match="in each field"):
        Enhancer(tiny_network(), CPU)([replace(made("gray", width=16, height=16), field_order="tff")])


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("scale", (3, 16, 0, 2.0, True, "1", None), "1, 2, 4 or 8"),
        ("strength", (-0.1, 2.5, float("nan"), "1", None, True, Fraction(1, 2), 1j), "0 to 2"),
        ("chroma", ("luma", None, 1, ("keep",)), "keep or sharpen"),
        ("precision", ("fp8", None, 16, ["fp32"]), "auto, fp32, bf16, fp16 or int8"),
        ("engine", ("onnx", None, 0), "auto, torch or openvino"),
        ("device", (None, 0, torch.device("cpu")), "auto, cpu, cuda or cuda:N"),
        ("tile", ((8, 64), (16,), (32.0, 32.0), "x", "32x32", (16, 16, 16), (), (True, 64), ("16", "16"), 64, None),
         "auto, none or (width, height), at least 16x16"),
        ("noise_seed", (-1, 1.5, True, "1", None), "a whole number from 0 to 4294967295"),
        ("batch", (-1, 1025, 1.5, True, "1", None), "0 (automatic) to 1024"),
    ],
)  # fmt: skip
def test_options_are_checked_when_made(name: str, values: tuple[object, ...], expected: str) -> None:
    for value in values:
        with pytest.raises(OptionError) as error:
            EnhancerOptions(**{name: value})
        assert str(error.value) == f"{name}: expected {expected}, got {value!r}"


@given(st.sampled_from([f.name for f in fields(EnhancerOptions)]), ANYTHING)
def test_any_value_of_any_type_is_taken_or_refused_in_a_line(name: str, value: object) -> None:
    said = ""
    try:
        EnhancerOptions(**{name: value})
    except OptionError as error:
        said = str(error)
    assert said == "" or said.startswith(f"{name}: expected ")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"scale": np.int64(2)}, {"scale": 2}),
        ({"strength": np.float32(0.5)}, {"strength": 0.5}),
        ({"strength": 2}, {"strength": 2.0}),
        ({"tile": (16, np.int32(64))}, {"tile": (16, 64)}),
        ({"batch": np.int16(1024)}, {"batch": 1024}),
    ],
)
def test_numbers_of_other_types_count_as_pythons(given: dict[str, object], plain: dict[str, object]) -> None:
    network, frame = tiny_network(), made("yuv420p", width=64, height=80)
    one, two = (Enhancer(network, replace(CPU, **options))([frame])[0] for options in (given, plain))  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(one.planes, two.planes, strict=True))
    assert not torch.equal(one.planes[0][:80, :64], frame.planes[0])


def test_several_devices_are_left_for_the_crew() -> None:
    assert EnhancerOptions(device="cuda:0,cuda:1").device == "cuda:0,cuda:1"


@pytest.mark.slow
def test_the_largest_picture() -> None:
    """8192x4352 goes through in bands with memory to spare."""
    frame = made("yuv420p", width=8192, height=4352)
    (out,) = Enhancer(tiny_network(), replace(CPU, precision="auto"))([frame])
    assert (out.width, out.height) == (8192, 4352)


@pytest.mark.cuda
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "nv12", "gbrp"])
def test_cuda_gives_the_same_frames(name: str, chroma: Chroma, scale: int) -> None:
    network = tiny_network(n=3, channels=64)
    frames = [made(name, width=640, height=360) for _ in range(3)]
    options = replace(CPU, scale=scale, chroma=chroma)
    wanted = Enhancer(network, options)(frames)
    got = Enhancer(network, replace(options, device="cuda"))(frames)
    for a, b in zip(got, wanted, strict=True):
        for x, y in zip(a.planes, b.planes, strict=True):
            assert ((x.to(torch.int64) - y.to(torch.int64)).abs() >> a.format.shift).max() <= 1

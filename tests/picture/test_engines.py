"""Every engine and precision on real pictures: near float64, and the same values however a picture is cut."""

import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from helpers.networks import tiny_network
from PIL import Image, ImageDraw, ImageFont

from vidrts import color, colorplan
from vidrts.errors import DeviceError, OptionError
from vidrts.frame import Frame
from vidrts.images import read_photo
from vidrts.measure.luma import luma
from vidrts.media.read.source import Source
from vidrts.networks.checkpoint import load_model
from vidrts.networks.registry import build
from vidrts.networks.rts import RTS
from vidrts.networks.shipped import shipped_models
from vidrts.ops.blocks import by_blocks, woven
from vidrts.ops.lanczos import halve
from vidrts.picture.engines.choice import pick_engine, pick_precision
from vidrts.picture.engines.engine import computes_bf16
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import Chroma, EnhancerOptions, Precision
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")
BF16 = pytest.param(
    torch.bfloat16, marks=pytest.mark.skipif(not computes_bf16(CPU), reason="no bf16 on this processor"), id="bf16"
)
TYPES = pytest.mark.parametrize("dtype", [pytest.param(torch.float32, id="fp32"), BF16])
ENGINES = pytest.mark.parametrize("engine", ["torch", "openvino"])
OFTEN = ("rts-lite", "rts-r3", "rts-r1", "rts-lite-2x", "rts-r3-2x")
"""Others differ from these in numbers alone, and take long."""
SHIPPED = [pytest.param(name, marks=() if name in OFTEN else pytest.mark.slow) for name in sorted(shipped_models())]
USED = [
    pytest.param(model, scale, marks=() if model in OFTEN else pytest.mark.slow)
    for scale in (1, 2) for model in sorted(shipped_models(scale))
]  # fmt: skip


def first_frame(path: Path) -> Frame:
    with Source(path) as source:
        return next(event for event in source.events() if isinstance(event, Frame))


@pytest.fixture(scope="module")
def pictures(kodak: Path, clips: Path) -> dict[str, torch.Tensor]:
    """(1, 3, H, W) R'G'B' of a part of a photograph, of odd size, and of a frame of a clip."""
    photo = read_photo(min(kodak.rglob("*.png")))[:, :301, :399]
    frame = first_frame(clips / "vmaf__Seeking_30_480_1050.mp4")
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    rgb = color.to_rgb(frame.planes, colorplan.plan(tags, frame.format)).clamp(0, 1)
    return {"photo": photo[None], "frame": rgb[None, :, :270, :480]}


def explicit(network: RTS, x: torch.Tensor, scale: int) -> torch.Tensor:
    """float64, the long way: the 2x picture of an extended picture, scaled down, cut."""
    exact = build("rts", asdict(network.config)).double()
    exact.load_state_dict(network.state_dict())
    margin = network.spec.reach[2] + 4
    with torch.no_grad():
        doubled = exact(F.pad(network.prepared(x).double(), (margin,) * 4, mode="replicate"))
    if scale == 2:
        return doubled[..., 2 * margin : -2 * margin, 2 * margin : -2 * margin]
    return halve(doubled)[..., margin:-margin, margin:-margin]


def in_32_and_8_bits(model: str) -> tuple[TiledUpscaler, TiledUpscaler]:
    """The same shipped model in float32 and in int8."""
    loaded = load_model(model)
    exact, rounded = (
        TiledUpscaler(loaded.network, CPU, dtype, scale=loaded.info.scale, luma=loaded.info.colour == "luma")
        for dtype in (torch.float32, torch.int8)
    )
    return exact, rounded


def decibels(got: torch.Tensor, truth: torch.Tensor) -> float:
    return float(-10 * torch.log10((got - truth).square().mean()))


@pytest.mark.parametrize(("model", "scale"), USED)
def test_shipped_models_are_near_float64(model: str, scale: int, pictures: dict[str, torch.Tensor]) -> None:
    """In bf16 66 dB, in int8 52; at scale 2, where d does not smooth what rounding does, a little less.

    Of a network that was trained on luma alone nothing but its luma is ever seen.
    """
    network, alone = load_model(model).network, load_model(model).info.colour == "luma"
    ways = [(torch.float32, "torch", 120), (torch.float32, "openvino", 120), (torch.int8, "openvino", 52)]
    if computes_bf16(CPU):
        ways += [(torch.bfloat16, engine, 66 if scale == 1 else 64) for engine in ("torch", "openvino")]
    small = {name: large[..., :151, :199] for name, large in pictures.items()}  # float64 is slow
    truths = {name: explicit(network, picture, scale) for name, picture in small.items()}
    for dtype, engine, least in ways:
        upscaler = TiledUpscaler(network, CPU, dtype, scale=scale, engine=engine, luma=alone)
        for name, picture in small.items():
            truth = luma(truths[name])[:, None] if alone else truths[name]
            assert decibels(upscaler(picture), truth) > least, (name, dtype, engine)


@pytest.mark.parametrize("model", SHIPPED)
def test_8_bits_cut_nothing_off(model: str) -> None:
    """Where ranges are too small for text and dots of pure colours, they miss by a hundred codes."""
    in_32, in_8 = in_32_and_8_bits(model)
    drawn = Image.new("RGB", (400, 120), (0, 0, 255))
    for k, size in enumerate((10, 14, 24)):
        ImageDraw.Draw(drawn).text((5, 35 * k), "Hamburgefonstiv 0123", (255, 255, 0), ImageFont.load_default(size))
    text = torch.from_numpy(np.array(drawn)).permute(2, 0, 1)[None].float() / 255
    dots = torch.randint(0, 2, (1, 3, 120, 160)).float()
    for name, picture, least in (("text", text, 46), ("dots", dots, 44)):
        exact, got = in_32(picture), in_8(picture)
        assert decibels(got, exact) > least, name
        assert (got - exact).abs().max() < 0.06, name


@pytest.mark.parametrize("model", SHIPPED)
def test_8_bits_make_no_bands(model: str) -> None:
    """A slow ramp in codes of 8 bit, and flat colours: off by a code and a half at a step, by half of one between."""
    in_32, in_8 = in_32_and_8_bits(model)
    ramp = (60 + torch.arange(640) // 32).div(255).repeat(48, 1)
    for weights in ((1, 1, 1), (1, 0, 0), (0, 1, 0.5)):
        picture = torch.stack([ramp * w for w in weights])[None]
        exact, got = in_32(picture), in_8(picture)
        off = (got - exact).abs()[0, :, 24, 16:-16].mul(255)
        assert off.max() < 1.5
        assert off[:, torch.arange(off.shape[1]) % 32 == 0].max() < 0.5  # the middles of the steps: 16 from each


def test_8_bits_where_they_cannot_be() -> None:
    network = tiny_network()
    with pytest.raises(OptionError, match=r"precision int8: the engine torch .* expected the engine openvino"):
        pick_engine(network, CPU, torch.int8, "torch")
    with pytest.raises(OptionError, match=r"precision int8: .* device cuda; expected one of auto, fp32, bf16, fp16"):
        pick_precision("int8", torch.device("cuda"))
    done = run("auto", before="sys.modules['openvino'] = None", dtype="int8")
    assert done.returncode == 1
    assert "DeviceError: engine openvino, precision int8" in done.stderr.splitlines()[-1]


@ENGINES
@TYPES
@pytest.mark.parametrize(("n", "channels"), [(1, 4), (2, 20), (3, 64)])
def test_pieces_batches_and_threads_give_the_same_values(
    n: int, channels: int, dtype: torch.dtype, engine: str, pictures: dict[str, torch.Tensor]
) -> None:
    """In float32 to the bit; elsewhere by much less than a code value."""
    network = tiny_network(n=n, channels=channels)
    x = torch.cat([pictures["photo"][..., :75, :131], pictures["frame"][..., :75, :131]])
    whole = TiledUpscaler(network, CPU, dtype, tile="none", engine=engine)(x)
    before = torch.get_num_threads()
    try:
        for threads, tile, batch in ((1, (131, 30), 1), (2, (47, 33), 5), (1, (16, 75), 3)):
            torch.set_num_threads(threads)
            tiled = TiledUpscaler(network, CPU, dtype, tile=tile, batch=batch, engine=engine)(x)
            difference = float((tiled - whole).abs().max())
            assert difference == 0 if dtype == torch.float32 else difference < 0.5 / 255
    finally:
        torch.set_num_threads(before)


@ENGINES
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 7), (16, 16), (17, 31)])
def test_any_size_and_any_network(height: int, width: int, engine: str) -> None:
    network = tiny_network(n=2, channels=6)
    x = torch.rand(1, 3, height, width)
    got = pick_engine(network, CPU, torch.float32, engine).residual(x)
    assert got.shape == x.shape
    # Within the borders' reach it is the network's; at them as if mid grey lay beyond.
    inner = (got - network.residual(x))[..., network.radius : -network.radius, network.radius : -network.radius]
    assert inner.numel() == 0 or inner.abs().max() < 1e-5
    grey = F.conv2d(F.pad(x, (1,) * 4, value=0.5), network.conv_in.weight, network.conv_in.bias).relu()
    for layer in network.layers:
        grey = grey + layer(grey).relu()
    assert (got - network.conv_out(grey)).abs().max() < 1e-5


@TYPES
@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
def test_the_engines_give_the_same_frame(dtype: torch.dtype, chroma: Chroma, clips: Path) -> None:
    """rts-lite, which knows luma alone; with chroma a network of random weights."""
    frame = first_frame(clips / "vmaf__Seeking_30_480_1050.mp4")
    network = load_model("rts-lite").network if chroma == "keep" else tiny_network(n=3, channels=16)
    precision: Precision = "bf16" if dtype == torch.bfloat16 else "fp32"
    options = EnhancerOptions(device="cpu", precision=precision, chroma=chroma)
    a, b = (Enhancer(network, replace(options, engine=engine))([frame])[0] for engine in ("torch", "openvino"))
    for one, other, before in zip(a.planes, b.planes, frame.planes, strict=True):
        assert (one.int() - other.int()).abs().max() <= 1
        assert torch.equal(other, before) == (chroma == "keep" and before is not frame.planes[0])


def test_the_callers_network_and_other_engines_are_left_alone() -> None:
    network = tiny_network(n=2, channels=8)
    x = torch.rand(1, 3, 40, 50)
    engine = pick_engine(network, CPU, torch.float32)
    assert engine.name == "openvino"
    wanted = engine.residual(x).clone()
    other = pick_engine(tiny_network(seed=1, n=2, channels=8), CPU, torch.float32)
    assert not torch.allclose(other.residual(x), wanted)
    network.conv_out.weight.data.mul_(2)
    assert torch.equal(engine.residual(x), wanted)


def test_engines_at_work_at_the_same_time() -> None:
    """As VapourSynth's streams are: each in a thread of its own, with frames of different sizes."""
    network = tiny_network(n=3, channels=16)
    xs = [torch.rand(1, 3, 60 + 4 * k, 80) for k in range(3)]
    wanted = [pick_engine(network, CPU, torch.float32).residual(x) for x in xs]
    same: list[bool] = []

    def work(x: torch.Tensor, truth: torch.Tensor) -> None:
        engine = pick_engine(network, CPU, torch.float32)
        same.extend(torch.equal(engine.residual(x), truth) for _ in range(20))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(xs, wanted, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 60


def test_several_pixels_at_a_time_are_the_same_convolution() -> None:
    weight, bias, x = (torch.rand(*shape, dtype=torch.float64) for shape in ((3, 5, 3, 3), (3,), (2, 5, 14, 10)))
    wanted = F.conv2d(x, weight, bias)
    got = woven(F.conv2d(x, *by_blocks(weight, bias, (3, 2)), stride=(3, 2)), (3, 2))
    assert (got - wanted).abs().max() < 1e-12


RUN = """
import sys
{before}
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from vidrts.networks.registry import build
from vidrts.picture.tiled_upscaler import TiledUpscaler
upscaler = TiledUpscaler(
    build("rts", {{}}), torch.device("cpu"), torch.{dtype}, engine="{engine}",
    on_message=lambda m: (print(m.code), print(m.values["instead"])),
)
print(tuple(upscaler(torch.rand(1, 3, 20, 30)).shape))
{after}
"""


def run(engine: str, before: str = "", after: str = "", dtype: str = "float32") -> subprocess.CompletedProcess[str]:
    code = RUN.format(engine=engine, before=before, after=after, dtype=dtype)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_openvino_torch_computes_and_says_so() -> None:
    done = run("auto", before="sys.modules['openvino'] = None")
    assert done.returncode == 0, done.stderr
    code, instead, shape = done.stdout.splitlines()
    assert (code, instead) == ("Code.ENGINE_NOT_USABLE", "torch")
    assert shape == "(1, 3, 20, 30)"


def test_openvino_asked_for_and_not_there_is_an_error() -> None:
    done = run("openvino", before="sys.modules['openvino'] = None")
    assert done.returncode == 1
    assert "DeviceError: engine openvino" in done.stderr.splitlines()[-1]


def test_openvino_comes_without_its_converter_and_what_that_sends() -> None:
    done = run(
        "openvino", after="print(any('telemetry' in name or name.startswith('openvino.tools') for name in sys.modules))"
    )
    assert done.stdout.splitlines() == ["(1, 3, 20, 30)", "False"], done.stderr


def test_a_name_or_device_that_is_not_an_engines() -> None:
    with pytest.raises(OptionError, match="engine: expected auto, torch or openvino, got 'onnx'"):
        EnhancerOptions(engine="onnx")  # type: ignore[arg-type]
    with pytest.raises(DeviceError, match=r"engine openvino: .* device cuda; expected the engine torch"):
        pick_engine(tiny_network(), torch.device("cuda"), torch.float32, "openvino")


def test_a_signal_is_taken_after_an_engine_is_gone() -> None:
    """OpenVINO sets a signal stack for the thread that loads it and frees it with itself, in whatever thread."""
    script = """
import gc, os, signal, sys, threading
from vidrts.networks.checkpoint import load_model
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import Chroma, EnhancerOptions
kept = [Enhancer(load_model("rts-lite").network, EnhancerOptions(device="cpu", engine="openvino"))]
def drop():
    kept.clear()
    gc.collect()
thread = threading.Thread(target=drop)
thread.start()
thread.join()
signal.signal(signal.SIGINT, lambda *_: os._exit(7))
signal.raise_signal(signal.SIGINT)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 7

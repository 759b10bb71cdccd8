"""Networks that are not RTS's kind, from tile to file: same size, 4x, luma alone, noise, size multiples, engines."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from helpers.toy_networks import Strided, toy
from PIL import Image

from vidrts import EnhanceOptions, color, colorplan, enhance
from vidrts.errors import OptionError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.networks import registry
from vidrts.networks.checkpoint import ModelInfo, save_model
from vidrts.networks.spec import Context
from vidrts.ops.lanczos import enlarge, halve
from vidrts.picture.engines import choice
from vidrts.picture.engines.torch import TorchEngine
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions, Precision
from vidrts.picture.tiled_upscaler import TiledUpscaler

CPU = torch.device("cpu")
FP32 = EnhancerOptions(device="cpu", precision="fp32")
TILINGS = [((40, 36), 1), ((16, 24), 3), ((61, 17), 8)]
RESTART = """
import sys, torch
sys.path.insert(0, {tests!r})
from helpers.toy_networks import toy
from vidrts.picture.tiled_upscaler import TiledUpscaler
x = torch.rand(1, 3, 50, 70, generator=torch.Generator().manual_seed(1))
network = toy(2, 4, takes_noise=True)
torch.manual_seed(99)
upscaler = TiledUpscaler(
    network, torch.device("cpu"), torch.float32, scale=4, amplitude=1, seed=11, tile=(32, 16)
)
torch.save(upscaler(x), sys.argv[1])
"""


def first_frame(path: Path) -> Frame:
    with Source(path) as source:
        frame = next(event for event in source.events() if isinstance(event, Frame))
        return replace(frame, planes=tuple(p.clone() for p in frame.planes), carrier=None)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_noise_belongs_to_places_not_to_tiles(scale: int) -> None:
    network, x = toy(2, 4, takes_noise=True), torch.rand(2, 3, 50, 70)
    noisy = partial(TiledUpscaler, network, CPU, torch.float32, scale=scale, amplitude=1)
    whole = noisy(tile="none", seed=11)(x)
    assert whole.shape == (2, 3, 50 * scale, 70 * scale)
    for tile, batch in TILINGS:
        tiled = noisy(tile=tile, batch=batch, seed=11)(x)
        assert torch.equal(tiled, whole), (tile, batch)
    other = noisy(tile="none", seed=12)(x)
    assert (other - whole).abs().mean() > 0.01
    plain = TiledUpscaler(toy(2, 4), CPU, torch.float32, scale=scale, tile="none")(x)
    assert (plain - whole).abs().mean() > 0.01


def test_noise_is_the_same_after_a_restart(tmp_path: Path) -> None:
    x = torch.rand(1, 3, 50, 70, generator=torch.Generator().manual_seed(1))
    noisy = toy(2, 4, takes_noise=True)
    here = TiledUpscaler(noisy, CPU, torch.float32, scale=4, amplitude=1, tile="none", seed=11)(x)
    code = RESTART.format(tests=str(Path(__file__).parents[1]))
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there.pt")], check=True)
    assert torch.equal(torch.load(tmp_path / "there.pt"), here)


@pytest.mark.parametrize(("factors", "scale"), [((1,), 1), ((2,), 1), ((2,), 2), ((4,), 4), ((2, 4, 8), 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_give_the_network_itself(factors: tuple[int, ...], scale: int, channels: int) -> None:
    network, rgb = toy(*factors, channels=channels), torch.rand(1, 3, 41, 59)
    x = rgb if channels == 3 else colorplan.luma(rgb)[:, None]
    factor, margin = 2 if factors == (2,) else scale, 8
    wide = network(torch.nn.functional.pad(x, (margin,) * 4, mode="replicate"), Context(factor))
    wide = wide if factor == scale else halve(wide)
    expected = wide[..., margin * scale : -margin * scale, margin * scale : -margin * scale]
    for tile, batch in [("none", 1), *TILINGS]:
        got = TiledUpscaler(network, CPU, torch.float32, scale=scale, tile=tile, batch=batch)(rgb)  # type: ignore[arg-type]
        assert torch.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (41, 59), (17, 16)])
def test_sizes_that_a_network_needs_are_made_by_replication(height: int, width: int) -> None:
    torch.manual_seed(2)
    network = Strided().eval().requires_grad_(False)
    rgb = torch.rand(1, 3, height, width)
    whole = TiledUpscaler(network, CPU, torch.float32, tile="none")(rgb)
    for tile, batch in TILINGS:
        assert torch.equal(TiledUpscaler(network, CPU, torch.float32, tile=tile, batch=batch)(rgb), whole)
    filled = (12, 12 + -width % 4, 12, 12 + -height % 4)
    expected = network(torch.nn.functional.pad(colorplan.luma(rgb)[:, None], filled, mode="replicate"))
    assert torch.allclose(whole, expected[..., 12 : 12 + height, 12 : 12 + width], atol=1e-6)


@pytest.mark.parametrize(
    ("factors", "scale", "offered"), [((1,), 2, "1"), ((2,), 4, "1 or 2"), ((4,), 1, "4"), ((2, 4), 8, "1 or 2 or 4")]
)
def test_a_scale_that_is_not_offered(factors: tuple[int, ...], scale: int, offered: str) -> None:
    with pytest.raises(OptionError, match=f"Toy: expected scale {offered}, got {scale}$"):
        Enhancer(toy(*factors), replace(FP32, scale=scale))


def test_chroma_of_a_network_of_luma_is_kept() -> None:
    with pytest.raises(OptionError, match="chroma"):
        Enhancer(toy(1, channels=1), replace(FP32, chroma="sharpen"))


def test_a_same_size_network_of_luma_on_a_real_frame(clips: Path) -> None:
    frame = first_frame(clips / "metadata_extractor__Issue_515_java.mp4")
    network = toy(1, channels=1)
    (out,) = Enhancer(network, replace(FP32, tile=(200, 120)))([frame])
    assert torch.equal(out.planes[1], frame.planes[1]) and torch.equal(out.planes[2], frame.planes[2])
    y = (frame.planes[0].double() - 16) / 219  # limited range
    wide = torch.nn.functional.pad(y.clamp(0, 1)[None, None].float(), (1,) * 4, mode="replicate")
    change = (network(wide)[0, 0, 1:-1, 1:-1].double() - y.clamp(0, 1)) * 219
    expected = frame.planes[0].double() + change
    legal = (expected > 16) & (expected < 235)
    assert (out.planes[0].double() - expected)[legal].abs().max() <= 0.5 + 1e-3
    assert change.abs().max() > 4
    (whole,) = Enhancer(network, replace(FP32, tile="none"))([frame])
    assert all(torch.equal(a, b) for a, b in zip(whole.planes, out.planes, strict=True))


@pytest.mark.parametrize("name", ["gray", "gbrp10le", "yuv444p16le", "nv12"])
def test_luma_of_every_kind_of_format(name: str) -> None:
    """One channel, Y', is as the luma of a network of three that does the same to each."""
    fmt = pixel_format(name)
    planes = tuple(
        (torch.randint(0, 2**fmt.depth, fmt.plane_size(c, 48, 34)) << fmt.shift).to(fmt.dtype)
        for c in range(len(fmt.order))
    )
    frame = Frame(planes=planes, format=fmt, color=ColorTags(matrix=1, range=2), pts=0, time_base=1)  # type: ignore[arg-type]
    one = toy(2, channels=1)
    three = toy(2)
    with torch.no_grad():
        three.conv.weight.zero_()
        three.conv.bias.fill_(float(one.conv.bias))  # type: ignore[union-attr,arg-type]
        for channel in range(3):
            three.conv.weight[channel, channel] = one.conv.weight[0, 0]
    for scale in (1, 2):
        a, b = (Enhancer(network, replace(FP32, scale=scale))([frame])[0] for network in (one, three))
        inner = torch.stack([p[4:-4, 4:-4].to(torch.int64) >> fmt.shift for p in a.planes[:1]])
        other = torch.stack([p[4:-4, 4:-4].to(torch.int64) >> fmt.shift for p in b.planes[:1]])
        # Y' outside the RGB cube is clamped as luma by the one, as R'G'B' by the other: not in gray and RGB.
        off = (inner - other).abs()
        assert off.max() <= 1 if fmt.model != "yuv" else (off <= 1).float().mean() > 0.2


def test_four_times_the_size_of_a_real_frame(clips: Path) -> None:
    """The network's own luma; without its change Pillow's Lanczos (which renormalises at borders, replicated here)."""
    frame = first_frame(clips / "metadata_extractor__Issue_515_java.mp4")
    y, *chroma = frame.planes
    frame = replace(frame, planes=(y[:90, :120], *(plane[:45, :60] for plane in chroma)))
    network = toy(4)
    whole, tiled, still = (
        Enhancer(network, replace(FP32, scale=4, **options))([frame])[0]
        for options in ({"tile": "none"}, {"tile": (64, 48)}, {"strength": 0})  # type: ignore[arg-type]
    )
    assert (whole.width, whole.height) == (480, 360)
    assert all(torch.equal(a, b) for a, b in zip(whole.planes, tiled.planes, strict=True))
    inner = (slice(16, -16),) * 2
    pillow = Image.fromarray(frame.planes[0].numpy()).convert("F").resize((480, 360), Image.Resampling.LANCZOS)
    lanczos = torch.from_numpy(np.array(pillow)).double()
    legal = ((lanczos > 16) & (lanczos < 235))[inner]
    assert (still.planes[0].double() - lanczos)[inner][legal].abs().max() <= 0.5 + 1e-2
    tags, _ = colorplan.assume(frame.color, frame.format, frame.height)
    rgb = color.to_rgb(frame.planes, colorplan.plan(tags, frame.format, keep=True)).clamp(0, 1)
    wide = torch.nn.functional.pad(rgb[None], (4,) * 4, mode="replicate")
    result = network(wide, Context(4))[0, :, 16:-16, 16:-16].double()
    change = colorplan.luma(result) - colorplan.luma(enlarge(rgb[None].double(), 4)[0])
    expected = lanczos + 219 * change
    legal &= ((expected > 16) & (expected < 235))[inner]
    assert (whole.planes[0].double() - expected)[inner][legal].abs().max() <= 0.5 + 1e-2
    assert change.abs().max() * 219 > 4
    assert all(torch.equal(a, b) for a, b in zip(whole.planes[1:], still.planes[1:], strict=True))


@pytest.fixture
def four_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file of a network that enlarges by 4, of an architecture that this test alone knows."""
    monkeypatch.setitem(registry.ARCHITECTURES, "toy", lambda **numbers: toy(4))
    info = ModelInfo(name="toy", architecture="toy", numbers={}, stage=1, degradation="none", data_hash="")
    save_model(tmp_path / "toy.safetensors", toy(4), info)
    return tmp_path / "toy.safetensors"


def test_file_to_file_at_four_times_the_size(four_times: Path, clips: Path, tmp_path: Path) -> None:
    source, target = clips / "metadata_extractor__Issue_515_java.mp4", tmp_path / "out.mkv"
    picture = replace(FP32, scale=4)
    options = EnhanceOptions(
        model=str(four_times), picture=picture, decode=DecodeOptions(end=Fraction(1, 10)),
        encode=EncodeOptions(video_codec="libx264", preset="ultrafast"),
    )  # fmt: skip
    summary = enhance(source, target, options)
    with Source(source) as before, Source(target) as after:
        assert (after.info.width, after.info.height) == (4 * before.info.width, 4 * before.info.height)
        frames = [event for event in after.events() if isinstance(event, Frame)]
        expected = Enhancer(toy(4), picture)([next(e for e in before.events() if isinstance(e, Frame))])[0]
    assert len(frames) == summary.frames > 1
    for got, truth in zip(frames[0].planes, expected.planes, strict=True):
        assert (got.double() - truth.double()).abs().mean() < 2  # what x264 leaves
    refused = replace(options, picture=replace(picture, scale=2), encode=EncodeOptions(overwrite=True))
    with pytest.raises(OptionError, match=r"toy\.safetensors: expected scale 4, got 2"):
        enhance(source, target, refused)


class Eights(TorchEngine):
    """Takes heights and widths that are multiples of 8 alone, and fp32."""

    name: ClassVar[str] = "eights"
    multiple: ClassVar[int] = 8

    @classmethod
    def precisions(cls, device: torch.device) -> tuple[Precision, ...]:
        return ("fp32",)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[-1] % 8 == 0 and x.shape[-2] % 8 == 0
        return super().residual(x)


@pytest.mark.parametrize("scale", [1, 2])
def test_an_engine_is_an_entry_and_asked_for_shapes_and_precisions(scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "KNOWN", (*choice.KNOWN, Eights))
    network, x = tiny_network(n=2, channels=6), torch.rand(1, 3, 41, 59)
    assert isinstance(choice.pick_engine(network, CPU, torch.float32), Eights)
    assert not isinstance(choice.pick_engine(network, CPU, torch.bfloat16, "torch"), Eights)
    with pytest.raises(
        OptionError, match=r"precision bf16: the engine eights .* expected the engine openvino or torch"
    ):
        choice.pick_engine(network, CPU, torch.bfloat16, "eights")
    expected = TiledUpscaler(network, CPU, torch.float32, scale=scale, engine="torch")(x)
    for tile in ("none", (20, 17)):
        got = TiledUpscaler(network, CPU, torch.float32, scale=scale, engine="eights", tile=tile)(x)  # type: ignore[arg-type]
        assert torch.allclose(got, expected, atol=1e-6)

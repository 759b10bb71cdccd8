"""The way of a frame on a GPU: nothing in it waits for the host, a captured one is the same, lanes do not disturb."""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from helpers.networks import tiny_network
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from vidrts.errors import OptionError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import load_model
from vidrts.networks.network import Network
from vidrts.networks.registry import build
from vidrts.networks.rts import RTS
from vidrts.ops import lanczos
from vidrts.ops.convolution import convolve, exact_on_gpus
from vidrts.picture.device import pick_devices
from vidrts.picture.engines import torch as torch_engine
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import Chroma, EnhancerOptions, Precision
from vidrts.picture.tiled_upscaler import TiledUpscaler


def made(name: str, seed: int = 0) -> Frame:
    """A frame of 640x360 random samples."""
    fmt, chance = pixel_format(name), torch.Generator().manual_seed(seed)
    planes = tuple(
        (torch.randint(0, 2**fmt.depth, fmt.plane_size(c, 640, 360), generator=chance) << fmt.shift).to(fmt.dtype)
        for c in range(len(fmt.order))
    )
    return Frame(planes=planes, format=fmt, color=ColorTags(), pts=0, time_base=Fraction(1, 25))


class Crossings(TorchDispatchMode):
    """Notes every operation that touches the host's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        made = out if isinstance(out, list | tuple) else [out]
        if any(isinstance(t, torch.Tensor) and t.device.type != "cuda" for t in (*args, *made)):
            self.found.append(str(func))
        return out


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, Chroma, int], Enhancer]]:
    """Makes enhancers whose tensors only pretend to be on a GPU: shapes, types and devices are right, values are not.

    But for its lane, which is a real GPU's: `Enhancer._computed` is what it would capture.
    """

    def there(_: object, device: torch.device, dtype: torch.dtype) -> Network:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.device(device):
                return build("rts", numbers).requires_grad_(False)
        finally:
            torch.set_default_dtype(before)

    numbers = {"n": 1, "channels": 16, "blur_level": 0}

    def enhancer(scale: int, chroma: Chroma, told: int) -> Enhancer:
        numbers["blur_level"] = told
        gpu = torch.device("cuda", 0)
        pretended = Enhancer(
            tiny_network(channels=16),
            EnhancerOptions(device="cpu", engine="torch", scale=scale, strength=0.5, chroma=chroma),
        )
        pretended._upscaler = TiledUpscaler(
            there(None, gpu, torch.float32), gpu, torch.bfloat16, scale=scale, tile=(320, 180),
            luma=chroma == "keep",
        )  # fmt: skip
        return pretended

    monkeypatch.setattr(torch_engine, "frozen_copy", there)  # pretended weights cannot be copied
    monkeypatch.setattr(torch_engine.TorchEngine, "_fuses", lambda *_: False)  # nor results be compared
    caches = (lanczos._half_taps_on, lanczos._enlarge_taps_on)
    for cache in caches:
        cache.cache_clear()
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield enhancer
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize(("chroma", "told"), [("keep", 0), ("keep", 1), ("sharpen", 0)])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(
    "name", ["yuv420p", "yuv420p10le", "yuv444p16le", "nv12", "p010le", "gray", "gbrp", "yuva420p", "bt2020 gbrp10le"]
)
def test_nothing_on_a_frames_way_waits_for_the_host(
    name: str, scale: int, chroma: Chroma, told: int, pretended_gpu: Callable[[int, Chroma, int], Enhancer]
) -> None:
    """Also of a network that is told blur levels."""
    enhancer = pretended_gpu(scale, chroma, told)
    frame = made(name.split()[-1])
    if name.startswith("bt2020"):
        frame = replace(frame, color=ColorTags(primaries=9))
    plans = [enhancer._plan(frame).to(torch.device("cuda", 0))] * 2
    planes = tuple(torch.empty(p.shape, dtype=p.dtype, device="cuda") for p in frame.planes)
    enhancer._computed([planes, planes], plans)  # constants are brought there once
    with Crossings() as crossings:
        out = enhancer._computed([planes, planes], plans)
    assert crossings.found == []
    assert {p.device.type for planes in out for p in planes} == {"cuda"}
    assert [p.shape for p in out[0]] == [torch.Size(scale * s for s in p.shape) for p in frame.planes]
    # The check itself: what waits for the host, or comes from there, is seen.
    with Crossings() as crossings, pytest.raises(Exception, match="on the same device"):
        planes[0] + torch.zeros(3, 1, 1)
    assert crossings.found


def test_several_gpus_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_devices("cpu") == [torch.device("cpu")]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert pick_devices("cuda:0, cuda:2") == [torch.device("cuda", 0), torch.device("cuda", 2)]
    for wrong in ("cuda:0,cuda:0", "cuda:0,cpu", "cuda,cuda:1", "cuda:0,"):
        with pytest.raises(OptionError):
            pick_devices(wrong)


def same(a: Sequence[Frame], b: Sequence[Frame]) -> bool:
    return all(torch.equal(x, y) for f, g in zip(a, b, strict=True) for x, y in zip(f.planes, g.planes, strict=True))


@pytest.mark.cuda
@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "yuva420p", "gray", "gbrp"])
def test_a_captured_frame_is_the_same_bit_for_bit(name: str, scale: int, chroma: Chroma) -> None:
    said: list[Message] = []
    options = EnhancerOptions(device="cuda", scale=scale, chroma=chroma)
    enhancer = Enhancer(tiny_network(), options, on_message=said.append)
    first, second = made(name, seed=1), made(name, seed=2)
    stepwise = [enhancer([frame]) for frame in (first, second)][:1]  # the second call captures
    assert same(enhancer([first]), stepwise[0])
    assert not same(enhancer([second]), stepwise[0])
    both = enhancer([first, second])  # another shape, step by step
    assert same(both[:1], stepwise[0])
    assert same(enhancer([first, second]), both)  # and captured
    (again,) = enhancer([first])
    assert same([again], stepwise[0])  # the first capture is still right
    kept = 0 if scale == 2 else 2 if chroma == "keep" and name.startswith("yuv") else 0
    assert all(a is b for a, b in zip(again.planes[1 : 1 + kept], first.planes[1 : 1 + kept], strict=True))
    assert Code.NO_CUDA_GRAPH not in [m.code for m in said]


@pytest.mark.cuda
def test_lanes_side_by_side_do_not_disturb_each_other() -> None:
    frames = [made("yuv420p", seed=seed) for seed in range(4)]
    said: list[Message] = []
    device = EnhancerOptions(device="cuda")
    enhancers = [Enhancer(tiny_network(), device, on_message=said.append) for _ in frames]
    wanted = [Enhancer(tiny_network(), device)([frame]) for frame in frames]  # those of the threads capture there
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(30):
            if not same(enhancers[k]([frames[k]]), wanted[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert Code.NO_CUDA_GRAPH not in [m.code for m in said]


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_bias_and_relu_within_the_convolution(precision: Precision) -> None:
    """cuDNN's own relu(f + conv(f)) is taken, and comes as near to float64 as one step after the other."""
    gpu = torch.device("cuda")
    network = load_model("rts-r3").network
    assert isinstance(network, RTS)
    x = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(1))
    inner = (..., slice(8, -8), slice(8, -8))  # the engine has mid grey beyond the borders
    engine = torch_engine.TorchEngine(network, gpu, pick_precision(precision, gpu))
    assert engine._fused, "cuDNN has no such convolutions here: plain ones are as right, but slower"
    fused = engine.residual(x.cuda()).cpu()[inner]
    engine._fused = False
    plain = engine.residual(x.cuda()).cpu()[inner]
    wanted = copy.deepcopy(network).double().residual(x.double())[inner]
    assert (fused - wanted).square().mean() < 1.2 * (plain - wanted).square().mean()


class Convolutions(TorchDispatchMode):
    """Notes whether each convolution may take TF32."""

    def __init__(self) -> None:
        super().__init__()
        self.tf32: list[bool] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._convolution.default:
            self.tf32.append(args[-1])
        return func(*args, **(kwargs or {}))


def test_float32_of_a_gpu_is_no_tf32() -> None:
    """What is asked of cuDNN; `test_cuda_agrees_with_the_cpu` sees what it does."""
    with FakeTensorMode(), Convolutions() as asked:
        convolve(torch.empty(1, 3, 32, 32, device="cuda"), torch.empty(5, 3, 9, 9, device="cuda"), None)
    assert asked.tf32 == [False]
    of_all = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = of_all.fp32_precision
    with exact_on_gpus():
        assert of_all.fp32_precision == "ieee"
    assert of_all.fp32_precision == before

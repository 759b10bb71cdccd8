"""The residual branch in OpenVINO, on a CPU: bf16, float32 or 8-bit integers, one compiled graph for each shape.

The graph is a loop over the branch (`networks.network.Layer`). The last layer, which has few results a pixel, makes
several rows at a time (`ops.blocks`). In int8 the layers with a skip alone multiply in 8 bits; the first layer, the
last one (3 dB for a twentieth of the time) and the stream between the layers stay in bf16, or in float32 where the
processor has none.
"""

import importlib
import importlib.util
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import torch

from vidrts.networks.network import BranchNetwork
from vidrts.ops.blocks import by_blocks, rows_for, woven
from vidrts.picture.engines.engine import CENTRE, Engine, centred_bias, computes_bf16
from vidrts.picture.engines.int8_ranges import channel_ranges
from vidrts.picture.options import EngineName, Precision

_KEPT = 2
"""Compiled shapes that are kept: a full batch of tiles and the last one. Each holds the memory of its layers."""
_TYPES = {torch.float32: "f32", torch.bfloat16: "bf16"}
_STEPS = 255
"""Steps of 8 bits: 0 to 255 for what a ReLU made, -127 to 127 for weights."""
_CONVERTER = "openvino.tools.ovc"


def _load() -> tuple[ModuleType, Any]:
    """(openvino, its operators), without the model converter: importing that sends usage data to its maker.

    OpenVINO does without it by itself where it is not installed, which is what None among the modules means.
    """
    if "openvino" not in sys.modules:
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino"), importlib.import_module("openvino.opset13")
    finally:
        if sys.modules.get(_CONVERTER, ...) is None:
            del sys.modules[_CONVERTER]


@cache
def _core() -> Any:
    """OpenVINO's runtime, one for the process and never given back.

    Loading its CPU plugin sets an alternate signal stack for the thread that does it, whose memory goes when the
    runtime does: a signal of a thread that still has it would then kill the process. So a thread of its own does that,
    and ends.
    """
    with ThreadPoolExecutor(1) as once:
        return once.submit(_load_core).result()


def _load_core() -> Any:
    core = _load()[0].Core()
    core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")  # loads the plugin
    return core


@dataclass
class _Compiled:
    """A graph at one shape: its request, and the (B, D*rows, h/rows, w) that its result is written to."""

    request: Any
    output: torch.Tensor


@dataclass
class _Weights:
    """A layer of the branch as arrays; `ranges` where it multiplies in 8 bits."""

    weight: Any
    bias: Any
    relu: bool
    skip: bool
    ranges: Any = None


class OpenVINOEngine(Engine):
    """On the CPU, with as many threads as torch has when a shape is first seen.

    The constructor raises ImportError or OSError without OpenVINO, RuntimeError where it cannot compute the graph.
    """

    name: ClassVar[EngineName] = "openvino"
    title: ClassVar[str] = "OpenVINO"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, network: BranchNetwork, device: torch.device, dtype: torch.dtype) -> None:
        self._ov, self._op = _load()
        self._core = _core()
        able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if dtype == torch.bfloat16 and "BF16" not in able:
            raise RuntimeError("it computes no bf16 on this processor")
        *layers, last = network.branch
        self._layers = [
            _Weights(_array(layer.conv.weight), _array(layer.bias), layer.relu, layer.skip) for layer in layers
        ]
        self._layers[0].bias = _array(centred_bias(layers[0]))
        if dtype == torch.int8:
            dtype = torch.bfloat16 if "BF16" in able else torch.float32
            inner = [layer for layer in self._layers if layer.skip]
            for layer, ranges in zip(inner, channel_ranges(network), strict=True):
                layer.ranges = _array(ranges)
        self._precision = _TYPES[dtype]
        self._given, self._results = layers[0].conv.in_channels, last.conv.out_channels
        self._block = rows_for(self._results), 1
        weight, bias = by_blocks(last.conv.weight, last.bias, self._block)
        self._last = _Weights(_array(weight), _array(bias), relu=False, skip=False)
        self._compiled: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()
        self._compile((1, self._given, 16, 16))  # what it cannot compute it reports here

    @classmethod
    def installed(cls) -> bool:  # noqa: D102 - Engine's
        return importlib.util.find_spec("openvino") is not None

    @classmethod
    def precisions(cls, device: torch.device) -> tuple[Precision, ...]:
        """In int8 the layers with a skip alone."""
        return "fp32", "bf16", "int8"

    @classmethod
    def native(cls, device: torch.device) -> tuple[Precision, ...]:  # noqa: D102 - Engine's
        return ("bf16", "fp32", "int8") if computes_bf16(device) else ("fp32", "int8")

    def residual(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102 - Engine's
        x = x.contiguous()
        key = (*x.shape, torch.get_num_threads())
        if key not in self._compiled:
            while len(self._compiled) >= _KEPT:
                self._compiled.popitem(last=False)
            self._compiled[key] = self._compile(tuple(x.shape))
        self._compiled.move_to_end(key)
        compiled = self._compiled[key]
        compiled.request.set_input_tensor(self._ov.Tensor(x.numpy(), shared_memory=True))
        compiled.request.infer()
        return woven(compiled.output, self._block)[..., : x.shape[2], :]

    def _compile(self, shape: tuple[int, ...]) -> _Compiled:
        batch, _, height, width = shape
        rows, _ = self._block
        settings = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # several enhancers would be pinned to the same cores
        }
        request = self._core.compile_model(self._graph(shape), "CPU", settings).create_infer_request()
        output = torch.empty(batch, self._results * rows, -(-height // rows), width)
        request.set_output_tensor(self._ov.Tensor(output.numpy(), shared_memory=True))
        return _Compiled(request, output)

    def _graph(self, shape: tuple[int, ...]) -> Any:
        op = self._op
        x = op.parameter(list(shape), dtype=np.float32)
        f = op.subtract(x, op.constant(np.float32(CENTRE)))
        for layer in self._layers:
            g, kernel = (f, op.constant(layer.weight)) if layer.ranges is None else self._in_8_bits(f, layer)
            y = self._convolution(g, kernel, layer)
            y = op.relu(y) if layer.relu else y
            f = op.add(f, y) if layer.skip else y
        rows = self._convolution(
            f, op.constant(self._last.weight), self._last, self._block[0], -shape[2] % self._block[0]
        )
        return self._ov.Model([rows], [x], "residual")

    def _in_8_bits(self, f: Any, layer: _Weights) -> tuple[Any, Any]:
        """f over the range of each channel, 0..1, and the weights that make up for it, both rounded to 8 bits."""
        op = self._op
        zero, one, ranges = (np.float32(each).reshape(1, -1, 1, 1) for each in (0, 1, layer.ranges))
        scaled = layer.weight * ranges
        most = np.maximum(np.abs(scaled).max((1, 2, 3), keepdims=True), np.float32(1e-8))
        samples = op.fake_quantize(f, zero, ranges, zero, one, _STEPS + 1)
        return samples, op.fake_quantize(op.constant(scaled), -most, most, -most, most, _STEPS)

    def _convolution(self, x: Any, kernel: Any, layer: _Weights, stride: int = 1, missing: int = 0) -> Any:
        """Zeros at each side, `missing` rows more below; every `stride` rows."""
        pad = layer.weight.shape[-1] // 2
        y = self._op.convolution(x, kernel, [stride, 1], [pad, pad], [pad + missing, pad], [1, 1])
        return self._op.add(y, self._op.constant(layer.bias.reshape(1, -1, 1, 1)))


def _array(parameter: Any) -> Any:
    """Float32, on its own: later changes of the network's weights do not arrive."""
    return parameter.detach().to("cpu", torch.float32).numpy().copy()


ENGINE = OpenVINOEngine

"""The residual branch in OpenVINO, on a CPU: bf16, float32 or 8-bit integers, one compiled graph for each shape.

The graph is built from the weights. Its last layer, which has three results a pixel, makes several rows at a time
(`ops.blocks`). In int8 the residual layers alone multiply in 8 bits; the first layer, the last one (3 dB for a
twentieth of the time) and the stream between the layers stay in bf16, or in float32 where the processor has none.
"""

import importlib
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from vidrts.networks.upscaler import ResidualUpscaler
from vidrts.ops.blocks import block_for, by_blocks, woven
from vidrts.picture.engines.int8_ranges import channel_ranges
from vidrts.picture.engines.torch import CENTRE, centred_bias

_BLOCK = block_for(3)
"""Of pixels that the last layer makes at a time: rows alone."""
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
    """A graph at one shape: its request, and the (B, 3*rows, h/rows, w) that its result is written to."""

    request: Any
    output: torch.Tensor


class OpenVINOEngine:
    """An `Engine` on the CPU, with as many threads as torch has when a shape is first seen.

    Raises ImportError or OSError without OpenVINO, RuntimeError where it cannot compute the graph in `dtype`.
    """

    name = "openvino"

    def __init__(self, network: ResidualUpscaler, dtype: torch.dtype) -> None:
        self._ov, self._op = _load()
        self._core = _core()
        able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if dtype == torch.bfloat16 and "BF16" not in able:
            raise RuntimeError("it computes no bf16 on this processor")
        self._ranges = [_array(each) for each in channel_ranges(network)] if dtype == torch.int8 else []
        if dtype == torch.int8:
            dtype = torch.bfloat16 if "BF16" in able else torch.float32
        self._precision = _TYPES[dtype]
        first = (_array(network.conv_in.weight), _array(centred_bias(network)))
        self._inner = [first, *((_array(conv.weight), _array(conv.bias)) for conv in network.layers)]
        out = network.conv_out
        assert out.bias is not None
        weight, bias = by_blocks(out.weight, out.bias, _BLOCK)
        self._last = (_array(weight), _array(bias))
        self._compiled: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()
        self._compile((1, 3, 16, 16))  # what it cannot do it says here

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See `Engine`."""
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
        return woven(compiled.output, _BLOCK)[..., : x.shape[2], :]

    def _compile(self, shape: tuple[int, ...]) -> _Compiled:
        batch, _, height, width = shape
        settings = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # several enhancers would be pinned to the same cores
        }
        request = self._core.compile_model(self._graph(shape), "CPU", settings).create_infer_request()
        output = torch.empty(batch, 3 * _BLOCK[0], -(-height // _BLOCK[0]), width)
        request.set_output_tensor(self._ov.Tensor(output.numpy(), shared_memory=True))
        return _Compiled(request, output)

    def _graph(self, shape: tuple[int, ...]) -> Any:
        op = self._op
        x = op.parameter(list(shape), dtype=np.float32)
        first, *layers = self._inner
        f = op.relu(self._convolution(op.subtract(x, op.constant(np.float32(CENTRE))), op.constant(first[0]), first[1]))
        for k, (weight, bias) in enumerate(layers):
            g, kernel = self._in_8_bits(f, weight, self._ranges[k]) if self._ranges else (f, op.constant(weight))
            f = op.add(f, op.relu(self._convolution(g, kernel, bias)))
        stride, missing = _BLOCK[0], -shape[2] % _BLOCK[0]
        rows = self._convolution(f, op.constant(self._last[0]), self._last[1], stride=stride, below=1 + missing)
        return self._ov.Model([rows], [x], "residual")

    def _in_8_bits(self, f: Any, weight: Any, bound: Any) -> tuple[Any, Any]:
        """f over the range of each channel, 0..1, and the weights that make up for it, both rounded to 8 bits."""
        op = self._op
        zero, one, ranges = (np.float32(each).reshape(1, -1, 1, 1) for each in (0, 1, bound))
        scaled = weight * ranges
        most = np.maximum(np.abs(scaled).max((1, 2, 3), keepdims=True), np.float32(1e-8))
        samples = op.fake_quantize(f, zero, ranges, zero, one, _STEPS + 1)
        return samples, op.fake_quantize(op.constant(scaled), -most, most, -most, most, _STEPS)

    def _convolution(self, x: Any, kernel: Any, bias: Any, stride: int = 1, below: int = 1) -> Any:
        """One zero at each side, `below` of them below; every `stride` rows."""
        y = self._op.convolution(x, kernel, [stride, 1], [1, 1], [below, 1], [1, 1])
        return self._op.add(y, self._op.constant(bias.reshape(1, -1, 1, 1)))


def _array(parameter: Any) -> Any:
    """Float32, on its own: later changes of the network's weights do not arrive."""
    return parameter.detach().to("cpu", torch.float32).numpy().copy()

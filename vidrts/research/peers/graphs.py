"""A residual network with its folded tail as a list of steps, written for ONNX Runtime and for ncnn.

Both get the cheap 9x9 tail, which their usual scripts have not: they are shown at their best.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.networks.network import ResidualNetwork
from vidrts.picture.folded_tail import fold


@dataclass(frozen=True)
class Convolution:
    """`output` = convolution of `source`, zero padded to its size, with ReLU where `relu`."""

    source: str
    output: str
    weight: NDArray[np.float32]
    """(out, in, k, k)."""
    bias: NDArray[np.float32]
    relu: bool


@dataclass(frozen=True)
class Sum:
    """`output` = `left` + `right`."""

    left: str
    right: str
    output: str


Step = Convolution | Sum


def steps(network: ResidualNetwork) -> list[Step]:
    """From "x", R'G'B' in 0..1, to "y", d(SR(x)); within its reach of the edge it differs, by the zero padding."""
    found: list[Step] = []
    source = "x"
    for number, layer in enumerate(network.branch):
        output = f"f{number}"
        made = f"g{number}" if layer.skip else output
        found.append(_convolution(source, made, layer.conv.weight, layer.bias, relu=layer.relu))
        if layer.skip:
            found.append(Sum(source, made, output))
        source = output
    found.append(Sum("x", source, "b"))
    found.append(_convolution("b", "y", *fold(network.conv_ext), relu=False))
    return found


def _convolution(source: str, output: str, weight: torch.Tensor, bias: torch.Tensor, *, relu: bool) -> Convolution:
    kernel, added = (t.detach().to("cpu", torch.float32).numpy() for t in (weight, bias))
    return Convolution(source, output, kernel, added, relu)


def write_onnx(network: ResidualNetwork, path: Path) -> None:
    """One ONNX file for any size; raises ImportError where the package onnx is not installed."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    nodes, weights = [], []
    for step in steps(network):
        if isinstance(step, Sum):
            nodes.append(helper.make_node("Add", [step.left, step.right], [step.output]))
            continue
        k, out = step.weight.shape[-1], step.output
        weights += [numpy_helper.from_array(step.weight, f"{out}.w"), numpy_helper.from_array(step.bias, f"{out}.b")]
        inner = f"{out}.linear" if step.relu else out
        nodes.append(helper.make_node("Conv", [step.source, f"{out}.w", f"{out}.b"], [inner], pads=[k // 2] * 4))
        if step.relu:
            nodes.append(helper.make_node("Relu", [inner], [out]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "height", "width"]) for name in "xy"]
    graph = helper.make_graph(nodes, "rts", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, str(path))


def write_ncnn(network: ResidualNetwork, parameters: Path, weights: Path) -> None:
    """ncnn's two files: the graph in words, and float32 weights in its order."""
    work = steps(network)
    uses: dict[str, int] = {}
    for step in work:
        for name in _sources(step):
            uses[name] = uses.get(name, 0) + 1
    taken: dict[str, int] = {}

    def take(name: str) -> str:
        """The next copy of a blob that several layers read: ncnn has each blob read once."""
        if uses[name] == 1:
            return name
        taken[name] = taken.get(name, -1) + 1
        return f"{name}_{taken[name]}"

    lines: list[str] = []

    def layer(kind: str, name: str, sources: list[str], outputs: list[str], options: str = "") -> None:
        lines.append(" ".join([kind, name, str(len(sources)), str(len(outputs)), *sources, *outputs, options]))

    def made(name: str) -> None:
        if uses.get(name, 0) > 1:
            layer("Split", f"split_{name}", [name], [f"{name}_{k}" for k in range(uses[name])])

    layer("Input", "input", [], ["x"])
    made("x")
    with weights.open("wb") as file:
        for step in work:
            sources = [take(name) for name in _sources(step)]
            if isinstance(step, Sum):
                layer("BinaryOp", f"add_{step.output}", sources, [step.output], "0=0")
            else:
                out, _, k, _ = step.weight.shape
                options = f"0={out} 1={k} 4={k // 2} 5=1 6={step.weight.size} 9={int(step.relu)}"
                layer("Convolution", f"conv_{step.output}", sources, [step.output], options)
                file.write(struct.pack("<I", 0) + step.weight.tobytes() + step.bias.tobytes())  # 0: plain float32
            made(step.output)
    blobs = sum(int(line.split()[3]) for line in lines)
    parameters.write_text("\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n")


def _sources(step: Step) -> list[str]:
    return [step.left, step.right] if isinstance(step, Sum) else [step.source]

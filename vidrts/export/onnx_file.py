"""`export_onnx`: a model as an ONNX file, checked in ONNX Runtime before it has its name."""

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from vidrts.errors import MissingPackageError, ModelError, OptionError
from vidrts.export.graph import PictureGraph
from vidrts.files import atomic_write
from vidrts.networks.blur_level import WINDOWED
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.spec import next_multiple

OPSET = 18
"""What ONNX Runtime takes from 1.14 on, OpenVINO from 2023 on and TensorRT from 9 on."""
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_LEAST = 16
"""Pixels of a side that any network takes."""
_WORST = {False: 1e-4, True: 2e-2}
"""What a file may differ by from torch in float32, of full scale: in float32 and in float16."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An ONNX file that was written."""

    error: float
    """The greatest difference from torch in float32, of full scale, over pictures of noise."""
    overlap: int
    """Input pixels by which tiles must overlap on each side."""
    least: int
    """Pixels that each side of a picture needs."""
    multiple: int
    """What each side is a multiple of in a file for any size; 1 for most networks."""


def export_onnx(
    model: LoadedModel,
    out: Path,
    *,
    scale: int = 1,
    plane: bool = False,
    size: tuple[int, int] | None = None,
    half: bool = False,
    blur: tuple[float, float] | None = None,
    amplitude: float = 0.0,
) -> Exported:
    """Write `model` to `out`: input "input", (1, C, H, W) in 0..1, result "output", (1, C, scale*H, scale*W).

    C is 3, full-range R'G'B', or 1, luma, with `plane`. size: (width, height), for a file of this size alone; None:
    any. half: float16. blur, amplitude: see `PictureGraph`. The file's metadata says what it takes and gives.

    Raises `MissingPackageError` without the packages of the extra `export`, `OptionError` for what the model does not
    offer, `ModelError` where the file, run by ONNX Runtime, departs from torch.
    """
    _packages()
    graph = PictureGraph(model, scale=scale, plane=plane, blur=blur, amplitude=amplitude).eval().requires_grad_(False)
    multiple = 1 if size else model.network.spec.multiple
    least = next_multiple(WINDOWED + 1 if graph.estimates and size is None else _LEAST, multiple)
    if size is not None and (min(size) < _LEAST or (graph.estimates and min(size) <= WINDOWED)):
        needed = WINDOWED + 1 if graph.estimates else _LEAST
        raise OptionError(
            f"size {size[0]}x{size[1]}: expected at least {needed}x{needed}"
            + (", from which blur levels are estimated; or --blur-level" if graph.estimates else "")
        )
    more = [multiple * count for count in (7, 24, 33)]
    shapes = [(size[1], size[0])] if size else [(least + more[0], least + more[1]), (least + more[2], least)]
    pictures = [_noise(1 if plane else 3, *shape) for shape in shapes]
    with torch.inference_mode():
        wanted = [graph(picture) for picture in pictures]
    if half:
        graph = graph.half()
        if graph.estimates and model.network.blur_level is not None:
            model.network.blur_level.float()
    sides = None if size else {2: _side("height", least, multiple), 3: _side("width", least, multiple)}
    with _quiet():
        program = torch.onnx.export(
            graph, (pictures[0].half() if half else pictures[0],), dynamo=True, opset_version=OPSET, verbose=False,
            dynamic_shapes=(sides,), input_names=["input"], output_names=["output"],
        )  # fmt: skip
    assert program is not None
    made = program.model_proto
    onnx = importlib.import_module("onnx")
    onnx.helper.set_model_props(made, _about(model, graph, multiple, half=half, blur=blur, amplitude=amplitude))
    made.producer_name, made.producer_version = "vidrts", metadata.version("vidrts")
    made.doc_string = f"{model.info.name} of vidrts"
    with atomic_write(out) as file:
        onnx.save(made, str(file))
        error = max(_difference(file, picture, truth) for picture, truth in zip(pictures, wanted, strict=True))
        if not error <= _WORST[half]:
            raise ModelError(
                f"{out}: not written; ONNX Runtime departs from torch by {error:.2g} of full scale, expected at most "
                f"{_WORST[half]:g}"
            )
    return Exported(error=error, overlap=graph.halo, least=least, multiple=multiple)


def _side(name: str, least: int, multiple: int) -> Any:
    """Any size from `least` up, a multiple; torch cannot follow how other sizes are filled up where windows are cut."""
    side = torch.export.Dim(name, min=least // multiple)
    return side if multiple == 1 else multiple * side


def _packages() -> None:
    for name in _NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise MissingPackageError(f"export needs the package {name} ({error}); pip install '.[export]'") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of its own matters."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _about(
    model: LoadedModel,
    graph: PictureGraph,
    multiple: int,
    *,
    half: bool,
    blur: tuple[float, float] | None,
    amplitude: float,
) -> dict[str, str]:
    """The file's metadata."""
    picture = "luma, one channel" if graph.plane else "R'G'B'"
    told = "estimated from the whole picture: do not cut pictures into tiles" if graph.estimates else ""
    if blur is not None:
        told = ", ".join(f"{level:g}" for level in blur)
    about = {
        "name": model.info.name, "licence": model.info.licence, "input": f"{picture}, 0 to 1, full range",
        "output": f"{picture}, not clamped", "scale": str(graph.scale), "overlap": str(graph.halo),
        "multiple": "" if multiple == 1 else str(multiple),
        "precision": "float16" if half else "float32", "blur level": told,
        "noise amplitude": f"{amplitude:g}" if amplitude else "",
    }  # fmt: skip
    return {key: value for key, value in about.items() if value}


def _noise(channels: int, height: int, width: int) -> torch.Tensor:
    """A picture of noise of all sizes, (1, C, H, W) in 0..1."""
    generator = torch.Generator().manual_seed(0)
    layers = [
        torch.nn.functional.interpolate(
            torch.rand(1, channels, -(-height // cell), -(-width // cell), generator=generator), (height, width),
            mode="bilinear",
        )
        for cell in (1, 4, 16)
    ]  # fmt: skip
    return torch.stack(layers).mean(0)


def _difference(file: Path, picture: torch.Tensor, wanted: torch.Tensor) -> float:
    """Between ONNX Runtime's result and the wanted one, at most."""
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    kind = session.get_inputs()[0].type
    given = picture.half() if kind == "tensor(float16)" else picture
    (result,) = session.run(None, {"input": given.numpy()})
    return float((torch.from_numpy(result).float() - wanted).abs().max())

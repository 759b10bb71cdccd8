"""A model as the files that other programs run: luma in, luma out, borders and tail inside, for one size."""

import shutil
import subprocess
import sys
from pathlib import Path

from vidrts.errors import MissingPackageError, VidrtsError
from vidrts.export.onnx_file import export_onnx
from vidrts.networks.checkpoint import LoadedModel

BLUR_LEVEL = (0.15, 0.3)
"""What peers are told of every picture by networks that are told it: they need not estimate it."""


def write_onnx(model: LoadedModel, size: tuple[int, int], file: Path) -> None:
    """(1, 1, h, w) luma in 0..1 -> the same, of `size` = (w, h); raises what `export_onnx` raises."""
    blur = BLUR_LEVEL if model.network.blur_level is not None else None
    export_onnx(model, file, plane=True, size=size, blur=blur)


def pnnx() -> str | None:
    """The program that writes ncnn's files; None where the package pnnx is not installed."""
    return shutil.which("pnnx", path=str(Path(sys.executable).parent)) or shutil.which("pnnx")


def write_ncnn(onnx: Path, size: tuple[int, int]) -> tuple[Path, Path]:
    """(graph, weights in float32) beside an ONNX file; its blobs are in0 and out0, (1, h, w)."""
    program = pnnx()
    if program is None:
        raise MissingPackageError("ncnn's files need the package pnnx; pip install pnnx")
    words = [program, onnx.name, f"inputshape=[1,1,{size[1]},{size[0]}]", "fp16=0"]
    done = subprocess.run(words, cwd=onnx.parent, capture_output=True, text=True, check=False)
    graph, weights = onnx.with_suffix(".ncnn.param"), onnx.with_suffix(".ncnn.bin")
    if done.returncode or not graph.is_file():
        raise VidrtsError(f"{onnx.name}: pnnx cannot convert it ({(done.stderr.strip().splitlines() or [''])[-1]})")
    return graph, weights

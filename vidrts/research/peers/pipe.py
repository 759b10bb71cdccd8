"""Enhancing as the usual scripts do it: ffmpeg decodes to yuv420p, a loop takes frame by frame, ffmpeg encodes.

python -m vidrts.research.peers.pipe ncnn net.onnx in.mp4 960x540 out.mp4 -c:v libx264 -preset veryfast

`torch NAME` is eager float32; `onnxruntime` and `ncnn` run what `peers.files` wrote. Luma goes through the network,
limited range is made full for it; chroma stays. What stands after the output's name goes to its ffmpeg.
"""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.export.graph import PictureGraph
from vidrts.networks.checkpoint import load_model
from vidrts.research.peers.files import BLUR_LEVEL

type Plane = NDArray[np.float32]
type Filter = Callable[[Plane], Plane]
_BLACK, _WHITE = 16, 235


def eager(model: str, size: tuple[int, int]) -> Filter:
    """(h, w) luma in 0..1, the same out, by torch as it comes."""
    loaded = load_model(model)
    blur = BLUR_LEVEL if loaded.network.blur_level is not None else None
    graph = PictureGraph(loaded, plane=True, blur=blur).eval()

    def run(plane: Plane) -> Plane:
        with torch.inference_mode():
            done: Plane = graph(torch.from_numpy(plane)[None, None])[0, 0].numpy()
        return done

    return run


def by_onnxruntime(file: str, size: tuple[int, int]) -> Filter:
    """The same by ONNX Runtime on all cores."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(plane: Plane) -> Plane:
        done: Plane = session.run(None, {"input": plane[None, None]})[0][0, 0]
        return done

    return run


def by_ncnn(file: str, size: tuple[int, int]) -> Filter:
    """The same by ncnn on all cores."""
    ncnn: Any = importlib.import_module("ncnn")
    net = ncnn.Net()
    net.opt.num_threads = torch.get_num_threads()
    onnx = Path(file)
    net.load_param(str(onnx.with_suffix(".ncnn.param")))
    net.load_model(str(onnx.with_suffix(".ncnn.bin")))

    def run(plane: Plane) -> Plane:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(plane[None]))
        _, made = extractor.extract("out0")
        done: Plane = np.array(made).reshape(size[1], size[0])
        return done

    return run


def main(kind: str, model: str, source: str, size: str, target: str, *encoder: str) -> None:
    """Run the loop to the end of `source`."""
    width, height = map(int, size.split("x"))
    enhance = {"torch": eager, "onnxruntime": by_onnxruntime, "ncnn": by_ncnn}[kind](model, (width, height))
    ffmpeg = ["ffmpeg", "-v", "error", "-nostdin"]
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
    decoder = subprocess.Popen([*ffmpeg, "-i", source, *raw, "-"], stdout=subprocess.PIPE)
    encoding = [*ffmpeg, "-y", *raw, "-s", size, "-r", "30", "-i", "-", *encoder, target]
    writer = subprocess.Popen(encoding, stdin=subprocess.PIPE)
    assert decoder.stdout is not None and writer.stdin is not None
    pixels = width * height
    whole = pixels + 2 * (-(-width // 2) * -(-height // 2))
    while len(data := bytearray(decoder.stdout.read(whole))) == whole:
        plane = np.frombuffer(data, np.uint8, pixels).reshape(height, width)
        enhanced = enhance((plane.astype(np.float32) - np.float32(_BLACK)) / np.float32(_WHITE - _BLACK))
        plane[:] = np.rint(enhanced * (_WHITE - _BLACK) + _BLACK).clip(_BLACK, _WHITE)
        writer.stdin.write(data)
    writer.stdin.close()
    if decoder.wait() or writer.wait():
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])

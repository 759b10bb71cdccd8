"""Enhancing as the usual scripts do it: ffmpeg decodes to rgb24, a loop takes frame by frame, ffmpeg encodes rgb24.

python -m vidrts.research.peers.pipe torch rts-lite in.mp4 960x540 out.mp4 -c:v libx264 -preset veryfast

`torch` is eager float32 with the explicit tail, SR(x) and then its downscale; `ncnn` has the folded one. What stands
after the output's name goes to its ffmpeg.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidrts.networks.checkpoint import load_model
from vidrts.ops.lanczos import halve
from vidrts.research.peers.graphs import write_ncnn

Picture = NDArray[np.uint8]
Filter = Callable[[Picture], Picture]


def eager(model: str) -> Filter:
    """(h, w, 3) in, the same out, by torch as it comes."""
    network = load_model(model).network

    def run(picture: Picture) -> Picture:
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            y = halve(network(x)).clamp(0, 1)
        done: Picture = (y[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        return done

    return run


def by_ncnn(model: str) -> Filter:
    """The same by ncnn on all cores."""
    import ncnn

    network = load_model(model).network.residual_form
    assert network is not None
    net = ncnn.Net()
    net.opt.num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "net.param", Path(folder) / "net.bin"
        write_ncnn(network, *files)
        net.load_param(str(files[0]))
        net.load_model(str(files[1]))

    def run(picture: Picture) -> Picture:
        extractor = net.create_extractor()
        x = np.ascontiguousarray(picture.transpose(2, 0, 1).astype(np.float32) / 255)
        extractor.input("x", ncnn.Mat(x))
        _, y = extractor.extract("y")
        done: Picture = np.rint(np.clip(np.array(y), 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        return done

    return run


def main(kind: str, model: str, source: str, size: str, target: str, *encoder: str) -> None:
    """Run the loop to the end of `source`."""
    enhance = {"torch": eager, "ncnn": by_ncnn}[kind](model)
    width, height = map(int, size.split("x"))
    ffmpeg = ["ffmpeg", "-v", "error", "-nostdin"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    decoder = subprocess.Popen([*ffmpeg, "-i", source, *raw, "-"], stdout=subprocess.PIPE)
    encoding = [*ffmpeg, "-y", *raw, "-s", size, "-r", "30", "-i", "-", "-pix_fmt", "yuv420p", *encoder, target]
    writer = subprocess.Popen(encoding, stdin=subprocess.PIPE)
    assert decoder.stdout is not None and writer.stdin is not None
    while len(data := decoder.stdout.read(3 * width * height)) == 3 * width * height:
        picture = np.frombuffer(bytearray(data), np.uint8).reshape(height, width, 3)
        writer.stdin.write(np.ascontiguousarray(enhance(picture)).tobytes())
    writer.stdin.close()
    if decoder.wait() or writer.wait():
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])

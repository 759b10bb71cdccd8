"""The stages of a frame, each as a task of its own: decode, colour in, network, tail, write-back, encode.

A part is timed alone, with all cores to itself; on CUDA its input lies on the device already, and the copies there
and back are parts, too. What is measured is the default: only luma is written back.
"""

import itertools
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch.utils.flop_counter import FlopCounterMode

from vidrts import color, colorplan
from vidrts.bench.clip import Clip
from vidrts.bench.roofline import fence_of
from vidrts.bench.timing import Lap, Task, timed
from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network, ResidualNetwork
from vidrts.picture import banded_color
from vidrts.picture.engines.choice import pick_engine, pick_precision
from vidrts.picture.folded_tail import TAIL_RADIUS, Tail
from vidrts.picture.options import EnhancerOptions
from vidrts.picture.tiled_upscaler import default_batch, default_tile, preparing
from vidrts.picture.tiles import TileGrid
from vidrts.prefetch import ordered_map
from vidrts.threads import shared_threads
from vidrts.workers import Workers, worker_count

_SAMPLE = 4
_PIXEL = 3 * _SAMPLE
"""Bytes of a float32 sample, and of an R'G'B' pixel."""


@dataclass(frozen=True)
class Probe:
    """A task, and the fields of its row besides the times (`result.Row`)."""

    task: Task
    kind: Literal["ceiling", "part", "whole"]
    name: str
    about: dict[str, Any] = field(default_factory=dict)


def decode(clip: Clip, size: str) -> Probe:
    """The clip's frames, up to their planes; the first one, with which the file is opened, is not counted."""

    def run() -> Lap:
        with Source(clip.path, clip.decode(clip.frames)) as source:
            return timed(lambda: [None for event in source.events() if isinstance(event, Frame)], clip.frames - 1)

    return Probe(Task(f"decode {size}", run), "part", "decode", {"size": size})


def encode(clip: Clip, size: str, preset: str, folder: Path) -> Probe:
    """The clip's own frames through x264 into a file, to its last packet."""

    def run() -> Lap:
        with Source(clip.path, clip.decode(clip.frames)) as source:
            options = EncodeOptions(video_codec="libx264", preset=preset, overwrite=True)
            frames = [event for event in source.events() if isinstance(event, Frame)]
            with Target(folder / "encoded.mp4", source.input, options) as target:

                def work() -> None:
                    for frame in frames:
                        target.write(frame)
                    target.finish()

                return timed(work, len(frames))

    return Probe(Task(f"encode {preset} {size}", run), "part", "encode", {"size": size, "preset": preset})


class Pictures:
    """A few decoded frames of a clip and what the picture's parts need of them, on `device`."""

    def __init__(self, clip: Clip, device: torch.device, count: int = 4) -> None:
        self.device = device
        self.size = f"{clip.size[0]}x{clip.size[1]}"
        self.pixels = clip.size[0] * clip.size[1]
        with Source(clip.path, clip.decode(count)) as source:
            self.frames = [event for event in source.events() if isinstance(event, Frame)]
        first = self.frames[0]
        tags, _ = colorplan.assume(first.color, first.format, first.height)
        self.plan = colorplan.plan(tags, first.format, keep=True).to(device)
        self.planes = [tuple(plane.to(device) for plane in frame.planes) for frame in self.frames]
        self.bytes = sum(plane.numel() * plane.element_size() for plane in first.planes)
        self.rgb = color.to_rgb(self.planes[0], self.plan)[None].clamp_(0, 1)

    def _probe(
        self, name: str, make: Callable[[], Callable[[int], object]], amounts: dict[str, float], **about: str
    ) -> Probe:  # fmt: skip
        """`make` gives what one worker does for frame k; as many work at a time as in a run (`workers`)."""
        workers = [_without_gradients(make(), len(self.frames)) for _ in range(worker_count(self.device))]
        units = len(workers) * _laps(self.device)
        fence = fence_of(self.device)

        def work() -> None:
            if self.device.type == "cuda":
                # One thread keeps it full; in each new one cuDNN would look for its kernels anew.
                for k in range(units):
                    workers[0](k)
                return
            with (
                shared_threads(len(workers)) as begin,
                closing(ordered_map(iter(range(units)), workers, units, "bench", begin=begin)) as done,
            ):
                list(done)

        title = " ".join([name, *about.values(), self.size])
        task = Task(title, lambda: timed(work, units, fence))
        return Probe(task, "part", name, {"size": self.size, "amounts": amounts, **about})

    def color_in(self) -> Probe:
        """Planes to R'G'B'."""
        moved = self.bytes + _PIXEL * self.pixels
        return self._probe("colour in", self._reader, {"copy": float(moved)})

    def write_back(self) -> Probe:
        """A change of luma into its plane."""
        written = self.planes[0][: self.plan.written]
        moved = sum(2 * p.numel() * p.element_size() for p in written) + (_PIXEL + _SAMPLE) * self.pixels
        return self._probe("write-back", self._writer, {"copy": float(moved)})

    def _reader(self) -> Callable[[int], None]:
        out = torch.empty_like(self.rgb[0])
        return lambda k: banded_color.read(self.planes[k], self.plan, out)

    def _writer(self) -> Callable[[int], object]:
        resolved = colorplan.luma(self.rgb[0])[None]
        return lambda k: banded_color.write_back(self.planes[k], self.rgb[0], resolved, self.plan)

    def transfers(self) -> list[Probe]:
        """Planes to the GPU and back through pinned memory."""
        host = [torch.empty(p.shape, dtype=p.dtype, pin_memory=True) for p in self.planes[0]]
        held = [torch.empty_like(p) for p in self.planes[0]]

        def upload(k: int) -> None:
            for plane, stage, target in zip(self.frames[k].planes, host, held, strict=True):
                stage.copy_(plane)
                target.copy_(stage, non_blocking=True)

        def download(k: int) -> None:
            for plane, stage in zip(self.planes[k], host, strict=True):
                stage.copy_(plane, non_blocking=True)

        amount = float(self.bytes)
        return [
            self._probe("upload", lambda: upload, {"upload": amount}),
            self._probe("download", lambda: download, {"download": amount}),
        ]

    def network(self, network: ResidualNetwork, model: str, options: EnhancerOptions) -> Probe:
        """The residual branch alone on the tiles of a frame; only what the frame needs counts as its operations."""
        dtype = pick_precision(options.precision, self.device)
        tile, calls = self._tiles(network.radius + TAIL_RADIUS)

        def make() -> Callable[[int], None]:
            engine = pick_engine(network, self.device, dtype, options.engine)

            def work(_: int) -> None:
                for _ in range(calls):
                    engine.residual(tile)

            return work

        precision = options.precision
        amounts = {f"matrix {precision}": branch_flop(network) * self.pixels, "copy": 2.0 * _PIXEL * self.pixels}
        return self._probe("network", make, amounts, model=model, engine=f"{options.engine} {precision}")

    def blur_level(self, network: Network, model: str) -> Probe:
        """Luma, and its estimated blur levels, as the network wants them."""
        prepare = preparing(network, self.device)

        def make() -> Callable[[int], object]:
            out = torch.empty_like(self.rgb)
            return lambda _: prepare(self.rgb, out)

        return self._probe("blur level", make, {"copy": 2.0 * _PIXEL * self.pixels}, model=model)

    def tail(self, network: ResidualNetwork, model: str) -> Probe:
        """Extension, downscale and luma as one 9x9 convolution in float32."""
        last = Tail(network.conv_ext, self.device, luma=True)
        tile, calls = self._tiles(last.halo)

        def work(_: int) -> None:
            for _ in range(calls):
                last(tile)

        operations = 2.0 * 3 * (2 * TAIL_RADIUS + 1) ** 2
        amounts = {"matrix fp32": operations * self.pixels, "copy": float(_PIXEL + _SAMPLE) * self.pixels}
        return self._probe("tail", lambda: work, amounts, model=model)

    def _tiles(self, halo: int) -> tuple[torch.Tensor, int]:
        """(a batch of tiles as the network gets them, how many such batches make a frame)."""
        height, width = self.rgb.shape[-2:]
        tile_width, tile_height = default_tile(self.device, height, width)
        count = len(TileGrid(height, width, tile_height, tile_width, halo).tiles)
        batch = min(count, default_batch(self.device))
        picture = F.pad(self.rgb, (halo,) * 4, mode="replicate")
        tile = picture[..., : tile_height + 2 * halo, : tile_width + 2 * halo].expand(batch, -1, -1, -1)
        layout = torch.contiguous_format if self.device.type == "cpu" else torch.channels_last
        return tile.contiguous(memory_format=layout), -(-count // batch)

    def enhance(self, model: LoadedModel, options: EnhancerOptions, name: str, engine: str) -> Probe:
        """The enhancement as the pipeline runs it, all workers together: frames in, enhanced frames out."""
        workers = Workers(model, options)
        # Several for each worker, so that they overlap and the start of their threads is a small part.
        count = 4 * workers.count * _laps(self.device)

        def run() -> Lap:
            frames = itertools.islice(itertools.cycle(self.frames), count)
            # Frames are let go at once, as an encoder does.
            return timed(
                lambda: deque(workers.enhanced(frames, 2 * workers.count), maxlen=0), count, fence_of(self.device)
            )

        return Probe(Task(f"enhance {name} {engine} {self.size}", run), "part", "enhance",
                     {"size": self.size, "model": name, "engine": engine})  # fmt: skip


def _laps(device: torch.device) -> int:
    """Units of each worker in a lap: a GPU does one in the time in which a thread starts."""
    return 1 if device.type == "cpu" else 32


def _without_gradients(work: Callable[[int], object], frames: int) -> Callable[[int], object]:
    """`work` on frame k of so many, over and over."""

    def run(k: int) -> object:
        with torch.inference_mode():
            return work(k % frames)

    return run


def branch_flop(network: Network) -> float:
    """Operations per pixel (two for a multiply-add) of the residual branch, of the whole network where it has none."""
    side = 32
    picture = torch.zeros(1, 3, side, side)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        (network.residual_form.residual if network.residual_form else network)(picture)
    return float(counter.get_total_flops()) / side**2

"""Whether the cost of a frame stays the same: over a long run, over sizes of the picture, over sizes of the network."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from vidrts.bench.child import check_ended
from vidrts.bench.clip import clip_of, sample, scaled, to_and_fro, y4m_writer
from vidrts.bench.machine import Machine, describe
from vidrts.bench.memory import resident
from vidrts.bench.options import Pace
from vidrts.bench.parts import Pictures, Probe, branch_flop
from vidrts.bench.timing import measure
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build
from vidrts.picture.device import pick_device
from vidrts.picture.options import EnhancerOptions

Says = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class ScaleBench:
    """What is measured. Raises `OptionError` when made."""

    model: str = "rts-lite"
    """For the long run and the sizes."""
    frames: int = 600
    """Of the long run."""
    block: int = 100
    """Frames after which time and memory are looked at."""
    film: tuple[int, int] = (320, 180)
    """(width, height) of the long run."""
    sizes: tuple[tuple[int, int], ...] = ((854, 480), (1280, 720), (1920, 1080), (3840, 2160))
    networks: tuple[str, ...] = ("rts-r1", "rts-r3", "rts-r6")
    """Recipes; untrained where they are not shipped, which changes no time."""
    picture: tuple[int, int] = (960, 540)
    """(width, height) at which networks are compared."""
    device: str = "auto"
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        if self.block < 1 or self.frames < 3 * self.block:
            raise OptionError(f"frames {self.frames}: expected at least three blocks of {self.block}")
        if unknown := set(self.networks) - set(RECIPES):
            raise OptionError(f"networks {', '.join(sorted(unknown))}: expected some of {', '.join(RECIPES)}")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of the long run."""

    frames: int
    """Done by its end."""
    seconds: float
    """Per frame of it."""
    memory: int
    """Bytes that the process held at its end."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One size of picture or network."""

    name: str
    seconds: float
    """Per frame."""
    spread: float
    amount: float
    """Pixels, or multiply-adds of a frame."""

    @property
    def cost(self) -> float:
        """Seconds per pixel or multiply-add."""
        return self.seconds / self.amount


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """All of one run."""

    machine: Machine
    options: ScaleBench
    blocks: tuple[Block, ...]
    sizes: tuple[Step, ...]
    networks: tuple[Step, ...]

    @property
    def drift(self) -> float:
        """Time of a frame in the second half of the long run over that in the first; medians over blocks.

        The first block, in which the program starts, is left out.
        """
        seconds = [block.seconds for block in self.blocks[1:]]
        middle = len(seconds) // 2
        return statistics.median(seconds[middle:]) / statistics.median(seconds[:middle] or seconds)

    @property
    def growth(self) -> int:
        """Bytes of memory at the end of the long run more than after its second block."""
        return self.blocks[-1].memory - self.blocks[1].memory

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(asdict(self), indent=1) + "\n"


def bench_scale(options: ScaleBench, on_step: Says = lambda what, done, total: None) -> Scaling:
    """Measure; sizes and networks take turns."""
    model = load_model(options.model)
    with tempfile.TemporaryDirectory(prefix="vidrts-scale-") as name:
        folder = Path(name)
        blocks = _film(options, folder, on_step)
        sizes = []
        for size in options.sizes:
            on_step(f"making the clip of {size[0]}x{size[1]}", 0, 1)
            sizes.append((_probe(size, model, options, options.model, folder), float(size[0] * size[1])))
        pixels = options.picture[0] * options.picture[1]
        networks = []
        for recipe in options.networks:
            architecture, numbers = RECIPES[recipe]
            network = build(architecture, numbers).eval().requires_grad_(False)
            loaded = replace(model, network=network)
            probe = _probe(options.picture, loaded, options, recipe, folder)
            networks.append((probe, branch_flop(network) / 2 * pixels))
    work = sizes + networks
    timings = measure([probe.task for probe, _ in work], options.pace, on_step)
    steps = [
        Step(name=probe.about["size"], seconds=timing.seconds, spread=timing.spread, amount=amount)
        for (probe, amount), timing in zip(work, timings, strict=True)
    ]
    named = [
        Step(name=recipe, seconds=step.seconds, spread=step.spread, amount=step.amount)
        for recipe, step in zip(options.networks, steps[len(sizes) :], strict=True)
    ]
    return Scaling(
        machine=describe(), options=options, blocks=tuple(blocks), sizes=tuple(steps[: len(sizes)]),
        networks=tuple(named),
    )  # fmt: skip


def _probe(size: tuple[int, int], model: LoadedModel, options: ScaleBench, name: str, folder: Path) -> Probe:
    """The enhancement of one frame."""
    pictures = Pictures(clip_of(sample(), size, 4, folder, remake=True), pick_device(options.device), count=1)
    return pictures.enhance(model, EnhancerOptions(device=options.device), name, "auto")


def _film(options: ScaleBench, folder: Path, on_step: Says) -> list[Block]:
    """`vidrts enhance` fed through a pipe: how fast it takes frames, and what memory it holds meanwhile."""
    frames = scaled(sample(), options.film, 55)
    words = [sys.executable, "-m", "vidrts", "enhance", "-q", "--model", options.model, "--device", options.device,
             "-preset", "veryfast", "-", str(folder / "film.mkv")]  # fmt: skip
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    blocks: list[Block] = []
    try:
        with suppress(BrokenPipeError):  # it ended early: its exit code and its words say why
            writer = y4m_writer(cast(BinaryIO, process.stdin), frames[0])
            began = time.perf_counter()
            for number, frame in enumerate(islice(to_and_fro(frames), options.frames), 1):
                writer.write(frame.planes)
                if number % options.block == 0:
                    now = time.perf_counter()
                    seconds = (now - began) / options.block
                    blocks.append(Block(frames=number, seconds=seconds, memory=resident(process.pid)))
                    began = now
                    on_step(f"a film of {options.frames} frames", number, options.frames)
        _, told = process.communicate()
    finally:
        process.kill()
        process.wait()
    check_ended(process, told, "the long run")
    return blocks

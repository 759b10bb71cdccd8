"""What segments cost: against a run without, and in joining; and how two workers of a cluster share a film.

costs = bench_segments(SegmentBench(clip=Path("film.mp4")))
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

from vidrts.bench.child import check_ended
from vidrts.bench.clip import clip_of, sample
from vidrts.bench.machine import Machine, OtherLoad, describe
from vidrts.bench.options import Pace
from vidrts.bench.timing import Lap, Task, measure
from vidrts.errors import OptionError
from vidrts.media.write.options import EncodeOptions
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.progress import Progress
from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments

Says = Callable[[str, int, int], None]
_OUT = "out-{}.mp4"
_SIZE = (854, 480)
"""(width, height) of the clip that is made."""


@dataclass(frozen=True, kw_only=True)
class SegmentBench:
    """What is measured. Raises `OptionError` when made."""

    clip: Path | None = None
    """The film that is enhanced whole and in segments; None: `frames` of the sample clip at 480p."""
    frames: int = 3000
    length: int = 10
    """Seconds of a segment."""
    model: str = "rts-lite"
    joined: int = 150_000
    """Tiny frames of the film that is joined in segments of three times that length; none for 0."""
    workers: bool = False
    """Measure Ray clusters of one and of two workers of one core each, and nothing else."""
    rounds: int = 3

    def __post_init__(self) -> None:
        if min(self.frames, self.length, self.rounds) < 1 or self.joined < 0:
            raise OptionError("frames, length and rounds: expected at least 1")
        if self.workers and len(os.sched_getaffinity(0)) < 2:
            raise OptionError("workers: expected a machine of two cores or more")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Medians of the rounds of one way to make the film."""

    name: str
    seconds: float
    spread: float
    """Standard deviation of the rounds over their mean; 0 where there was one round."""
    cpu_seconds: float | None
    """None: not known, of a cluster, whose workers are no children of this process."""
    size: int
    """Bytes of the output, of all where there are several."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """Joining the tiny film."""

    frames: int
    segments: int
    seconds: float
    cpu_seconds: float
    size: int
    """Bytes of the output."""
    copy: float
    """Seconds in which that file is copied and synced."""


@dataclass(frozen=True, kw_only=True)
class SegmentCosts:
    """All of one run."""

    machine: Machine
    options: SegmentBench
    runs: tuple[Run, ...]
    """"whole", "segments"; or "one process", "two processes", each with the whole film, and "one worker", "two
    workers", which share it: processes that know nothing of each other are what the cores allow."""
    join: Join | None
    others: float | None
    """Share of the cores that other programs took."""

    def run(self, name: str) -> Run:
        """The one of that name."""
        return next(run for run in self.runs if run.name == name)

    @property
    def gained(self) -> float:
        """Times the rate of one worker that two make."""
        return self.run("one worker").seconds / self.run("two workers").seconds

    @property
    def possible(self) -> float:
        """Times the rate of one process that two make, which share nothing but the machine."""
        return 2 * self.run("one process").seconds / self.run("two processes").seconds

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(asdict(self), indent=1, default=lambda path: path.name) + "\n"


def bench_segments(options: SegmentBench, on_step: Says = lambda what, done, total: None) -> SegmentCosts:
    """Measure; the ways to make the film take turns, and every other round is walked backwards."""
    others = OtherLoad()
    with tempfile.TemporaryDirectory(prefix="vidrts-segments-") as name:
        folder = Path(name)
        on_step("making the clip", 0, 1)
        film = options.clip or clip_of(sample(), _SIZE, options.frames, folder).path
        base = ["--model", options.model, "--device", "cpu", str(film)]
        cut = ["--segment", str(options.length), *base]
        alone = ["--threads", "1", *cut]
        ways: dict[str, Callable[[], Lap]] = {
            "whole": lambda: _enhanced([base], folder), "segments": lambda: _enhanced([cut], folder),
        }  # fmt: skip
        if options.workers:
            ways = {
                "one process": lambda: _enhanced([alone], folder, _cores(1)),
                "two processes": lambda: _enhanced([alone, alone], folder, _cores(2)),
                "one worker": lambda: _on_cluster(1, alone, folder),
                "two workers": lambda: _on_cluster(2, alone, folder),
            }
        sizes: dict[str, int] = {}

        def task(way: str) -> Task:
            def run() -> Lap:
                lap = ways[way]()
                sizes[way] = sum(out.stat().st_size for out in folder.glob(_OUT.format("*")))
                return lap

            return Task(way, run)

        pace = Pace(rounds=options.rounds, slice=0)
        timings = measure([task(way) for way in ways], pace, on_step, warm_up=False)
        join = _join(options, folder, on_step) if options.joined and not options.workers else None
    runs = tuple(
        Run(name=way, seconds=t.seconds, spread=t.spread, cpu_seconds=t.cpu_seconds or None, size=sizes[way])
        for way, t in zip(ways, timings, strict=True)
    )
    return SegmentCosts(machine=describe(), options=options, runs=runs, join=join, others=others.share)


# The film, whole and in segments -------------------------------------------------------------------------------------


def _enhanced(commands: Sequence[Sequence[str]], folder: Path, cores: Sequence[int | None] = (None,)) -> Lap:
    """`vidrts enhance` with these words, all at once, each on one of `cores` where they are given."""
    for out in folder.glob(_OUT.format("*")):
        out.unlink()
    began = time.perf_counter()
    started = []
    for number, (words, core) in enumerate(zip(commands, cores, strict=True)):
        out = folder / _OUT.format(number)
        with _on(core):
            started.append((out, subprocess.Popen(_enhance(words, out), stderr=subprocess.PIPE)))
    cpu = 0.0
    for out, process in started:
        assert process.stderr is not None
        with process.stderr:
            told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        check_ended(process, told, out.name)
        cpu += usage.ru_utime + usage.ru_stime
    return Lap(1, time.perf_counter() - began, cpu)


def _on_cluster(workers: int, words: Sequence[str], folder: Path) -> Lap:
    """The same by a cluster of so many workers, each of which has a core."""
    cluster_utils = importlib.import_module("ray.cluster_utils")
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    try:
        for core in _cores(workers):
            with _on(core):
                cluster.add_node(num_cpus=1)
        lap = _enhanced([["--ray", cluster.address, *words]], folder)
    finally:
        cluster.shutdown()
    return replace(lap, cpu_seconds=0.0)


def _enhance(words: Sequence[str], out: Path) -> list[str]:
    return [sys.executable, "-m", "vidrts", "enhance", "-q", "-y", "-c:v", "libx264", *words, str(out)]


def _cores(count: int) -> list[int]:
    return sorted(os.sched_getaffinity(0))[:count]


@contextmanager
def _on(core: int | None) -> Iterator[None]:
    """Inside, processes that are started run on this core alone; on all of this process's for None."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, own if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


# Joining -------------------------------------------------------------------------------------------------------------


def _join(options: SegmentBench, folder: Path, on_step: Says) -> Join:
    """Timed from the last frame on, which is when all segments are there."""
    on_step(f"making a film of {options.joined} tiny frames", 0, 1)
    film, out = folder / "tiny.mp4", folder / "joined.mp4"
    _write_tiny(film, options.joined)
    settings = EnhanceOptions(
        picture=EnhancerOptions(device="cpu", strength=0),
        encode=EncodeOptions(video_codec="libx264", preset="ultrafast", overwrite=True),
    )  # fmt: skip
    last = [0.0, 0.0]
    segments = 0

    def note(progress: Progress) -> None:
        nonlocal segments
        last[:] = time.perf_counter(), time.process_time()
        segments = progress.segments[1] if progress.segments else 0
        if progress.frames % 1000 == 0:
            on_step(f"a film of {options.joined} tiny frames", progress.frames, options.joined)

    summary = enhance_in_segments(film, out, settings, Segments(length=Fraction(3 * options.length)), on_progress=note)
    seconds, cpu = time.perf_counter() - last[0], time.process_time() - last[1]
    began = time.perf_counter()
    with out.open("rb") as source, (folder / "copy.mp4").open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        os.fsync(target.fileno())
    return Join(
        frames=summary.frames, segments=segments, seconds=seconds, cpu_seconds=cpu, size=summary.bytes_written,
        copy=time.perf_counter() - began,
    )  # fmt: skip


def _write_tiny(path: Path, frames: int) -> None:
    """A film of so many frames, 25 a second, with sound of that length."""
    done = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-f", "lavfi", "-i",
         "anoisesrc=sample_rate=48000:amplitude=0.1", "-t", str(frames / 25), "-c:v", "libx264", "-preset", "ultrafast",
         "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    _, told = done.communicate()
    check_ended(done, told, "ffmpeg")

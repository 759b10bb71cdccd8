"""File to file, as `vidrts enhance` runs: what a frame costs after start-up."""

import time
from pathlib import Path

from vidrts.bench.clip import Clip
from vidrts.bench.parts import Probe
from vidrts.bench.timing import Lap, Task
from vidrts.errors import OptionError
from vidrts.media.write.options import EncodeOptions
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.pipeline import enhance
from vidrts.progress import Progress

_LEAD = 8
"""Frames that are written before the time counts: files are opened by then, the engines of all workers compiled, their
memory touched for the first time, and the queues between the stages are full."""
LEAST = _LEAD + 4
"""Frames of the shortest run."""


def whole(
    clip: Clip, frames: int, model: str, engine: str, options: EnhancerOptions, preset: str, folder: Path
) -> Probe:  # fmt: skip
    """`frames` frames from decoder to the closed file; the end, where the encoder gives what it held back, counts."""
    if not LEAST <= frames <= clip.frames:
        raise OptionError(f"frames: expected {LEAST} to {clip.frames}, got {frames}")
    size = f"{clip.size[0]}x{clip.size[1]}"
    settings = EnhanceOptions(
        model=model, picture=options, decode=clip.decode(frames),
        encode=EncodeOptions(video_codec="libx264", preset=preset, overwrite=True),
    )  # fmt: skip

    def run() -> Lap:
        marks: list[tuple[float, float]] = []

        def note(progress: Progress) -> None:
            if progress.frames == _LEAD:
                marks.append((time.perf_counter(), time.process_time()))

        summary = enhance(clip.path, folder / "whole.mp4", settings, on_progress=note)
        ((began, cpu_began),) = marks
        return Lap(summary.frames - _LEAD, time.perf_counter() - began, time.process_time() - cpu_began)

    about = {"size": size, "model": model, "engine": engine, "preset": preset}
    return Probe(Task(f"whole {model} {engine} {size}", run), "whole", "whole", about)

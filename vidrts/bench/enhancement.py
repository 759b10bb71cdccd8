"""How fast enhancing is: ceilings, parts and whole pipelines of some models at some sizes, in one interleaved run.

result = bench_enhancement(EnhancementBench(models=("rts-lite",), sizes=((960, 540),)))
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from vidrts.bench import parts
from vidrts.bench.clip import Clip, clip_of, own_size, sample
from vidrts.bench.end_to_end import LEAST, whole
from vidrts.bench.machine import OtherLoad, describe
from vidrts.bench.options import EnhancementBench
from vidrts.bench.parts import Pictures, Probe
from vidrts.bench.result import Result, Row
from vidrts.bench.roofline import Ceiling, ceilings
from vidrts.bench.timing import Timing, measure
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import engines_of, native_precisions, precisions_of
from vidrts.picture.options import EngineName, EnhancerOptions, Precision

SIZES = ((960, 540), (1920, 1080))
Says = Callable[[str, int, int], None]
"""Gets the name of the current step, the steps done and their total."""


def bench_enhancement(options: EnhancementBench, on_step: Says = lambda what, done, total: None) -> Result:
    """Measure; every part, pipeline and ceiling has its turn in each round."""
    device = pick_device(options.device)
    precisions = options.precisions or native_precisions(device)
    engines = options.engines or engines_of(device)
    computed = [(engine, precision) for engine in engines for precision in precisions
                if precision in precisions_of(engine, device)]  # fmt: skip
    if not computed:
        raise OptionError(f"precisions {', '.join(precisions)}: not computed by the engines {', '.join(engines)} on "
                          f"the device {device}; choose others of either")  # fmt: skip
    source = options.clip or sample()
    sizes = options.sizes or (SIZES if options.clip is None else (own_size(source),))
    probes: list[Probe] = []
    others = OtherLoad()
    with tempfile.TemporaryDirectory(prefix="vidrts-bench-") as name:
        folder = Path(name)
        limits = ceilings(device, precisions, quick=options.quick)
        probes += [_of_ceiling(ceiling) for ceiling in limits]
        for size in sizes:
            on_step(f"making the clip of {size[0]}x{size[1]}", 0, 1)
            clip = clip_of(source, size, _frames(options), folder)
            probes += _probes(options, clip, device, computed, folder)
        timings = measure([probe.task for probe in probes], options.pace, on_step)
    return Result(
        machine=describe(), device=str(device), clip=clip.title, others=others.share,
        rows=tuple(_row(probe, timing) for probe, timing in zip(probes, timings, strict=True)),
    )  # fmt: skip


def _frames(options: EnhancementBench) -> int:
    """Frames of a clip: what the fastest imaginable pipeline is through in the time, within reason."""
    return max(LEAST, min(120, round(24 * options.seconds)))


def _probes(
    options: EnhancementBench, clip: Clip, device: torch.device, computed: list[tuple[EngineName, Precision]],
    folder: Path,
) -> list[Probe]:  # fmt: skip
    """Everything of one size."""
    size = f"{clip.size[0]}x{clip.size[1]}"
    pictures = Pictures(clip, device)
    found = [parts.decode(clip, size), pictures.color_in(), pictures.write_back()]
    found += pictures.transfers() if device.type == "cuda" else []
    found += [parts.encode(clip, size, preset, folder) for preset in options.presets]
    for model in options.models:
        loaded = load_model(model)
        network = loaded.network
        if network.blur_level is not None:
            found.append(pictures.blur_level(network, model))
        residual = network.residual_form
        if residual:
            found.append(pictures.tail(residual, model))
        for number, (engine, precision) in enumerate(computed):
            enhancer = EnhancerOptions(device=options.device, precision=precision, engine=engine)
            title = f"{engine} {precision}"
            if residual:
                found.append(pictures.network(residual, model, enhancer))
            if number == 0:
                alone = pictures.enhance(loaded, enhancer, model, title)
                found.append(alone)
                count = whole_frames(alone, options.seconds, clip.frames)
                found.append(whole(clip, count, model, title, enhancer, options.presets[0], folder))
    return found


def whole_frames(alone: Probe, seconds: float, most: int) -> int:
    """Frames that fill about `seconds`, by what one frame's enhancement takes."""
    alone.task.run()
    lap = alone.task.run()
    return max(LEAST, min(most, round(seconds * lap.units / lap.seconds)))


def _of_ceiling(ceiling: Ceiling) -> Probe:
    about = {"amounts": {ceiling.name: ceiling.amount}, "unit": ceiling.unit}
    return Probe(ceiling.task, "ceiling", ceiling.name, about)


def _row(probe: Probe, timing: Timing) -> Row:
    return Row(
        kind=probe.kind, name=probe.name, seconds=timing.seconds, spread=timing.spread,
        cpu_seconds=timing.cpu_seconds, **probe.about,
    )  # fmt: skip

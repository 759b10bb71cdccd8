"""`python -m vidrts.research`: experiments, and speed beside other programs and over sizes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vidrts.bench.options import Pace
from vidrts.cli import run
from vidrts.cli.bench import JSON_FILE, QUICK, ROUNDS, many, stepped
from vidrts.cli.common import DEBUG, DEVICE, QUIET
from vidrts.cli.jsonfile import keep
from vidrts.cli.malloc import keep_freed_memory
from vidrts.cli.parsing import SIZES, WORDS
from vidrts.cli.progress_bar import Steps, say
from vidrts.cli.train import tell
from vidrts.errors import OptionError
from vidrts.networks.names import RECIPES
from vidrts.networks.shipped import shipped_models
from vidrts.research.experiments import EXPERIMENTS, SCALES, run_experiment
from vidrts.research.peers.peer_benchmark import Contest, compare
from vidrts.research.scale import ScaleBench, bench_scale
from vidrts.research.segment_costs import SegmentBench, bench_segments
from vidrts.research.standard_test import QUESTION as X2_QUESTION
from vidrts.research.standard_test import run_standard_test
from vidrts.research.tables import peer_lines, scale_lines, segment_lines
from vidrts.research.truth.bench import QUESTION, run_truth

_SCALE, _CONTEST, _SEGMENTS = ScaleBench(), Contest(), SegmentBench(workers=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def research() -> None:
    """What the models were made and judged with.

    \b
    python -m vidrts.research experiment truth --photos PHOTOS --out truth
    python -m vidrts.research scale --frames 10000
    python -m vidrts.research peers --model rts-lite
    python -m vidrts.research segments --workers
    """


TRUTH, X2 = "truth", "x2"
_QUESTIONS = {name: e.question for name, e in EXPERIMENTS.items()} | {TRUTH: QUESTION, X2: X2_QUESTION}


@research.command(epilog="\b\n" + "\n".join(f"{name}: {question}" for name, question in _QUESTIONS.items()))
@click.argument("name", type=click.Choice(list(_QUESTIONS)))
@click.option(
    "--photos", type=click.Path(path_type=Path), required=True, multiple=True, metavar="DIR",
    help="As for `vidrts train`. truth takes those that `train --left-for-truth 4` leaves out, x2 folders of test "
    "pictures, such as Set5/HR. May be repeated for both.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the experiment.")
@click.option(
    "--clip", "clips", type=click.Path(path_type=Path), multiple=True, metavar="VIDEO",
    help="For linear: measure frames of this video, too. For truth and x2: a fixed camera's, for flicker. May be "
    "repeated.",
)  # fmt: skip
@click.option(
    "--model", "models", multiple=True, metavar="NAME|FILE",
    help="For truth and x2: measure this model, not all that are shipped. May be repeated.",
)  # fmt: skip
@click.option(
    "--crf", "crfs", type=click.IntRange(0, 51), multiple=True, metavar="CRF",
    help="For x2: also enlarge LR coded by H.264 at this crf. May be repeated.",
)  # fmt: skip
@click.option(
    "--also", type=click.Path(path_type=Path), metavar="DIR",
    help="For truth: measure some of these pictures, too, which decide nothing (at the full scale).",
)  # fmt: skip
@click.option(
    "--arm", "arms", multiple=True, metavar="NAME",
    help="Train only this arm, and answer with those that are done. May be repeated.",
)  # fmt: skip
@click.option(
    "--take", type=click.IntRange(2), metavar="N",
    help="Of the experiments that train: take so many of the photographs, evenly by name.",
)  # fmt: skip
@click.option(
    "--crop", type=SIZES, metavar="WxH", help="With --take: at most so much of each, from its middle.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(list(SCALES)), default="short", show_default=True,
    help="full: the paper's schedule, for a GPU; of truth all rows. short: for orderings and gains, in minutes. "
    "brief: as short, with smaller patches; not of truth.",
)  # fmt: skip
@DEVICE
@DEBUG
def experiment(
    name: str,
    photos: tuple[Path, ...],
    out: Path,
    clips: tuple[Path, ...],
    models: tuple[str, ...],
    crfs: tuple[int, ...],
    also: Path | None,
    arms: tuple[str, ...],
    take: int | None,
    crop: tuple[tuple[int, int], ...] | None,
    scale: str,
    device: str,
) -> None:
    """Train and measure what answers one question, and write answer.md and a report.

    The same command goes on with an experiment that was stopped; what is trained is not trained again.

    \b
    python -m vidrts.research experiment kernels --photos DIV2K --out experiments/kernels
    python -m vidrts.research experiment truth --photos PHOTOS --out truth
    python -m vidrts.research experiment x2 --photos Set5/HR --photos Set14/HR --out x2
    """
    if take and name in (TRUTH, X2):
        raise OptionError(f"--take: {name} trains nothing; expected fewer pictures in --photos")
    if crop and (not take or len(crop) != 1):
        raise OptionError("--crop: expected one size, beside --take")
    if crfs and name != X2:
        raise OptionError(f"--crf: for x2 alone, got {name}")
    if name == TRUTH:
        if arms:
            raise OptionError("--arm: truth trains nothing; expected --model, perhaps")
        if scale == "brief":
            raise OptionError("--scale brief: truth trains nothing; expected short or full")
        answer = run_truth(
            photos, out, scale=scale, models=models, device=device, clips=clips, also=also, on_message=say
        )  # fmt: skip
    elif name == X2:
        if arms or also:
            raise OptionError("--arm and --also: x2 takes none; expected --model, perhaps")
        answer = run_standard_test(
            photos, out, models or tuple(shipped_models(2)), crfs=crfs, clips=clips, device=device, on_message=say
        )  # fmt: skip
    else:
        if models or also or len(photos) > 1:
            raise OptionError(f"--model, --also and more than one --photos: for truth or x2 alone, got {name}")
        answer = run_experiment(
            name, photos[0], out, scale=scale, device=device, clips=clips, arms=arms, take=take,
            crop=crop[0] if crop else None, on_message=say, on_progress=tell,
        )  # fmt: skip
    say(f"answer: {answer}")


@research.command()
@click.option("--model", default=_SCALE.model, show_default=True, metavar="NAME|FILE",
              help="For the long run and the sizes.")  # fmt: skip
@click.option("--frames", type=click.IntRange(3), default=_SCALE.frames, show_default=True,
              help="Of the long run; 10000 takes minutes.")  # fmt: skip
@click.option("--sizes", type=SIZES, metavar="WxH[,WxH]", help="Sizes of the picture; default: 480p to 2160p.")
@click.option("--networks", type=WORDS, default=many(_SCALE.networks), show_default=True, metavar="NAME[,NAME]",
              help=f"Some of {', '.join(RECIPES)}.")  # fmt: skip
@DEVICE
@ROUNDS
@QUICK
@JSON_FILE
@QUIET
@DEBUG
def scale(
    model: str, frames: int, sizes: tuple[tuple[int, int], ...] | None, networks: tuple[str, ...], device: str,
    rounds: int, quick: bool, json_file: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Whether a frame costs the same: late in a long run, in large pictures, in large networks.

    Time and memory over a long run, time per pixel over sizes of the picture, time per multiply-add over networks.
    """
    chosen: dict[str, Any] = {"frames": frames, "block": max(1, min(100, frames // 3)), "pace": Pace(rounds=rounds)}
    if quick:
        chosen = {"frames": 12, "block": 4, "sizes": ((64, 48), (128, 96)), "picture": (64, 48),
                  "pace": Pace(rounds=1, slice=0.0)}  # fmt: skip
    if sizes is not None:
        chosen["sizes"] = sizes
    options = ScaleBench(model=model, networks=networks, device=device, **chosen)
    keep_freed_memory()
    with Steps(quiet=quiet) as steps:
        scaling = bench_scale(options, stepped(steps))
    keep(json_file, scaling.to_json())
    click.echo("\n".join(scale_lines(scaling)))


@research.command()
@click.option("--model", "models", default=_CONTEST.models, show_default=True, metavar="NAME|FILE", multiple=True,
              help="One that was trained on luma alone. May be repeated.")  # fmt: skip
@click.option("--size", type=SIZES, metavar="WxH", help="Size of the picture; default: 1920x1080.")
@click.option("--frames", type=click.IntRange(3), default=_CONTEST.frames[1], show_default=True,
              help="Of the longer of the two clips whose difference is timed.")  # fmt: skip
@click.option("--clip", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A video of your own.")
@ROUNDS
@QUICK
@JSON_FILE
@QUIET
@DEBUG
def peers(
    models: tuple[str, ...], size: tuple[tuple[int, int], ...] | None, frames: int, clip: Path | None, rounds: int,
    quick: bool, json_file: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """The same clip and weights through vidrts, ONNX Runtime, ncnn and plain torch, on this CPU; FFmpeg's filters, too.

    What is not installed is left out with a line: ffmpeg, ncnn with pnnx, vidrts[export], vapoursynth with bestsource
    and mlrt-ort.
    """
    if size is not None and len(size) != 1:
        raise click.UsageError("--size: expected one size.")
    chosen: dict[str, Any] = {"frames": (min(6, frames - 1), frames), "rounds": rounds}
    if quick:
        chosen = {"frames": (2, 4), "rounds": 1, "size": (64, 48)}
    if size is not None:
        chosen["size"] = size[0]
    with Steps(quiet=quiet) as steps:
        outcome = compare(Contest(models=models, clip=clip, **chosen), stepped(steps))
    keep(json_file, outcome.to_json())
    click.echo("\n".join(peer_lines(outcome)))


@research.command()
@click.option("--clip", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The film; default: two minutes of the sample clip at 480p.")  # fmt: skip
@click.option("--length", type=click.IntRange(1), default=_SEGMENTS.length, show_default=True, metavar="SECONDS",
              help="Of a segment.")  # fmt: skip
@click.option("--joined", type=click.IntRange(0), default=_SEGMENTS.joined, show_default=True, metavar="FRAMES",
              help="Of the tiny film that is joined; 0: none.")  # fmt: skip
@click.option("--workers", is_flag=True,
              help="Measure Ray clusters of one and of two workers of one core, and nothing else.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1), default=_SEGMENTS.rounds, show_default=True,
              help="Repetitions of each way; the median is reported.")  # fmt: skip
@QUICK
@JSON_FILE
@QUIET
@DEBUG
def segments(
    clip: Path | None, length: int, joined: int, workers: bool, rounds: int, quick: bool, json_file: Path | None,
    quiet: bool,
) -> None:  # fmt: skip
    """What segments cost: time and size against a run without, joining; or how two workers share a film."""
    chosen: dict[str, Any] = {"length": length, "joined": joined, "rounds": rounds}
    if quick:
        chosen = {"length": 1, "joined": 200, "rounds": 1, "frames": 60}
    with Steps(quiet=quiet) as steps:
        costs = bench_segments(SegmentBench(clip=clip, workers=workers, **chosen), stepped(steps))
    keep(json_file, costs.to_json())
    click.echo("\n".join(segment_lines(costs)))


def run_research(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return run(arguments, research, "python -m vidrts.research")


if __name__ == "__main__":
    sys.exit(run_research())

"""`vidrts bench` and what it measures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vidrts.bench import table
from vidrts.bench.enhancement import EnhancementBench, bench_enhancement
from vidrts.bench.peers.contest import Contest, compare
from vidrts.bench.scale import ScaleBench, bench_scale
from vidrts.bench.timing import Pace
from vidrts.bench.training import TrainBench, bench_train
from vidrts.cli.common import QUIET, VERBOSE
from vidrts.cli.heap import keep_freed_memory
from vidrts.cli.jsonfile import checked, keep
from vidrts.cli.parsing import SIZES, WORDS, Parsed, parse_words
from vidrts.cli.steps import Steps
from vidrts.networks.registry import RECIPES
from vidrts.picture.device import PRECISIONS, Precision
from vidrts.picture.engines.choice import ENGINES, EngineName

_TRAIN, _ENHANCE, _SCALE, _CONTEST = TrainBench(), EnhancementBench(), ScaleBench(), Contest()
_DEVICE = click.option(
    "--device", default=_ENHANCE.device, show_default=True, metavar="auto|cpu|cuda[:N]", help="Where the network runs."
)
_ROUNDS = click.option(
    "--rounds", type=click.IntRange(1), default=_ENHANCE.pace.rounds, show_default=True,
    help="Turns of every part; the median counts.",
)  # fmt: skip
_QUICK = click.option("--quick", is_flag=True, help="A few seconds in all: whether it works, not how fast.")
_JSON = click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", callback=checked,
    help="Keep all numbers there as JSON.",
)  # fmt: skip


def _words(allowed: Sequence[str]) -> Parsed:
    """A click type: names out of `allowed` with commas between them; none for an empty text."""

    def parse(text: str) -> tuple[str, ...]:
        found = parse_words(text) if text else ()
        if unknown := [word for word in found if word not in allowed]:
            raise ValueError(f"{unknown[0]!r}: wanted some of {', '.join(allowed)}")
        return found

    return Parsed(parse, "NAME[,NAME]")


def _stepped(steps: Steps) -> Callable[[str, int, int], None]:
    """What benchmarks tell on their way, shown."""
    return lambda what, done, total: steps.show(f"{done}/{total} {what}", done, total)


class _Default(click.Group):
    """A group that takes options alone as those of `enhance`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's hook."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["enhance", *args]
        return super().parse_args(ctx, args)


def _many[T](values: Sequence[T]) -> str:
    return ",".join(str(value) for value in values)


@click.group(cls=_Default)
def bench() -> None:
    """Measure the speed of this machine.

    Without a command: of enhancing, as `vidrts bench enhance`.

    \b
    vidrts bench
    vidrts bench --models rts-lite --sizes 1920x1080 --json machine.json
    vidrts bench scale --frames 10000
    vidrts bench peers --model rts-lite
    vidrts bench train --model rts-lite
    """


@bench.command()
@click.option("--models", type=WORDS, default=_many(_ENHANCE.models), show_default=True, metavar="NAME[,NAME]",
              help="Shipped models or model files.")  # fmt: skip
@click.option("--sizes", type=SIZES, metavar="WxH[,WxH]",
              help="Sizes of the picture; default: 960x540,1920x1080, or the size of --clip.")  # fmt: skip
@click.option("--engines", type=_words(ENGINES[1:]), default="", metavar="NAME[,NAME]",
              help="Of the network; default: all that are here. Pipelines take the first.")  # fmt: skip
@click.option("--precisions", type=_words(PRECISIONS[1:]), default="", metavar="NAME[,NAME]",
              help="Of the network; default: those that the device computes natively.")  # fmt: skip
@click.option("--presets", type=WORDS, default=_many(_ENHANCE.presets), show_default=True, metavar="NAME[,NAME]",
              help="Of x264; whole pipelines take the first.")  # fmt: skip
@click.option("--clip", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A video of your own; it is scaled where its size is another.")  # fmt: skip
@_DEVICE
@_ROUNDS
@click.option("--seconds", type=click.FloatRange(0.1), default=_ENHANCE.seconds, show_default=True,
              help="Of one run of a whole pipeline, about.")  # fmt: skip
@_QUICK
@_JSON
@QUIET
@VERBOSE
def enhance(
    models: tuple[str, ...], sizes: tuple[tuple[int, int], ...] | None, engines: tuple[EngineName, ...],
    precisions: tuple[Precision, ...], presets: tuple[str, ...], clip: Path | None, device: str,
    rounds: int, seconds: float, quick: bool, json_file: Path | None, quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """Frames per second of ceilings, parts and whole pipelines, measured in one interleaved run.

    Ceilings are what the machine could do at most: matrix products and memory copies. Each part (decode, colour,
    network, tail, write-back, encode) runs alone; a pipeline is all of them, file to file. Two ratios count: the
    network's share of its roofline, and overlap, the whole pipeline against its slowest part alone.
    """
    if quick:
        chosen: dict[str, Any] = {"sizes": ((64, 48),), "pace": Pace(rounds=2, slice=0.0), "seconds": 0.1}
    else:
        chosen = {"pace": Pace(rounds=rounds), "seconds": seconds}
    if sizes is not None:
        chosen["sizes"] = sizes
    options = EnhancementBench(
        models=models, engines=engines, precisions=precisions, presets=presets, clip=clip, device=device, quick=quick,
        **chosen,
    )  # fmt: skip
    keep_freed_memory()  # as `vidrts enhance` does
    with Steps(quiet=quiet) as steps:
        result = bench_enhancement(options, _stepped(steps))
    keep(json_file, result.to_json())
    click.echo("\n".join(table.result_lines(result)))


@bench.command()
@click.option("--model", default=_SCALE.model, show_default=True, metavar="NAME|FILE",
              help="For the long run and the sizes.")  # fmt: skip
@click.option("--frames", type=click.IntRange(3), default=_SCALE.frames, show_default=True,
              help="Of the long run; 10000 takes minutes.")  # fmt: skip
@click.option("--sizes", type=SIZES, metavar="WxH[,WxH]", help="Sizes of the picture; default: 480p to 2160p.")
@click.option("--networks", type=WORDS, default=_many(_SCALE.networks), show_default=True, metavar="NAME[,NAME]",
              help=f"Some of {', '.join(RECIPES)}.")  # fmt: skip
@_DEVICE
@_ROUNDS
@_QUICK
@_JSON
@QUIET
@VERBOSE
def scale(
    model: str, frames: int, sizes: tuple[tuple[int, int], ...] | None, networks: tuple[str, ...], device: str,
    rounds: int, quick: bool, json_file: Path | None, quiet: bool, verbose: bool,
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
        scaling = bench_scale(options, _stepped(steps))
    keep(json_file, scaling.to_json())
    click.echo("\n".join(table.scale_lines(scaling)))


@bench.command()
@click.option("--model", default=_CONTEST.model, show_default=True, metavar="NAME|FILE", help="An RTS network.")
@click.option("--size", type=SIZES, metavar="WxH", help="Size of the picture; default: 1920x1080.")
@click.option("--frames", type=click.IntRange(3), default=_CONTEST.frames[1], show_default=True,
              help="Of the longer of the two clips whose difference is timed.")  # fmt: skip
@click.option("--clip", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A video of your own.")
@_ROUNDS
@_QUICK
@_JSON
@QUIET
@VERBOSE
def peers(
    model: str, size: tuple[tuple[int, int], ...] | None, frames: int, clip: Path | None, rounds: int, quick: bool,
    json_file: Path | None, quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """The same clip and weights through vidrts, plain torch, ncnn and ONNX Runtime in VapourSynth, on this CPU.

    What is not installed is left out with a line: ffmpeg, ncnn, onnx, vapoursynth with bestsource and mlrt-ort.
    """
    if size is not None and len(size) != 1:
        raise click.UsageError("--size: wanted one size.")
    chosen: dict[str, Any] = {"frames": (min(6, frames - 1), frames), "rounds": rounds}
    if quick:
        chosen = {"frames": (2, 4), "rounds": 1, "size": (64, 48)}
    if size is not None:
        chosen["size"] = size[0]
    with Steps(quiet=quiet) as steps:
        outcome = compare(Contest(model=model, clip=clip, **chosen), _stepped(steps))
    keep(json_file, outcome.to_json())
    click.echo("\n".join(table.peer_lines(outcome)))


@bench.command()
@click.option("--model", type=click.Choice(list(RECIPES)), default=_TRAIN.model, show_default=True, help="The network.")
@click.option("--batch", type=click.IntRange(1), default=_TRAIN.batch, show_default=True,
              help="Patches per step.")  # fmt: skip
@click.option("--patch", type=click.IntRange(16), default=_TRAIN.patch, show_default=True,
              help="Side of an LR patch in pixels.")  # fmt: skip
@click.option("--steps", type=click.IntRange(2), default=_TRAIN.steps, show_default=True, help="Steps measured.")
@click.option("--flats", type=click.IntRange(0), default=_TRAIN.flats, show_default=True,
              help="Flat patches beside each batch.")  # fmt: skip
@click.option("--device", default=_TRAIN.device, show_default=True, metavar="auto|cpu|cuda[:N]",
              help="Where the network runs.")  # fmt: skip
@click.option(
    "--compile/--no-compile", default=_TRAIN.compile, show_default=True, help="Train through torch.compile."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@VERBOSE
def train(
    model: str, batch: int, patch: int, steps: int, flats: int, device: str, compile: bool, as_json: bool,  # noqa: A002
    verbose: bool,
) -> None:  # fmt: skip
    """Training steps per second, and their share of the matrix-product rate measured in the same run."""
    options = TrainBench(
        model=model, batch=batch, patch=patch, steps=steps, flats=flats, device=device, compile=compile
    )  # fmt: skip
    speed = bench_train(options)
    if as_json:
        click.echo(json.dumps({**asdict(options), **asdict(speed), "share": speed.share}, indent=1))
    else:
        click.echo(f"{model}, batch {batch} of {patch} px: {speed}")

"""`vidrts bench` and what it measures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vidrts.bench.options import EnhancementBench, Pace, TrainBench
from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, DEVICE, QUIET
from vidrts.cli.jsonfile import checked, keep
from vidrts.cli.malloc import keep_freed_memory
from vidrts.cli.parsing import SIZES, WORDS, Parsed, parse_words
from vidrts.cli.progress_bar import Steps, say
from vidrts.networks.names import RECIPES
from vidrts.picture.options import ENGINES, PRECISIONS, EngineName, Precision

_TRAIN, _ENHANCE = TrainBench(), EnhancementBench()
ROUNDS = click.option(
    "--rounds", type=click.IntRange(1), default=_ENHANCE.pace.rounds, show_default=True,
    help="Repetitions of each part; the median is reported.",
)  # fmt: skip
QUICK = click.option("--quick", is_flag=True, help="Take a few seconds only, to check that it works.")
JSON_FILE = click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", callback=checked,
    help="Write all results to this file as JSON.",
)  # fmt: skip


def _words(allowed: Sequence[str]) -> Parsed:
    """A click type: names out of `allowed` with commas between them; none for an empty text."""

    def parse(text: str) -> tuple[str, ...]:
        found = parse_words(text) if text else ()
        if unknown := [word for word in found if word not in allowed]:
            raise ValueError(f"expected some of {', '.join(allowed)}, got {unknown[0]!r}")
        return found

    return Parsed(parse, "NAME[,NAME]")


def stepped(steps: Steps) -> Callable[[str, int, int], None]:
    """A progress callback for benchmarks."""
    return lambda what, done, total: steps.show(f"{done}/{total} {what}", done, total)


class _Default(click.Group):
    """A group whose default command is `enhance`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's hook."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["enhance", *args]
        return super().parse_args(ctx, args)


def many[T](values: Sequence[T]) -> str:
    """As `WORDS` takes them."""
    return ",".join(str(value) for value in values)


@click.group(cls=_Default)
def bench() -> None:
    """Measure the speed of this machine.

    Without a command: of enhancing, as `vidrts bench enhance`.

    \b
    vidrts bench
    vidrts bench quick
    vidrts bench --models rts-lite --sizes 1920x1080 --json machine.json
    vidrts bench train --model rts-lite
    """


@bench.command()
@click.option("--models", type=WORDS, default=many(_ENHANCE.models), show_default=True, metavar="NAME[,NAME]",
              help="Shipped models or model files.")  # fmt: skip
@click.option("--sizes", type=SIZES, metavar="WxH[,WxH]",
              help="Picture sizes; default: 960x540,1920x1080, or the size of --clip.")  # fmt: skip
@click.option("--engines", type=_words(ENGINES[1:]), default="", metavar="NAME[,NAME]",
              help="Inference engines; default: all available. Pipelines use the first.")  # fmt: skip
@click.option("--precisions", type=_words(PRECISIONS[1:]), default="", metavar="NAME[,NAME]",
              help="Precisions; default: those that the device computes natively.")  # fmt: skip
@click.option("--presets", type=WORDS, default=many(_ENHANCE.presets), show_default=True, metavar="NAME[,NAME]",
              help="x264 presets; pipelines use the first.")  # fmt: skip
@click.option("--clip", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Input video; scaled to each size.")  # fmt: skip
@DEVICE
@ROUNDS
@click.option("--seconds", type=click.FloatRange(0.1), default=_ENHANCE.seconds, show_default=True,
              help="Approximate length of one pipeline run.")  # fmt: skip
@QUICK
@JSON_FILE
@QUIET
@DEBUG
def enhance(
    models: tuple[str, ...], sizes: tuple[tuple[int, int], ...] | None, engines: tuple[EngineName, ...],
    precisions: tuple[Precision, ...], presets: tuple[str, ...], clip: Path | None, device: str,
    rounds: int, seconds: float, quick: bool, json_file: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Frames per second of hardware limits, single stages and the pipeline, measured in one interleaved run.

    Hardware limits are matrix products and memory copies. Each stage (decode, colour, network, tail, write-back,
    encode) runs alone; the pipeline runs all of them, file to file. Two ratios matter: the network's share of its
    roofline, and overlap, the pipeline's speed relative to its slowest stage.
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
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.bench import table
        from vidrts.bench.enhancement import bench_enhancement

    keep_freed_memory()  # as `vidrts enhance` does
    with Steps(quiet=quiet) as steps:
        result = bench_enhancement(options, stepped(steps))
    keep(json_file, result.to_json())
    click.echo("\n".join(table.result_lines(result)))


@bench.command()
@DEVICE
@click.option("--seconds", type=click.FloatRange(0.01), default=1.0, show_default=True, help="For each model.")
@QUIET
@DEBUG
def quick(device: str, seconds: float, quiet: bool) -> None:
    """Measure the models of `--model auto` in ten seconds and remember it for `vidrts models`.

    Of the enhancement alone, at --scale 1 and 2; a run also decodes and encodes. The numbers are kept in the user's
    cache folder, for this machine and these versions.
    """
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.bench import quick as quick_bench
        from vidrts.bench import remembered, table
        from vidrts.bench.machine import OtherLoad
        from vidrts.picture.device import pick_device

    keep_freed_memory()  # as `vidrts enhance` does
    kind = pick_device(device).type
    others = OtherLoad()
    with Steps(quiet=quiet) as steps:
        found = quick_bench.measure(device, seconds, on_step=stepped(steps))
    lines = [*table.columns(table.QUICK_HEADS, table.quick_rows(found)), *table.others_line(others.share)]
    click.echo("\n".join(lines))
    try:
        remembered.remember(kind, found)
    except OSError as error:
        say(f"vidrts: speeds are not remembered: {error}")


@bench.command()
@click.option("--model", type=click.Choice(list(RECIPES)), default=_TRAIN.model, show_default=True, help="The network.")
@click.option("--batch", type=click.IntRange(1), default=_TRAIN.batch, show_default=True,
              help="Patches per step.")  # fmt: skip
@click.option("--patch", type=click.IntRange(16), default=_TRAIN.patch, show_default=True,
              help="Side of an LR patch in pixels.")  # fmt: skip
@click.option("--steps", type=click.IntRange(2), default=_TRAIN.steps, show_default=True, help="Steps measured.")
@click.option("--flat-patches", "flats", type=click.IntRange(0), default=_TRAIN.flats, show_default=True,
              help="Flat patches beside each batch.")  # fmt: skip
@DEVICE
@click.option(
    "--compile/--no-compile", default=_TRAIN.compile, show_default=True, help="Train through torch.compile."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@DEBUG
def train(
    model: str, batch: int, patch: int, steps: int, flats: int, device: str, compile: bool, as_json: bool,  # noqa: A002
) -> None:  # fmt: skip
    """Measure training steps per second, and their share of the matrix-product rate."""
    options = TrainBench(
        model=model, batch=batch, patch=patch, steps=steps, flats=flats, device=device, compile=compile
    )  # fmt: skip
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.bench.training import bench_train

    speed = bench_train(options)
    if as_json:
        click.echo(json.dumps({**asdict(options), **asdict(speed), "share": speed.share}, indent=1))
    else:
        click.echo(f"{model}, batch {batch} of {patch} px: {speed}")

"""`vidrts bench train`."""

import json
from dataclasses import asdict

import click

from vidrts.bench.training import TrainBench, bench_train
from vidrts.cli.common import VERBOSE
from vidrts.networks.registry import RECIPES

_DEFAULT = TrainBench()


@click.group()
def bench() -> None:
    """Measure the speed of this machine.

    \b
    vidrts bench train --model rts-lite
    """


@bench.command()
@click.option(
    "--model", type=click.Choice(list(RECIPES)), default=_DEFAULT.model, show_default=True, help="The network."
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=_DEFAULT.batch, show_default=True,
              help="Patches per step.")  # fmt: skip
@click.option("--patch", type=click.IntRange(16), default=_DEFAULT.patch, show_default=True,
              help="Side of an LR patch in pixels.")  # fmt: skip
@click.option("--steps", type=click.IntRange(2), default=_DEFAULT.steps, show_default=True, help="Steps measured.")
@click.option("--flats", type=click.IntRange(0), default=_DEFAULT.flats, show_default=True,
              help="Flat patches beside each batch.")  # fmt: skip
@click.option("--device", default=_DEFAULT.device, show_default=True, metavar="auto|cpu|cuda[:N]",
              help="Where the network runs.")  # fmt: skip
@click.option(
    "--compile/--no-compile", default=_DEFAULT.compile, show_default=True, help="Train through torch.compile."
)
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

"""The tables of `vidrts models`."""

import click
from rich.console import Console
from rich.table import Table

from vidrts.errors import ModelError
from vidrts.measure.registry import METRICS
from vidrts.networks.checkpoint import ModelInfo, read_info
from vidrts.networks.names import COLOURS, DEFAULT_MODEL
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.shipped import find_model, shipped_models

_FIGURES = [METRICS[key] for key in ("gain_at_0.35", "difference_ratio", "flicker")]
"""Of `ModelInfo.figures`."""
_WIDEST = 10_000
"""Columns of a terminal; none is as wide."""


def print_model(model: str) -> None:
    """Describe the model of that name or file; raises `ModelError`."""
    path = find_model(model)
    table = _table()
    table.add_row(*_row(model, read_info(path)))
    _print(table)


def print_shipped() -> None:
    """List the models that came with this installation."""
    table = _table()
    folder = None
    for name, path in shipped_models().items():
        folder = path.parent
        try:
            table.add_row(*_row(name + (" (default)" if name == DEFAULT_MODEL else ""), read_info(path)))
        except ModelError as error:
            click.echo(f"vidrts: {error}", err=True)
    _print(table if folder else "no models are installed")
    if folder:
        click.echo(f"cards: {folder}/<name>.md")


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name")
    table.add_column("trained on")
    for title in ("parameters", "stage", *(metric.title for metric in _FIGURES), "scales"):
        table.add_column(title, justify="right")
    return table


def _row(name: str, info: ModelInfo) -> list[str]:
    """The columns of a model file."""
    network = build(info.architecture, info.numbers)
    scales = ", ".join(map(str, info.scales(network.spec)))
    figures = [metric.number(info.figures.get(metric.key)) for metric in _FIGURES]
    return [name, COLOURS[info.colour], f"{parameter_count(network):,}", str(info.stage), *figures, scales]


def _print(what: Table | str) -> None:
    # As wide as it is: a terminal wraps a long path, a pipe need not.
    Console(soft_wrap=True, highlight=False, markup=False, width=_WIDEST).print(what)

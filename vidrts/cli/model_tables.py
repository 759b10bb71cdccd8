"""The tables of `vidrts models`."""

import click
from rich.console import Console
from rich.table import Table

from vidrts.bench import remembered
from vidrts.bench.table import hd_rate
from vidrts.errors import ModelError
from vidrts.networks.auto import resolved
from vidrts.networks.checkpoint import ModelInfo, load_model, read_info
from vidrts.networks.names import AUTO, COLOURS
from vidrts.networks.purposes import PURPOSES
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.shipped import shipped_models
from vidrts.picture.device import pick_device

_NONE = "–"
_WIDEST = 10_000
"""Columns of a terminal; none is as wide."""


def print_model(model: str) -> None:
    """Describe the model of that name or file; raises `ModelError`."""
    if model in (AUTO, *shipped_models()):
        _print_shipped([resolved(model, pick_device().type)])
        return
    loaded = load_model(model)
    network, info = loaded.network, loaded.info
    table = _table("name", "trained on", right=("parameters", "stage", "scales"))
    scales = ", ".join(map(str, info.scales(network.spec)))
    table.add_row(model, COLOURS[info.colour], f"{parameter_count(network):,}", str(info.stage), scales)
    _print(table)


def print_shipped() -> None:
    """List the models that came with this installation."""
    names = shipped_models()
    if not names:
        _print("no models are installed")
        return
    _print_shipped(sorted(names, key=lambda name: (name not in PURPOSES, [*PURPOSES, name].index(name))))


def _print_shipped(names: list[str]) -> None:
    """What each is for, and where its card is."""
    speeds = remembered.recall(pick_device().type)
    table = _table("name", "for", "quality", right=("1080p frames/s here", "parameters"))
    for name in names:
        path = shipped_models()[name]
        auto = "".join(
            f", auto on a {title}" for kind, title in (("cpu", "CPU"), ("cuda", "GPU")) if resolved(AUTO, kind) == name
        )
        use, quality = (p.use, p.quality) if (p := PURPOSES.get(name)) else ("see its card", _NONE)
        speed = hd_rate(speeds[name]) if name in speeds else _NONE
        try:
            table.add_row(name + auto, use, quality, speed, _count(read_info(path)))
        except ModelError as error:
            click.echo(f"vidrts: {error}", err=True)
    _print(table)
    if not speeds:
        click.echo("speed here: not measured yet; `vidrts bench quick` takes ten seconds")
    click.echo(f"cards: {path.parent / (names[0] if len(names) == 1 else '<name>')}.md")


def _count(info: ModelInfo) -> str:
    return f"{parameter_count(build(info.architecture, info.numbers)):,}"


def _table(*left: str, right: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in left:
        table.add_column(title)
    for title in right:
        table.add_column(title, justify="right")
    return table


def _print(what: Table | str) -> None:
    # As wide as it is: a terminal wraps a long path, a pipe need not.
    Console(soft_wrap=True, highlight=False, markup=False, width=_WIDEST).print(what)

"""`vidrts models`."""

import click
from rich.console import Console
from rich.table import Table

from vidrts.networks.checkpoint import DEFAULT_MODEL, read_info, shipped_models
from vidrts.networks.registry import build, parameter_count


@click.command()
def models() -> None:
    """List the shipped models with the key figures of their cards."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, side in (("name", "left"), ("parameters", "right"), ("stage", "right"), ("figures", "left")):
        table.add_column(title, justify="right" if side == "right" else "left")
    folder = None
    for name, path in shipped_models().items():
        info = read_info(path)
        folder = path.parent
        count = parameter_count(build(info.architecture, info.numbers))
        figures = ", ".join(f"{key} {value:.4g}" for key, value in info.figures.items())
        table.add_row(name + (" (default)" if name == DEFAULT_MODEL else ""), f"{count:,}", str(info.stage), figures)
    Console(soft_wrap=True, highlight=False).print(table if folder else "no models are installed")
    if folder:
        click.echo(f"cards: {folder}/<name>.md")

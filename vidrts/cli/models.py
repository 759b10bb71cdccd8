"""`vidrts models`."""

import click
from rich.console import Console
from rich.table import Table

from vidrts.errors import ModelError
from vidrts.networks.checkpoint import DEFAULT_MODEL, read_info, shipped_models
from vidrts.networks.registry import build, parameter_count

_FIGURES = {
    "gain_at_0.35": ("gain at 0.35", "x{:.2f}"),
    "difference_ratio": ("change", "{:.1f} %"),
    "flicker": ("flicker", "{:.2f}"),
}
"""A key of `ModelInfo.figures` -> its column's title and form."""


@click.command()
def models() -> None:
    """List the shipped models with the key figures of their cards.

    Gain is how much finer detail (0.35 cycles per pixel) is strengthened, change the difference ratio, both on
    photographs; flicker is the frame-to-frame change over that of the source on a fixed camera.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name")
    for title in ("parameters", "stage", *(title for title, _ in _FIGURES.values())):
        table.add_column(title, justify="right")
    folder = None
    for name, path in shipped_models().items():
        folder = path.parent
        try:
            info = read_info(path)
        except ModelError as error:
            click.echo(f"vidrts: {error}", err=True)
            continue
        count = parameter_count(build(info.architecture, info.numbers))
        figures = [
            form.format(info.figures[key]) if key in info.figures else "-" for key, (_, form) in _FIGURES.items()
        ]
        table.add_row(name + (" (default)" if name == DEFAULT_MODEL else ""), f"{count:,}", str(info.stage), *figures)
    Console(soft_wrap=True, highlight=False).print(table if folder else "no models are installed")
    if folder:
        click.echo(f"cards: {folder}/<name>.md")

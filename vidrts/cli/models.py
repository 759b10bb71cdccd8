"""`vidrts models`."""

import click

from vidrts.cli import interrupt


@click.command()
@click.argument("model", required=False, metavar="[NAME|FILE]")
def models(model: str | None) -> None:
    """List the shipped models, or describe the model NAME or FILE.

    "frames/s" is the enhancement alone as `vidrts bench quick` measured it on this machine; decoding and encoding come
    on top. "harsh" models sharpen what is sharp already. The cards say how each was trained and measured.
    """
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.cli import model_tables

    if model is None:
        model_tables.print_shipped()
    else:
        model_tables.print_model(model)

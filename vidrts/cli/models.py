"""`vidrts models`."""

import click

from vidrts.cli import interrupt


@click.command()
@click.argument("model", required=False, metavar="[NAME|FILE]")
def models(model: str | None) -> None:
    """List the shipped models, or describe the model NAME or FILE.

    "Trained on" is R'G'B', or luma only (then --chroma sharpen is not available). "Gain at 0.35" is that of fine
    detail (0.35 cycles per pixel); it and the difference ratio are of photographs. "Flicker" is the frame-to-frame
    change relative to the source, with a fixed camera. Only published models have these figures.
    "Scales" are the values of --scale that the model offers.
    """
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.cli import model_tables

    if model is None:
        model_tables.print_shipped()
    else:
        model_tables.print_model(model)

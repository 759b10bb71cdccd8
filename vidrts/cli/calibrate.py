"""`vidrts calibrate MODEL [PICTURE...]`."""

from pathlib import Path

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, DEVICE, QUIET
from vidrts.cli.progress_bar import Steps, say
from vidrts.errors import OptionError


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...", type=click.Path(path_type=Path))
@click.option(
    "--rmse", "limit", type=click.FloatRange(0, 255, min_open=True), metavar="LIMIT",
    help="Let detail 1 be the strongest noise whose luma RMSE on the pictures is at most this, in 8-bit code values.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(["2", "4", "8"]), default="2", show_default=True, help="Scale to calibrate at."
)
@DEVICE
@DEBUG
@QUIET
def calibrate(
    model: str, pictures: tuple[Path, ...], limit: float | None, scale: str, device: str, quiet: bool
) -> None:  # fmt: skip
    """Measure what --detail means for MODEL, a model file with a noise input, and write it into the file.

    Networks respond to the amplitude of their noise in different ways; calibrated, detail 0.5 makes half of the change
    that detail 1 makes. PICTURES are sharp photographs; default: one computed picture.

    \b
    vidrts calibrate g-mgbp.safetensors
    vidrts calibrate --rmse 12.5 --scale 4 g-mgbp.safetensors photos/*.png
    """
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts import calibration
        from vidrts.networks.checkpoint import load_model, save_model

    loaded = load_model(model)
    with Steps(quiet=quiet) as steps:
        found = calibration.calibrate(
            loaded, pictures, scale=int(scale), limit=limit, device=device,
            on_step=lambda done: steps.step("amplitudes measured", done, None),
        )  # fmt: skip
    calibrated = calibration.with_table(loaded, found.table)
    try:
        save_model(loaded.path, calibrated.network, calibrated.info)
    except OSError as error:
        raise OptionError(
            f"{loaded.path}: cannot be written ({error.strerror}); copy the file and calibrate that"
        ) from None
    if not quiet:
        amplitude = dict(found.table)
        shown = ", ".join(f"{detail:g} is W = {amplitude[detail]:.4g}" for detail in (0.25, 0.5, 0.75, 1.0))
        say(f"vidrts: {loaded.path}: detail {shown}")
        if found.rmse:
            say(f"vidrts: luma RMSE {found.rmse[0]:.3f} at detail 0, {found.rmse[1]:.3f} at detail 1")

"""`vidrts import FILE OUT`."""

from pathlib import Path

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.progress_bar import say
from vidrts.errors import OptionError


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("-y/-n", "overwrite", default=False, help="Overwrite OUT if it exists, or refuse (default).")
@DEBUG
@QUIET
def import_(file: Path, out: Path, overwrite: bool, quiet: bool) -> None:
    """Make a model file of weights that others published.

    FILE holds the weights of G-MGBP as its authors published them (BOE-R1, BOE-R2 or BOE-R3 of
    github.com/pnavarre/pirm-sr-2018); OUT is a .safetensors with their licence in it. Code in FILE is not run.

    \b
    vidrts import BOE-R3_CH3_BIC_FE48.model r3.safetensors
    vidrts calibrate r3.safetensors
    vidrts enhance --model r3.safetensors --scale 2 --detail 0.5 in.mp4 out.mp4
    """
    if out.suffix != ".safetensors":
        raise OptionError(f"{out}: expected a name that ends in .safetensors")
    if out.exists() and not overwrite:
        raise OptionError(f"{out}: exists; overwrite it with -y, or choose another name")
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.networks.checkpoint import save_model
        from vidrts.networks.foreign import read_foreign
        from vidrts.networks.registry import parameter_count

    network, info = read_foreign(file)
    try:
        save_model(out, network, info)
    except OSError as error:
        raise OptionError(f"{out}: cannot be written ({error.strerror})") from None
    if not quiet:
        scales = ", ".join(map(str, network.spec.scales))
        say(f"vidrts: {out}: {info.name}, {parameter_count(network):,} parameters, scales {scales}, {info.licence}")

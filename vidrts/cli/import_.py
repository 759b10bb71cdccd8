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

    FILE is a .pth or .safetensors of a 1x or 2x network that the package spandrel knows (Compact, ESRGAN, SPAN and
    many others; `pip install '.[import]'`) and that works in tiles: how far around it a pixel sees is measured, which
    may take minutes. What does not fit is refused. Or FILE holds the weights of G-MGBP as its authors published them
    (BOE-R1, BOE-R2 or BOE-R3 of github.com/pnavarre/pirm-sr-2018). OUT is a .safetensors. Code in FILE is not run.

    A 1x model runs at --scale 1; a 2x model at --scale 2, and at 1, where its result is halved. As of all models luma
    alone is written; of one that is to change colours --chroma sharpen writes them, too.

    \b
    vidrts import 2x_model.pth model.safetensors
    vidrts enhance --model model.safetensors --scale 2 --chroma sharpen in.mp4 out.mp4

    \b
    vidrts import BOE-R3_CH3_BIC_FE48.model r3.safetensors
    vidrts calibrate r3.safetensors
    vidrts enhance --model r3.safetensors --scale 2 --detail 0.5 in.mp4 out.mp4
    """
    if out.suffix != ".safetensors":
        raise OptionError(f"{out}: expected a name that ends in .safetensors")
    if out.exists() and not overwrite:
        raise OptionError(f"{out}: exists; overwrite it with -y, or choose another name")
    if out.exists() and file.exists() and out.samefile(file):
        raise OptionError(f"{out}: is FILE itself; choose another name")
    with interrupt.exit_immediately():  # nothing is written yet, and much of it takes seconds
        from vidrts.networks.checkpoint import save_model
        from vidrts.networks.foreign import read_foreign
        from vidrts.networks.registry import parameter_count

        network, info = read_foreign(file, lambda line: None if quiet else say(f"vidrts: {line}"))
    try:
        save_model(out, network, info)
    except OSError as error:
        raise OptionError(f"{out}: cannot be written ({error.strerror})") from None
    if not quiet:
        scales = ", ".join(map(str, network.spec.scales))
        reach, title = max(network.spec.reach.values()), info.training.get("network", info.name)
        say(
            f"vidrts: {out}: {title}, {parameter_count(network):,} parameters, scales {scales}, "
            f"a pixel sees {reach} around it, licence {info.licence}"
        )

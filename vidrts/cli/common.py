"""Options that several commands share."""

import click

from vidrts.networks.spec import FACTORS
from vidrts.picture.device import PRECISIONS
from vidrts.picture.engines.choice import ENGINES
from vidrts.picture.enhancer import CHROMA, EnhancerOptions

_PICTURE = EnhancerOptions()

CHROMA_HELP = "keep: only luma changes. sharpen: the network's chroma, too, of models trained on R'G'B'."

SCALE = click.option(
    "--scale", type=click.Choice([str(factor) for factor in FACTORS]), default=str(_PICTURE.scale), show_default=True,
    help="1: the same size, sharper. 2, 4, 8: times the size, where the model offers it; chroma is enlarged by Lanczos "
    "unless --chroma sharpen.",
)  # fmt: skip
CHROMA_MODE = click.option(
    "--chroma", type=click.Choice(CHROMA), default=_PICTURE.chroma, show_default=True,
    help=CHROMA_HELP,
)  # fmt: skip
DEVICE = click.option(
    "--device", default=_PICTURE.device, show_default=True, metavar="auto|cpu|cuda[:N]",
    help="Where the network runs.",
)  # fmt: skip
ENGINE = click.option(
    "--engine", type=click.Choice(ENGINES), default=_PICTURE.engine, show_default=True,
    help="What computes the network's residual branch; auto: OpenVINO on a CPU.",
)  # fmt: skip
PRECISION = click.option(
    "--precision", type=click.Choice(PRECISIONS), default=_PICTURE.precision, show_default=True,
    help="Of the network's residual branch; int8 (CPU): for drafts, faster, flickers more.",
)  # fmt: skip
DEVICES = click.option(
    "--device", default=_PICTURE.device, show_default=True, metavar="auto|cpu|cuda[:N][,cuda:N]",
    help="Where the network runs; several GPUs share the frames.",
)  # fmt: skip
QUIET = click.option("-q", "--quiet", is_flag=True, help="Only errors.")
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")

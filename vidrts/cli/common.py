"""Options shared by several commands."""

import click
from click.shell_completion import CompletionItem

from vidrts.networks.names import AUTO, DEFAULT_MODEL, LIGHT_MODEL
from vidrts.networks.shipped import shipped_models
from vidrts.networks.spec import FACTORS
from vidrts.picture.options import CHROMA, ENGINES, NOISES, PRECISIONS, EnhancerOptions

_PICTURE = EnhancerOptions()

MODEL_HELP = f"{AUTO}: {DEFAULT_MODEL} on a GPU, {LIGHT_MODEL} on a CPU. Others: `vidrts models`"


def complete_model(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """For shells: the shipped models' names that begin so, else files."""
    names = [name for name in (AUTO, *shipped_models()) if name.startswith(incomplete)]
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


CHROMA_HELP = "keep: only luma changes. sharpen: chroma, too; needs a model trained on R'G'B'."

SCALE = click.option(
    "--scale", type=click.Choice([str(factor) for factor in FACTORS]), default=str(_PICTURE.scale), show_default=True,
    help="1: same size, sharper. 2: enlarge (4, 8: if the model offers it); chroma by Lanczos unless --chroma sharpen.",
)  # fmt: skip
CHROMA_MODE = click.option(
    "--chroma", type=click.Choice(CHROMA), default=_PICTURE.chroma, show_default=True,
    help=CHROMA_HELP,
)  # fmt: skip
NOISE = click.option(
    "--noise", type=click.Choice(NOISES), default=_PICTURE.noise, show_default=True,
    help="How --detail is made: constant does not flicker and follows motion; static is noise that stays in its place.",
)  # fmt: skip
DEVICE = click.option(
    "--device", default=_PICTURE.device, show_default=True, metavar="auto|cpu|cuda[:N]",
    help="Where the network runs.",
)  # fmt: skip
ENGINE = click.option(
    "--engine", type=click.Choice(ENGINES), default=_PICTURE.engine, show_default=True,
    help="Inference engine; auto: OpenVINO on a CPU, else torch.",
)  # fmt: skip
PRECISION = click.option(
    "--precision", type=click.Choice(PRECISIONS), default=_PICTURE.precision, show_default=True,
    help="Precision of inference; int8 (CPU only) is faster and flickers more, for drafts.",
)  # fmt: skip
DEVICES = click.option(
    "--device", default=_PICTURE.device, show_default=True, metavar="auto|cpu|cuda[:N][,cuda:N]",
    help="Where the network runs; several GPUs share the frames.",
)  # fmt: skip
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
VERBOSE = click.option(
    "-v", "--verbose", is_flag=True, help="Print every decision: streams, encoder options, tags, tiles, threads."
)
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors.")


def was_given(name: str) -> bool:
    """Whether the parameter of this name was in the running command's line, and is not its default."""
    return click.get_current_context().get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE

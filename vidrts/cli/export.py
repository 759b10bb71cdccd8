"""`vidrts export MODEL OUT.onnx|OUT.glsl`."""

from pathlib import Path

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.parsing import SIZES
from vidrts.cli.progress_bar import say
from vidrts.errors import OptionError
from vidrts.export.options import BLUR, ShaderOptions
from vidrts.networks.spec import FACTORS

_ONLY = {
    ".onnx": ("size", "half", "amplitude"),
    ".glsl": ("strength", "full_range", "parameters"),
}
"""Options that one kind of file has."""
_SHADER = ShaderOptions()


def _any_size(least: int, multiple: int) -> str:
    return f"any size from {least}x{least}" + (f", multiples of {multiple}" if multiple > 1 else "")


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--scale", type=click.Choice([str(factor) for factor in FACTORS]), default="1", show_default=True,
    help="1: same size. 2 (4, 8): enlarge, by the weights that the model has for it.",
)  # fmt: skip
@click.option("--luma", "plane", is_flag=True, help="One channel in and out: luma, or grey pictures.")
@click.option(
    "--blur-level", "blur", type=click.FloatRange(0, 1), nargs=2, metavar="A B",
    help="How blurred all pictures are taken to be, in two bands, 0 to 1, for models that are told it (0.3 0.5 is as a "
    "Gaussian of 0.8 pixels). Default: of .onnx estimated from each picture, in the graph; of .glsl "
    f"{' '.join(map(str, BLUR))}.",
)  # fmt: skip
@click.option("--size", type=SIZES, metavar="WxH",
              help="Of .onnx: for pictures of this size alone; default: any size.")  # fmt: skip
@click.option("--fp16", "half", is_flag=True,
              help="Of .onnx: weights, input and output in float16; default: float32.")  # fmt: skip
@click.option("--noise-amplitude", "amplitude", type=click.FloatRange(0, 1), default=0.0, metavar="W",
              help="Of .onnx: W of models that take noise, the same everywhere.")  # fmt: skip
@click.option("--strength", type=click.FloatRange(0, 2), default=_SHADER.strength, show_default=True, metavar="S",
              help="Of .glsl at scale 1: as of `vidrts enhance`.")  # fmt: skip
@click.option("--full-range", is_flag=True,
              help="Of .glsl for luma: of sources in full range; default: limited, as most films are.")  # fmt: skip
@click.option(
    "--parameters", is_flag=True,
    help="Of .glsl: strength and blur levels as parameters, which mpv's --glsl-shader-opts sets; --vo=gpu and "
    "libplacebo before 5 refuse them.",
)  # fmt: skip
@click.option("-y/-n", "overwrite", default=False, help="Overwrite OUT if it exists, or refuse (default).")
@DEBUG
@QUIET
@click.pass_context
def export(
    context: click.Context,
    model: str,
    out: Path,
    scale: str,
    plane: bool,
    blur: tuple[float, float] | None,
    size: tuple[tuple[int, int], ...] | None,
    half: bool,
    amplitude: float,
    strength: float,
    full_range: bool,
    parameters: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a model as ONNX, or as a shader for players.

    OUT.onnx takes and gives R'G'B' in 0..1, full range, (1, 3, H, W); ONNX Runtime, OpenVINO, TensorRT and vs-mlrt
    run it. All of the picture is computed in it, so that the result is that of `vidrts enhance`. Before OUT is written
    ONNX Runtime runs it, and the result is held against torch. `pip install '.[export]'` brings what is needed.

    OUT.glsl is a user shader for mpv, for FFmpeg's libplacebo and vs-placebo. Of a network of rts-* or live it computes
    the same on a GPU, of luma, or of R'G'B' with a network that sees colours.

    \b
    vidrts export rts-lite lite.onnx
    vidrts export rts-r3 --scale 2 --fp16 r3-2x.onnx
    vidrts export rts-lite --size 1920x1080 lite-1080p.onnx
    vidrts export rts-lite lite.glsl && mpv --glsl-shader=lite.glsl film.mkv
    """
    if out.suffix not in _ONLY:
        raise OptionError(f"{out}: expected a name that ends in {' or '.join(_ONLY)}")
    for suffix, names in _ONLY.items():
        for parameter in context.command.params:
            given = context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
            if suffix != out.suffix and parameter.name in names and given:
                raise OptionError(f"{out}: {parameter.opts[0]} is for {suffix} alone")
    if out.exists() and not overwrite:
        raise OptionError(f"{out}: exists; overwrite it with -y, or choose another name")
    if size is not None and len(size) != 1:
        raise OptionError(f"--size: expected one size, got {len(size)}")
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.export.glsl.shader import export_glsl
        from vidrts.export.onnx_file import OPSET, export_onnx
        from vidrts.networks.checkpoint import load_model

    loaded = load_model(model, int(scale))
    try:
        if out.suffix == ".glsl":
            hook = export_glsl(loaded, out, ShaderOptions(
                scale=int(scale), plane=plane, strength=strength, blur=blur, full_range=full_range,
                parameters=parameters,
            ))  # fmt: skip
            told = f"a shader that hooks {hook}"
        else:
            made = export_onnx(
                loaded, out, scale=int(scale), plane=plane, size=size[0] if size else None, half=half, blur=blur,
                amplitude=amplitude,
            )  # fmt: skip
            shown = "x".join(map(str, size[0])) if size else _any_size(made.least, made.multiple)
            told = (f"opset {OPSET}, {'float16' if half else 'float32'}, {shown}, tiles overlap by {made.overlap} "
                    f"pixels; departs from torch by {made.error:.1g} at most")  # fmt: skip
    except OSError as error:
        raise OptionError(f"{out}: cannot be written ({error.strerror or error})") from None
    if not quiet:
        say(f"vidrts: {out}: {loaded.title}, {told}")

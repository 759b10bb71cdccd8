"""`vidrts export MODEL OUT.onnx`."""

from pathlib import Path

import click

from vidrts.cli import interrupt
from vidrts.cli.common import DEBUG, QUIET
from vidrts.cli.parsing import SIZES
from vidrts.cli.progress_bar import say
from vidrts.errors import OptionError
from vidrts.networks.spec import FACTORS


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--scale", type=click.Choice([str(factor) for factor in FACTORS]), default="1", show_default=True,
    help="1: same size. 2 (4, 8): enlarge, by the weights that the model has for it.",
)  # fmt: skip
@click.option("--luma", "plane", is_flag=True, help="One channel in and out: luma, or grey pictures.")
@click.option("--size", type=SIZES, metavar="WxH", help="For pictures of this size alone; default: any size.")
@click.option("--fp16", "half", is_flag=True, help="Weights, input and output in float16; default: float32.")
@click.option(
    "--blur-level", "blur", type=click.FloatRange(0, 1), nargs=2, metavar="A B",
    help="How blurred all pictures are taken to be, in two bands, 0 to 1, for models that are told it (0.3 0.5 is as a "
    "Gaussian of 0.8 pixels). Default: estimated from each picture, in the graph.",
)  # fmt: skip
@click.option(
    "--noise-amplitude", "amplitude", type=click.FloatRange(0, 1), default=0.0, metavar="W",
    help="W of models that take noise, the same everywhere.",
)  # fmt: skip
@click.option("-y/-n", "overwrite", default=False, help="Overwrite OUT if it exists, or refuse (default).")
@DEBUG
@QUIET
def export(
    model: str,
    out: Path,
    scale: str,
    plane: bool,
    size: tuple[tuple[int, int], ...] | None,
    half: bool,
    blur: tuple[float, float] | None,
    amplitude: float,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a model as ONNX, for other programs.

    OUT.onnx takes and gives R'G'B' in 0..1, full range, (1, 3, H, W); ONNX Runtime, OpenVINO, TensorRT and vs-mlrt
    run it. All of the picture is computed in it, so that the result is that of `vidrts enhance`. Before OUT is written
    ONNX Runtime runs it, and the result is held against torch. `pip install '.[export]'` brings what is needed.

    \b
    vidrts export rts-lite lite.onnx
    vidrts export rts-r3 --scale 2 --fp16 r3-2x.onnx
    vidrts export rts-lite --size 1920x1080 lite-1080p.onnx
    """
    if out.suffix != ".onnx":
        raise OptionError(f"{out}: expected a name that ends in .onnx")
    if out.exists() and not overwrite:
        raise OptionError(f"{out}: exists; overwrite it with -y, or choose another name")
    if size is not None and len(size) != 1:
        raise OptionError(f"--size: expected one size, got {len(size)}")
    with interrupt.exit_immediately():  # loading torch takes seconds
        from vidrts.export.onnx_file import OPSET, export_onnx
        from vidrts.networks.checkpoint import load_model

    loaded = load_model(model, int(scale))
    try:
        made = export_onnx(
            loaded, out, scale=int(scale), plane=plane, size=size[0] if size else None, half=half, blur=blur,
            amplitude=amplitude,
        )  # fmt: skip
    except OSError as error:
        raise OptionError(f"{out}: cannot be written ({error.strerror or error})") from None
    if not quiet:
        shown = "x".join(map(str, size[0])) if size else f"any size from {made.least}x{made.least}"
        say(
            f"vidrts: {out}: {loaded.title}, opset {OPSET}, {'float16' if half else 'float32'}, {shown}, tiles overlap "
            f"by {made.overlap} pixels; departs from torch by {made.error:.1g} at most"
        )

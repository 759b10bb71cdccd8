"""A model as a user shader of mpv, libplacebo and vs-placebo: a pass for each layer, then one for the result.

A pass binds at most 16 textures, so that all channels of a layer lie in one: tiles of four channels each, side by side
(`layers.Tiles`). Tiles are larger than the picture by what the network sees beyond a border, so that borders come out
as `vidrts enhance` makes them. Weights are numbers in the text, which GPUs read fastest; of wide layers, whose text
would take them minutes to compile, they are in a texture.
"""

from pathlib import Path

from vidrts.errors import OptionError
from vidrts.export.glsl.live_passes import LivePasses
from vidrts.export.glsl.passes import Passes
from vidrts.export.glsl.rts_passes import RTSPasses
from vidrts.export.options import ShaderOptions
from vidrts.files import atomic_write
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.live import Live


def shader(model: LoadedModel, options: ShaderOptions | None = None) -> str:
    """The text of the shader.

    It hooks LUMA, of which it makes the same, or twice as large at scale 2; with a network that sees colours MAIN, at
    scale 1. Raises `OptionError` for networks of other kinds than rts-* and live, and for what a model does not offer.
    """
    return _text(_passes(model, options or ShaderOptions()))


def export_glsl(model: LoadedModel, out: Path, options: ShaderOptions | None = None) -> str:
    """Write `shader` to a file; returns what it hooks, LUMA or MAIN. Raises as `shader` does, and OSError."""
    passes = _passes(model, options or ShaderOptions())
    with atomic_write(out) as file:
        file.write_text(_text(passes), encoding="ascii")
    return passes.hook


def _passes(model: LoadedModel, options: ShaderOptions) -> Passes:
    network, spec = model.network, model.network.spec
    if not isinstance(network, Live) and network.residual_form is None:
        raise OptionError(f"{model.title}: shaders are made of networks of rts-* and live; export an .onnx")
    if options.scale not in model.info.scales(spec) or options.scale > 2:
        offered = " or ".join(map(str, model.info.scales(spec)))
        raise OptionError(f"{model.title}: expected scale {offered}, got {options.scale}")
    if options.blur is not None and network.blur_level is None:
        raise OptionError(f"{model.title}: is not told blur levels; leave --blur-level out")
    if options.scale != 1 and options.strength != 1:
        raise OptionError(f"{model.title}: strength is of scale 1, got {options.strength:g} at scale {options.scale}")
    of_luma = options.plane or options.scale == 2 or network.sees_luma_alone
    if options.full_range and not of_luma:
        raise OptionError(f"{model.title}: its shader hooks MAIN, R'G'B' in full range; leave --full-range out")
    if isinstance(network, Live):
        return LivePasses(model, network, options)
    assert network.residual_form is not None
    return RTSPasses(model, network.residual_form, options, of_luma=of_luma)


def _text(passes: Passes) -> str:
    return "\n".join(passes.lines()) + "\n"

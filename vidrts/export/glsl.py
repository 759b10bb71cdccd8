"""`shader`: a model as a user shader of mpv, libplacebo and vs-placebo: a pass for each layer, then one for the tail.

A pass binds at most 16 textures, so that all channels of a layer lie in one: tiles of four channels each, side by side
(`_Tiles`). Tiles are larger than the picture by what the network sees beyond a border, so that borders come out as
`vidrts enhance` makes them. Weights are numbers in the text, which GPUs read fastest; of wide layers, whose text would
take them minutes to compile, they are in a texture.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vidrts.colorplan import LUMA
from vidrts.errors import OptionError
from vidrts.export.options import ShaderOptions
from vidrts.files import atomic_write
from vidrts.networks.blur_level import conditioned
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network, ResidualNetwork
from vidrts.picture.folded_tail import tail_halo, tail_weights

_ROW = 1024
"""Texels of a row of the texture of weights."""
_LITERAL = 4096
"""Most weights of a layer that are written into the text: 16 channels have 2,304, 64 have 36,864."""
_PREFIX = "VIDRTS"


def shader(model: LoadedModel, options: ShaderOptions | None = None) -> str:
    """The text of the shader.

    It hooks LUMA, of which it makes the same, or twice as large at scale 2; with a network that sees colours MAIN, at
    scale 1. Raises `OptionError` for networks that are no residual and a linear extension, and for what the model does
    not offer.
    """
    options = options or ShaderOptions()
    return "\n".join(_checked(model, options).lines()) + "\n"


def export_glsl(model: LoadedModel, out: Path, options: ShaderOptions | None = None) -> str:
    """Write `shader` to a file; returns what it hooks, LUMA or MAIN. Raises as `shader` does, and OSError."""
    made = _checked(model, options or ShaderOptions())
    with atomic_write(out) as file:
        file.write_text("\n".join(made.lines()) + "\n", encoding="ascii")
    return made.hook


def _checked(model: LoadedModel, options: ShaderOptions) -> "_Shader":
    network = model.network.residual_form
    if network is None:
        raise OptionError(f"{model.title}: shaders are made of networks of rts-*; export an .onnx")
    if options.scale not in model.info.scales(network.spec) or options.scale > 2:
        offered = " or ".join(map(str, model.info.scales(network.spec)))
        raise OptionError(f"{model.title}: expected scale {offered}, got {options.scale}")
    of_luma = options.plane or options.scale == 2 or network.sees_luma_alone
    return _Shader(model, network, options, of_luma=of_luma)


class _Weights:
    """Texels of four numbers, in the order in which they were added. Stateful."""

    def __init__(self) -> None:
        self._values: list[torch.Tensor] = []
        self._count = 0

    def add(self, values: torch.Tensor) -> int:
        """(..., 4) -> the number of the first texel."""
        values = values.reshape(-1, 4)
        first = self._count
        self._values.append(values)
        self._count += len(values)
        return first

    def lines(self) -> Iterator[str]:
        """The texture; nothing where there are no texels."""
        if not self._count:
            return
        rows = math.ceil(self._count / _ROW)
        texels = torch.zeros(rows * _ROW, 4)
        texels[: self._count] = torch.cat([value.float() for value in self._values])
        yield f"//!TEXTURE {_PREFIX}_WEIGHTS"
        yield f"//!SIZE {_ROW} {rows}"
        yield "//!FORMAT rgba32f"
        yield "//!FILTER NEAREST"
        numbers = texels.flatten().tolist()
        yield struct.pack(f"<{len(numbers)}f", *numbers).hex()
        yield ""


@dataclass(frozen=True)
class _Tiles:
    """Channels in tiles of four, in `columns` columns and `rows` rows of one texture."""

    channels: int

    @property
    def count(self) -> int:
        return math.ceil(self.channels / 4)

    @property
    def columns(self) -> int:
        return math.ceil(math.sqrt(self.count))

    @property
    def rows(self) -> int:
        return math.ceil(self.count / self.columns)


class _Shader:
    """One shader. Stateful: passes add their weights; its lines can be asked for once."""

    def __init__(self, model: LoadedModel, network: ResidualNetwork, options: ShaderOptions, *, of_luma: bool) -> None:
        self._model, self._network, self._options, self._of_luma = model, network, options, of_luma
        self.hook = "LUMA" if of_luma else "MAIN"
        self._halo = network.radius + tail_halo(options.scale)
        self._weights = _Weights()
        self._told = network.blur_level is not None
        self._from = _inputs(network, of_luma=of_luma)
        self._colours = 1 if of_luma else 3
        self._passes = len(network.branch) + 1

    def lines(self) -> Iterator[str]:
        info, options = self._model.info, self._options
        yield f"// {self._model.title} of vidrts, {info.licence}; {'luma' if self._of_luma else 'RGB'} at scale "
        yield f"// {options.scale}. Made by `vidrts export`."
        yield ""
        passes = [*self._layers(), *self._tail()]  # which say what weights there are
        if options.parameters:
            if options.scale == 1:
                yield from _parameter("strength", "From the source to the enhanced picture", options.strength, 2.0)
            if self._told:
                yield from _parameter("blur_fine", "Share of fine detail that blur took", options.blur[1], 0.5)
                yield from _parameter("blur_coarse", "Share of coarser detail that blur took", options.blur[0], 0.3)
        yield from self._weights.lines()
        yield from passes

    # Passes -------------------------------------------------------------------------------------------------------

    def _layers(self) -> Iterator[str]:
        given, source = _Tiles(4), None
        for number, layer in enumerate(self._network.branch, 1):
            made = _Tiles(layer.conv.out_channels)
            weight, bias = layer.conv.weight.detach().double(), layer.bias.detach().double()
            wide = weight.numel() > _LITERAL
            if source is None:
                code = self._first(weight, bias, made)
            elif wide:
                code = self._from_texture(weight, bias, given, made, source)
            else:
                code = _literal(weight, bias, given, made, source)
            yield from self._head(number, source, made, textured=wide)
            yield from code
            if layer.relu:
                yield "    sum = max(sum, vec4(0.0));"
            if layer.skip:
                yield f"    sum += texelFetch({source}_raw, tile * size + at, 0);"
            yield "    return sum;"
            yield "}"
            yield ""
            given, source = made, f"{_PREFIX}_{number}"

    def _head(self, number: int, source: str | None, made: _Tiles, *, textured: bool) -> Iterator[str]:
        """Of a layer's pass, up to where it knows its tile, group of channels, and pixel."""
        yield f"//!DESC vidrts {self._model.info.name}, {number} of {self._passes}"
        yield f"//!HOOK {self.hook}"
        yield "//!BIND HOOKED"
        if source is not None:
            yield f"//!BIND {source}"
        if textured:
            yield f"//!BIND {_PREFIX}_WEIGHTS"
        yield f"//!SAVE {_PREFIX}_{number}"
        for axis, side, count in (("WIDTH", "w", made.columns), ("HEIGHT", "h", made.rows)):
            yield f"//!{axis} HOOKED.{side} {2 * self._halo} + {count} *"
        yield "//!COMPONENTS 4"
        yield from self._when()
        if textured:
            yield _WEIGHT
        if source is None:
            yield from self._picture()
            yield from self._blur()
        yield "vec4 hook() {"
        yield f"    ivec2 size = ivec2(HOOKED_size) + {2 * self._halo};"
        yield f"    ivec2 at = ivec2(HOOKED_pos * vec2(size * ivec2({made.columns}, {made.rows})));"
        yield "    ivec2 tile = at / size;"
        yield "    at -= tile * size;"
        yield f"    int group = tile.y * {made.columns} + tile.x;"
        yield "    vec4 sum = vec4(0.0);"

    def _first(self, weight: torch.Tensor, bias: torch.Tensor, made: _Tiles) -> list[str]:
        """The layer that sees the picture: of luma one number, of R'G'B' three; the rest of its input is constant."""
        colours, reach = self._colours, weight.shape[-1] // 2
        seen = torch.einsum("oihw,ij->ojhw", weight, self._from)
        constants = _fours(self._constants(seen, bias))  # group, 1 and the two levels, four channels
        taps = _fours(seen[:, :colours].flatten(1)).view(made.count, colours, *weight.shape[2:], 4)
        places = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
        kind = "float" if colours == 1 else "vec3"
        lines = [f"    {kind} p{n} = picture(at + ivec2({x}, {y}) - {self._halo});" for n, (y, x) in enumerate(places)]
        for group in range(made.count):
            lines += [f"    if (group == {group}) {{", f"        sum = {self._constant(constants[group])};"]
            for n, (y, x) in enumerate(places):
                tap = taps[group, :, y + reach, x + reach]
                values = [f"p{n}"] if colours == 1 else [f"p{n}.{c}" for c in "rgb"]
                lines.append("        sum += " + " + ".join(
                    f"{value} * {_vector(each)}" for value, each in zip(values, tap, strict=True)) + ";")  # fmt: skip
            lines.append("    }")
        return lines

    def _from_texture(
        self, weight: torch.Tensor, bias: torch.Tensor, given: _Tiles, made: _Tiles, source: str
    ) -> list[str]:  # fmt: skip
        """A wide layer."""
        side, reach = weight.shape[-1], weight.shape[-1] // 2
        biases, weights = self._weights.add(_fours(bias[:, None])), self._weights.add(_matrices(weight))
        return [
            f"    if (group >= {made.count}) return sum;",
            f"    sum = weight({biases} + group);",
            f"    int next = {weights} + group * {4 * given.count * side * side};",
            f"    for (int other = 0; other < {given.count}; other++) {{",
            f"        ivec2 corner = ivec2(other % {given.columns}, other / {given.columns}) * size;",
            f"        for (int y = -{reach}; y <= {reach}; y++)",
            f"        for (int x = -{reach}; x <= {reach}; x++) {{",
            "            ivec2 place = corner + clamp(at + ivec2(x, y), ivec2(0), size - 1);",
            "            sum += mat4(weight(next), weight(next + 1), weight(next + 2), weight(next + 3)) * "
            f"texelFetch({source}_raw, place, 0);",
            "            next += 4;",
            "        }",
            "    }",
        ]

    def _tail(self) -> Iterator[str]:
        """Extension and d by one convolution of picture + residual: each pixel anew, or each pixel's four."""
        options, number = self._options, len(self._network.branch)
        alone = self._of_luma or self._model.info.colour == "luma"
        weight, bias = tail_weights(self._network.conv_ext, options.scale, luma=alone)
        reach = weight.shape[-1] // 2
        source = f"{_PREFIX}_{number}"
        yield f"//!DESC vidrts {self._model.info.name}, {self._passes} of {self._passes}"
        yield f"//!HOOK {self.hook}"
        yield "//!BIND HOOKED"
        yield f"//!BIND {source}"
        if options.scale == 2:
            yield "//!WIDTH HOOKED.w 2 *"
            yield "//!HEIGHT HOOKED.h 2 *"
        yield from self._when()
        yield from self._picture()
        yield from self._blur()
        if options.scale == 1 and not options.parameters:
            yield f"#define strength {options.strength!r}"
        yield f"#define residual(x, y) texelFetch({source}_raw, at + ivec2(x, y) + {self._halo}, 0).rgb"
        yield "vec4 hook() {"
        if options.scale == 1:
            yield "    ivec2 at = ivec2(HOOKED_pos * HOOKED_size);"
        else:
            yield "    ivec2 fine = ivec2(HOOKED_pos * HOOKED_size * 2.0);"
            yield "    ivec2 at = fine / 2;"
        seen = torch.einsum("oihw,ij->ojhw", weight, self._from)
        results, colours = len(weight), self._colours  # 1 or 3 at scale 1; 4 phases at scale 2
        yield f"    {_kind(results)} sum = {self._constant(self._constants(seen, bias).T)};"
        yield f"    {_kind(3)} r;"
        yield f"    {_kind(colours)} p;"
        for y in range(-reach, reach + 1):
            for x in range(-reach, reach + 1):
                inner, outer = weight[:, :, y + reach, x + reach], seen[:, :colours, y + reach, x + reach]
                yield f"    r = residual({x}, {y}); p = picture(at + ivec2({x}, {y}));"
                if results == 1:
                    own = f"p * {_number(outer[0, 0])}" if colours == 1 else f"dot(p, {_vector(outer[0])})"
                    yield f"    sum += dot(r, {_vector(inner[0])}) + {own};"
                else:
                    values = [*(f"r.{c}" for c in "rgb"), *(["p"] if colours == 1 else [f"p.{c}" for c in "rgb"])]
                    by_value = torch.cat((inner, outer), 1).T
                    yield "    sum += " + " + ".join(
                        f"{value} * {_vector(each)}" for value, each in zip(values, by_value, strict=True)
                    ) + ";"  # fmt: skip
        yield from self._result(results)
        yield "}"
        yield ""

    def _result(self, results: int) -> Iterator[str]:
        if results == 4:
            yield "    float made = sum[2 * (fine.y & 1) + (fine.x & 1)];"
        elif self._of_luma:
            yield "    float made = mix(picture(at), sum, strength);"
        else:
            yield "    vec4 source = HOOKED_tex(HOOKED_pos);"
            red, green, blue = LUMA
            change = (
                f"vec3(sum - dot(source.rgb, vec3({red}, {green}, {blue})))" if results == 1 else "sum - source.rgb"
            )
            yield f"    return vec4(source.rgb + strength * ({change}), source.a);"
            return
        if self._options.full_range:
            yield "    return vec4(made, 0.0, 0.0, 1.0);"
        else:
            yield "    return vec4((made * 219.0 + 16.0) / 255.0, 0.0, 0.0, 1.0);"

    # Parts of passes ----------------------------------------------------------------------------------------------

    def _when(self) -> Iterator[str]:
        if self._options.scale == 2:
            yield "//!WHEN OUTPUT.w HOOKED.w 1.2 * >"

    def _picture(self) -> Iterator[str]:
        """The source, its borders repeated."""
        kind, swizzle = ("float", ".x") if self._of_luma else ("vec3", ".rgb")
        yield f"{kind} picture(ivec2 place) {{"
        yield "    vec2 inside = vec2(clamp(place, ivec2(0), ivec2(HOOKED_size) - 1)) + 0.5;"
        if self._of_luma and not self._options.full_range:
            yield "    return (HOOKED_tex(inside * HOOKED_pt).x * 255.0 - 16.0) / 219.0;"
        else:
            yield f"    return HOOKED_tex(inside * HOOKED_pt){swizzle};"
        yield "}"

    def _blur(self) -> Iterator[str]:
        if self._told:
            coarse, fine = self._options.blur
            named = "blur_coarse, blur_fine" if self._options.parameters else f"{coarse!r}, {fine!r}"
            yield f"#define BLUR vec2({named})"

    def _constants(self, seen: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """(channels, 3): what a convolution of constant inputs gives: for 1, with the bias, and for each blur level."""
        constants = seen[:, self._colours :].sum((2, 3))
        constants[:, 0] += bias
        return constants

    def _constant(self, values: torch.Tensor) -> str:
        """The sum of (3, channels) constants, of which the last two are multiplied by the blur levels."""
        text = _vector(values[0])
        return text + (f" + BLUR.x * {_vector(values[1])} + BLUR.y * {_vector(values[2])}" if self._told else "")


_WEIGHT = f"""vec4 weight(int place) {{
    return texelFetch({_PREFIX}_WEIGHTS, ivec2(place % {_ROW}, place / {_ROW}), 0);
}}"""


def _literal(weight: torch.Tensor, bias: torch.Tensor, given: _Tiles, made: _Tiles, source: str) -> list[str]:
    """An inner layer with its weights in the text."""
    side, reach = weight.shape[-1], weight.shape[-1] // 2
    biases, matrices = _fours(bias[:, None]), _matrices(weight)
    lines = [f"#define seen(corner, x, y) texelFetch({source}_raw, corner * size + clamp(at + ivec2(x, y), ivec2(0), "
             "size - 1), 0)"]  # fmt: skip
    for group in range(made.count):
        lines += [f"    if (group == {group}) {{", f"        sum = {_vector(biases[group, 0])};"]
        for other in range(given.count):
            corner = f"ivec2({other % given.columns}, {other // given.columns})"
            for place in range(side * side):
                matrix = ", ".join(map(_number, matrices[group, other, place].flatten()))
                y, x = place // side - reach, place % side - reach
                lines.append(f"        sum += mat4({matrix}) * seen({corner}, {x}, {y});")
        lines.append("    }")
    return lines


def _matrices(weight: torch.Tensor) -> torch.Tensor:
    """(out, in, h, w) -> (out / 4, in / 4, h * w, 4 in, 4 out): columns of mat4, zeros for what fills the fours."""
    out, given, height, width = weight.shape
    filled = weight.new_zeros(4 * math.ceil(out / 4), 4 * math.ceil(given / 4), height * width)
    filled[:out, :given] = weight.reshape(out, given, -1)
    return filled.reshape(len(filled) // 4, 4, -1, 4, height * width).permute(0, 2, 4, 3, 1)


def _fours(values: torch.Tensor) -> torch.Tensor:
    """(channels, n) -> (channels / 4, n, 4): for each four channels n vectors."""
    channels, count = values.shape
    filled = values.new_zeros(4 * math.ceil(channels / 4), count)
    filled[:channels] = values
    return filled.reshape(-1, 4, count).transpose(1, 2)


def _number(value: torch.Tensor) -> str:
    """Of GLSL: with a point, or it would be a whole one."""
    text = f"{float(value):.7g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _kind(count: int) -> str:
    return "float" if count == 1 else f"vec{count}"


def _vector(values: torch.Tensor) -> str:
    """A GLSL number, or a vector."""
    numbers = ", ".join(map(_number, values))
    return numbers if len(values) == 1 else f"{_kind(len(values))}({numbers})"


def _inputs(network: Network, *, of_luma: bool) -> torch.Tensor:
    """The network's three input channels by what a shader knows: (3, 1 or 3 + 3), for luma or R', G', B'; then for 1
    and for each of two blur levels."""
    colours = 1 if of_luma else 3
    made = torch.zeros(3, colours + 3, dtype=torch.float64)
    made[:, :colours] = torch.ones(3, 1) if of_luma else torch.eye(3)
    if network.blur_level is not None:
        for band in range(2):
            levels = torch.zeros(1, 2, dtype=torch.float64)
            levels[0, band] = 1.0
            made[:, colours + 1 + band] = conditioned(torch.zeros(1, 3, 1, 1, dtype=torch.float64), levels).flatten()
    return made


def _parameter(name: str, about: str, value: float, most: float) -> Sequence[str]:
    return [
        f"//!PARAM {name}", f"//!DESC {about}", "//!TYPE DYNAMIC float", "//!MINIMUM 0.0", f"//!MAXIMUM {most!r}",
        f"{value!r}", "",
    ]  # fmt: skip

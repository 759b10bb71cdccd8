"""`Passes`: what the shaders of all networks have alike: their layers, the picture, and what users may set."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch

from vidrts.export.glsl.layers import (
    LITERAL,
    PREFIX,
    READ_WEIGHT,
    Tiles,
    Weights,
    fours,
    from_text,
    from_texture,
    vector,
)
from vidrts.export.options import BLUR, ShaderOptions
from vidrts.networks.blur_level import conditioned
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import BranchNetwork, Network


class Passes(ABC):
    """One shader. Stateful: wide layers add their weights; its lines can be asked for once.

    `halo`: what a result depends on around it, in folded pixels. `fold`: pixels of each side that the network takes as
    one. `of_luma`: LUMA is hooked, else MAIN.
    """

    def __init__(
        self, model: LoadedModel, network: BranchNetwork, options: ShaderOptions, halo: int, fold: int, *, of_luma: bool
    ) -> None:  # fmt: skip
        self.hook = "LUMA" if of_luma else "MAIN"
        self.blur = BLUR if options.blur is None else options.blur
        self.options, self.halo, self.fold, self.of_luma = options, halo, fold, of_luma
        self.told = network.blur_level is not None
        """Whether the network is told blur levels."""
        self.inputs = _inputs(network, of_luma=of_luma)
        self.colours = 1 if of_luma else 3
        self._model, self._network = model, network
        self._weights = Weights()
        self._count = len(network.branch) + 1

    def lines(self) -> Iterator[str]:
        """The shader's."""
        info, options = self._model.info, self.options
        kind = "luma" if self.of_luma else "R'G'B'"
        yield f"// {self._model.title} of vidrts, {kind} at scale {options.scale}; {info.licence}"
        yield ""
        passes = [*self._layers(), *self._last()]  # which say what weights there are
        if options.parameters:
            if options.scale == 1:
                yield from _parameter("strength", "From the source to the enhanced picture", options.strength, 2)
            if self.told:
                coarse, fine = self.blur
                yield from _parameter("blur_fine", "Share of fine detail that blur took", fine, 1)
                yield from _parameter("blur_coarse", "Share of coarser detail that blur took", coarse, 1)
        yield from self._weights.lines()
        yield from passes

    @abstractmethod
    def result(self, source: str) -> Iterator[str]:
        """The body of the last pass: `at` is the pixel, `source` holds what the branch gave; it returns the colour."""

    # Passes -------------------------------------------------------------------------------------------------------

    def _layers(self) -> Iterator[str]:
        given, source = Tiles(4), None
        for number, layer in enumerate(self._network.branch, 1):
            made = Tiles(layer.conv.out_channels)
            weight, bias = layer.conv.weight.detach().double(), layer.bias.detach().double()
            wide = source is not None and weight.numel() > LITERAL
            if source is None:
                code = self._first(weight, bias, made)
            elif wide:
                code = from_texture(weight, bias, given, made, source, self._weights)
            else:
                code = from_text(weight, bias, given, made, source)
            yield from self._head(number, source, made, textured=wide)
            yield from code
            if layer.relu:
                yield "    sum = max(sum, vec4(0.0));"
            if layer.skip:
                yield f"    sum += texelFetch({source}_raw, tile * size + at, 0);"
            yield "    return sum;"
            yield "}"
            yield ""
            given, source = made, f"{PREFIX}_{number}"

    def _head(self, number: int, source: str | None, made: Tiles, *, textured: bool) -> Iterator[str]:
        """Of a layer's pass, up to where it knows its tile, group of channels, and pixel."""
        yield f"//!DESC vidrts {self._model.info.name}, {number} of {self._count}"
        yield f"//!HOOK {self.hook}"
        yield "//!BIND HOOKED"
        if source is not None:
            yield f"//!BIND {source}"
        if textured:
            yield f"//!BIND {PREFIX}_WEIGHTS"
        yield f"//!SAVE {PREFIX}_{number}"
        for axis, side, count in (("WIDTH", "w", made.columns), ("HEIGHT", "h", made.rows)):
            yield f"//!{axis} {self._folded_side(side)} {2 * self.halo} + {count} *"
        yield "//!COMPONENTS 4"
        yield from self._when()
        if textured:
            yield READ_WEIGHT
        if source is None:
            yield from self.picture()
            yield from self._blur()
        yield "vec4 hook() {"
        yield f"    ivec2 size = {self._folded_size()} + {2 * self.halo};"
        yield f"    ivec2 at = ivec2(HOOKED_pos * vec2(size * ivec2({made.columns}, {made.rows})));"
        yield "    ivec2 tile = at / size;"
        yield "    at -= tile * size;"
        yield f"    int group = tile.y * {made.columns} + tile.x;"
        yield "    vec4 sum = vec4(0.0);"

    def _first(self, weight: torch.Tensor, bias: torch.Tensor, made: Tiles) -> list[str]:
        """The layer that sees the picture: of luma one number, of R'G'B' three; the rest of its input is constant."""
        colours, fold = self.colours, self.fold
        seen = self.seen(unfolded(weight, fold))
        constants = fours(self.constants(seen, bias))  # group, 1 and the two levels, four channels
        side = seen.shape[-1]
        taps = fours(seen[:, :colours].flatten(1)).view(made.count, colours, side * side, 4)
        kind, start = "float" if colours == 1 else "vec3", fold * (weight.shape[-1] // 2)
        lines = [f"    ivec2 corner = {fold} * (at - {self.halo}) - {start};"]
        lines += [f"    {kind} p{n} = picture(corner + ivec2({n % side}, {n // side}));" for n in range(side * side)]
        for group in range(made.count):
            lines += [f"    if (group == {group}) {{", f"        sum = {self.constant(constants[group])};"]
            for n in range(side * side):
                values = [f"p{n}"] if colours == 1 else [f"p{n}.{c}" for c in "rgb"]
                lines.append("        sum += " + " + ".join(
                    f"{value} * {vector(each)}" for value, each in zip(values, taps[group, :, n], strict=True)) + ";"
                )  # fmt: skip
            lines.append("    }")
        return lines

    def _last(self) -> Iterator[str]:
        options, source = self.options, f"{PREFIX}_{self._count - 1}"
        yield f"//!DESC vidrts {self._model.info.name}, {self._count} of {self._count}"
        yield f"//!HOOK {self.hook}"
        yield "//!BIND HOOKED"
        yield f"//!BIND {source}"
        if options.scale == 2:
            yield "//!WIDTH HOOKED.w 2 *"
            yield "//!HEIGHT HOOKED.h 2 *"
        yield from self._when()
        yield from self.picture()
        yield from self._blur()
        if options.scale == 1 and not options.parameters:
            yield f"#define strength {float(options.strength)!r}"
        yield "vec4 hook() {"
        if options.scale == 1:
            yield "    ivec2 at = ivec2(HOOKED_pos * HOOKED_size);"
        else:
            yield "    ivec2 fine = ivec2(HOOKED_pos * HOOKED_size * 2.0);"
            yield "    ivec2 at = fine / 2;"
        yield from self.result(source)
        yield "}"
        yield ""

    # Parts of passes ----------------------------------------------------------------------------------------------

    def seen(self, weight: torch.Tensor) -> torch.Tensor:
        """(o, 3, h, w), weights of what the network sees -> (o, colours + 3, h, w), of what the shader knows: luma or
        R', G', B'; then 1, and the two blur levels."""
        return torch.einsum("oihw,ij->ojhw", weight, self.inputs)

    def constants(self, seen: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """(channels, 3): what a convolution of constant inputs gives: for 1, with the bias, and for each blur level."""
        constants = seen[:, self.colours :].sum((2, 3))
        constants[:, 0] += bias
        return constants

    def constant(self, values: torch.Tensor) -> str:
        """The sum of (3, channels) constants, of which the last two are multiplied by the blur levels."""
        text = vector(values[0])
        return text + (f" + BLUR.x * {vector(values[1])} + BLUR.y * {vector(values[2])}" if self.told else "")

    def luma_result(self) -> Iterator[str]:
        """Return `made`, a luma in full range."""
        code = "made" if self.options.full_range else "(made * 219.0 + 16.0) / 255.0"
        yield f"    return vec4({code}, 0.0, 0.0, 1.0);"

    def picture(self) -> Iterator[str]:
        """The function that reads the source, its borders repeated."""
        kind, swizzle = ("float", ".x") if self.of_luma else ("vec3", ".rgb")
        yield f"{kind} picture(ivec2 place) {{"
        yield "    vec2 inside = vec2(clamp(place, ivec2(0), ivec2(HOOKED_size) - 1)) + 0.5;"
        if self.of_luma and not self.options.full_range:
            yield "    return (HOOKED_tex(inside * HOOKED_pt).x * 255.0 - 16.0) / 219.0;"
        else:
            yield f"    return HOOKED_tex(inside * HOOKED_pt){swizzle};"
        yield "}"

    def _when(self) -> Iterator[str]:
        if self.options.scale == 2:
            yield "//!WHEN OUTPUT.w HOOKED.w 1.2 * >"

    def _blur(self) -> Iterator[str]:
        if self.told:
            numbers = ", ".join(repr(float(level)) for level in self.blur)
            named = "blur_coarse, blur_fine" if self.options.parameters else numbers
            yield f"#define BLUR vec2({named})"

    def _folded_side(self, side: str) -> str:
        """In folded pixels, rounded up, as players write expressions."""
        more = self.fold - 1
        if not more:
            return f"HOOKED.{side}"
        filled = f"HOOKED.{side} {more} +"
        return f"{filled} {filled} {self.fold} % - {self.fold} /"

    def _folded_size(self) -> str:
        return "ivec2(HOOKED_size)" if self.fold == 1 else f"(ivec2(HOOKED_size) + {self.fold - 1}) / {self.fold}"


def unfolded(weight: torch.Tensor, fold: int) -> torch.Tensor:
    """(o, 3 * fold**2, k, k), of folded pixels -> (o, 3, fold * k, fold * k), of pixels, at every `fold`-th."""
    out, _, side, _ = weight.shape
    apart = weight.view(out, 3, fold, fold, side, side)
    return apart.permute(0, 1, 4, 2, 5, 3).reshape(out, 3, fold * side, fold * side)


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
        f"//!PARAM {name}", f"//!DESC {about}", "//!TYPE DYNAMIC float", "//!MINIMUM 0.0",
        f"//!MAXIMUM {float(most)!r}", f"{float(value)!r}", "",
    ]  # fmt: skip

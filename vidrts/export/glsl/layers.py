"""Layers as GLSL: where their channels lie, their weights as numbers in the text or texels of a texture."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import torch

PREFIX = "VIDRTS"
"""Of the names of textures."""
LITERAL = 4096
"""Most weights of a layer that are written into the text: 16 channels have 2,304, 64 have 36,864."""
_ROW = 1024
"""Texels of a row of the texture of weights."""
READ_WEIGHT = f"""vec4 weight(int place) {{
    return texelFetch({PREFIX}_WEIGHTS, ivec2(place % {_ROW}, place / {_ROW}), 0);
}}"""
"""The function that passes with such a texture need."""


@dataclass(frozen=True)
class Tiles:
    """Channels in tiles of four, in `columns` columns and `rows` rows of one texture."""

    channels: int

    @property
    def count(self) -> int:
        """Of tiles."""
        return math.ceil(self.channels / 4)

    @property
    def columns(self) -> int:
        """Of tiles in the texture."""
        return math.ceil(math.sqrt(self.count))

    @property
    def rows(self) -> int:
        """Of tiles in the texture; the last one may be short."""
        return math.ceil(self.count / self.columns)


class Weights:
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
        yield f"//!TEXTURE {PREFIX}_WEIGHTS"
        yield f"//!SIZE {_ROW} {rows}"
        yield "//!FORMAT rgba32f"
        yield "//!FILTER NEAREST"
        numbers = texels.flatten().tolist()
        yield struct.pack(f"<{len(numbers)}f", *numbers).hex()
        yield ""


def from_text(weight: torch.Tensor, bias: torch.Tensor, given: Tiles, made: Tiles, source: str) -> list[str]:
    """An inner layer with its weights in the text: `sum` of the group of channels that is asked for."""
    side, reach = weight.shape[-1], weight.shape[-1] // 2
    biases, matrices = fours(bias[:, None]), _matrices(weight)
    lines = [f"#define seen(corner, x, y) texelFetch({source}_raw, corner * size + clamp(at + ivec2(x, y), ivec2(0), "
             "size - 1), 0)"]  # fmt: skip
    for group in range(made.count):
        lines += [f"    if (group == {group}) {{", f"        sum = {vector(biases[group, 0])};"]
        for other in range(given.count):
            corner = f"ivec2({other % given.columns}, {other // given.columns})"
            for place in range(side * side):
                matrix = ", ".join(map(number, matrices[group, other, place].flatten()))
                y, x = place // side - reach, place % side - reach
                lines.append(f"        sum += mat4({matrix}) * seen({corner}, {x}, {y});")
        lines.append("    }")
    return lines


def from_texture(
    weight: torch.Tensor, bias: torch.Tensor, given: Tiles, made: Tiles, source: str, weights: Weights
) -> list[str]:  # fmt: skip
    """A wide layer, whose weights are added to the texture."""
    side, reach = weight.shape[-1], weight.shape[-1] // 2
    biases, first = weights.add(fours(bias[:, None])), weights.add(_matrices(weight))
    return [
        f"    if (group >= {made.count}) return sum;",
        f"    sum = weight({biases} + group);",
        f"    int next = {first} + group * {4 * given.count * side * side};",
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


def _matrices(weight: torch.Tensor) -> torch.Tensor:
    """(out, in, h, w) -> (out / 4, in / 4, h * w, 4 in, 4 out): columns of mat4, zeros for what fills the fours."""
    out, given, height, width = weight.shape
    filled = weight.new_zeros(4 * math.ceil(out / 4), 4 * math.ceil(given / 4), height * width)
    filled[:out, :given] = weight.reshape(out, given, -1)
    return filled.reshape(len(filled) // 4, 4, -1, 4, height * width).permute(0, 2, 4, 3, 1)


def fours(values: torch.Tensor) -> torch.Tensor:
    """(channels, n) -> (channels / 4, n, 4): for each four channels n vectors."""
    channels, count = values.shape
    filled = values.new_zeros(4 * math.ceil(channels / 4), count)
    filled[:channels] = values
    return filled.reshape(-1, 4, count).transpose(1, 2)


def number(value: torch.Tensor) -> str:
    """Of GLSL: with a point, or it would be a whole one."""
    text = f"{float(value):.7g}"
    return text if "." in text or "e" in text else f"{text}.0"


def kind(count: int) -> str:
    """The type of so many numbers."""
    return "float" if count == 1 else f"vec{count}"


def vector(values: torch.Tensor) -> str:
    """A GLSL number, or a vector."""
    numbers = ", ".join(map(number, values))
    return numbers if len(values) == 1 else f"{kind(len(values))}({numbers})"

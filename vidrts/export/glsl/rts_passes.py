"""The shader of an RTS network: its residual, then extension and d as one convolution."""

from collections.abc import Iterator

import torch

from vidrts.colorplan import LUMA
from vidrts.export.glsl.layers import kind, number, vector
from vidrts.export.glsl.passes import Passes
from vidrts.export.options import ShaderOptions
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import ResidualNetwork
from vidrts.picture.folded_tail import tail_halo, tail_weights


class RTSPasses(Passes):
    """See the module."""

    def __init__(self, model: LoadedModel, network: ResidualNetwork, options: ShaderOptions, *, of_luma: bool) -> None:
        super().__init__(model, network, options, network.radius + tail_halo(options.scale), 1, of_luma=of_luma)
        alone = of_luma or model.info.colour == "luma"
        self._tail = tail_weights(network.conv_ext, options.scale, luma=alone)

    def result(self, source: str) -> Iterator[str]:
        """By one convolution of picture + residual: each pixel anew, or each pixel's four."""
        weight, bias = self._tail
        reach = weight.shape[-1] // 2
        seen = self.seen(weight)
        results, colours = len(weight), self.colours  # 1 or 3 at scale 1; 4 phases at scale 2
        yield f"#define residual(x, y) texelFetch({source}_raw, at + ivec2(x, y) + {self.halo}, 0).rgb"
        yield f"    {kind(results)} sum = {self.constant(self.constants(seen, bias).T)};"
        yield "    vec3 r;"
        yield f"    {kind(colours)} p;"
        for y in range(-reach, reach + 1):
            for x in range(-reach, reach + 1):
                inner, outer = weight[:, :, y + reach, x + reach], seen[:, :colours, y + reach, x + reach]
                yield f"    r = residual({x}, {y}); p = picture(at + ivec2({x}, {y}));"
                if results == 1:
                    own = f"p * {number(outer[0, 0])}" if colours == 1 else f"dot(p, {vector(outer[0])})"
                    yield f"    sum += dot(r, {vector(inner[0])}) + {own};"
                else:
                    values = [*(f"r.{c}" for c in "rgb"), *(["p"] if colours == 1 else [f"p.{c}" for c in "rgb"])]
                    by_value = torch.cat((inner, outer), 1).T
                    yield "    sum += " + " + ".join(
                        f"{value} * {vector(each)}" for value, each in zip(values, by_value, strict=True)
                    ) + ";"  # fmt: skip
        yield from self._of(results)

    def _of(self, results: int) -> Iterator[str]:
        if results == 4:
            yield "    float made = sum[2 * (fine.y & 1) + (fine.x & 1)];"
            yield from self.luma_result()
        elif self.of_luma:
            yield "    float made = mix(picture(at), sum, strength);"
            yield from self.luma_result()
        else:
            yield "    vec4 source = HOOKED_tex(HOOKED_pos);"
            own = "dot(source.rgb, vec3({}, {}, {}))".format(*LUMA)
            change = f"vec3(sum - {own})" if results == 1 else "sum - source.rgb"
            yield f"    return vec4(source.rgb + strength * ({change}), source.a);"

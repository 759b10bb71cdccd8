"""The shader of Live: its branch on folded pixels, then luma and its change."""

from collections.abc import Iterator

from vidrts.export.glsl.layers import Tiles
from vidrts.export.glsl.passes import Passes
from vidrts.export.options import ShaderOptions
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.live import Live


class LivePasses(Passes):
    """See the module."""

    def __init__(self, model: LoadedModel, network: Live, options: ShaderOptions) -> None:
        super().__init__(model, network, options, len(network.branch), network.fold, of_luma=True)
        self._channels = network.branch[-1].conv.out_channels

    def result(self, source: str) -> Iterator[str]:
        """A pixel's change lies in the channel of its place among those that were folded, once for each term."""
        fold, folded = self.fold, self.fold * self.fold
        tiles = Tiles(self._channels)
        yield f"    ivec2 size = ivec2({source}_size) / ivec2({tiles.columns}, {tiles.rows});"
        yield f"    int place = {fold} * (at.y % {fold}) + at.x % {fold};"
        yield "    float change = 0.0;"
        for term, factor in zip(range(0, self._channels, folded), ("1.0", "BLUR.x", "BLUR.y"), strict=False):
            channel = f"place + {term}" if term else "place"
            tile = f"ivec2(({channel}) / 4 % {tiles.columns}, ({channel}) / 4 / {tiles.columns})"
            yield f"    vec4 c{term} = texelFetch({source}_raw, {tile} * size + at / {fold} + {self.halo}, 0);"
            yield f"    change += {factor} * c{term}[({channel}) % 4];"
        yield "    float made = picture(at) + strength * change;"
        yield from self.luma_result()

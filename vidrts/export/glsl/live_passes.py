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

    def result(self, source: str) -> Iterator[str]:
        """A pixel's change lies in the channel of its place among those that were folded."""
        fold, tiles = self.fold, Tiles(self.fold * self.fold)
        yield f"    ivec2 size = ivec2({source}_size) / ivec2({tiles.columns}, {tiles.rows});"
        yield f"    int place = {fold} * (at.y % {fold}) + at.x % {fold};"
        yield f"    ivec2 tile = ivec2(place / 4 % {tiles.columns}, place / 4 / {tiles.columns});"
        yield f"    vec4 change = texelFetch({source}_raw, tile * size + at / {fold} + {self.halo}, 0);"
        yield "    float made = picture(at) + strength * change[place % 4];"
        yield from self.luma_result()

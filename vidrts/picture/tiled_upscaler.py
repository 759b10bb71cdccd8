"""RGB in, enhanced RGB or its luma out: tiles in batches through engine and tail, whatever the size of the picture."""

import hashlib
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch

from vidrts import colorplan
from vidrts.errors import DeviceError
from vidrts.networks.upscaler import Upscaler
from vidrts.ops.convolution import use_deterministic_convolution
from vidrts.ops.lanczos import double
from vidrts.picture.engines import torch as torch_engine
from vidrts.picture.engines.choice import EngineName
from vidrts.picture.forward import tile_pass
from vidrts.picture.tile_autotune import cache_file, candidates, fastest
from vidrts.picture.tiles import Tile, TileGrid, band, even_tile

CPU_TILE_PIXELS = 2**20 + 2**15
"""Half a 1080p frame at once (64 bf16 channels of it are 133 MB): as fast as the whole, and there are two workers."""
CUDA_TILE = (512, 512)
"""64 bf16 channels of such a tile are 33 MB and stay in the L2 cache of a large GPU: what is taken until a search
(`tilesearch`) has found the fastest."""
_TRIES = 5
"""Times that a tile is tried in a search, after one to warm up; the shortest counts."""


class TiledUpscaler:
    """d(SR(x)) at scale 1, SR(x) at scale 2, or its luma alone, of a batch of pictures on one device.

    The picture is extended by replication once, by all that network and tail see; inside, a tile computes the same
    values whatever its neighbours, so tiled equals untiled. Not thread-safe; one for each stream and device.

    `luma`: the result has one channel, the BT.709 Y' of what it would be.
    `tile`: (width, height) in input pixels, "none" for whole pictures, "auto" as the device likes, "fastest": on a GPU
    by a short search before the first picture of a size, for many pictures of one size; elsewhere as "auto".
    `batch`: tiles per pass, 0 = as the device likes. `engine`: what computes the residual branch. Out of memory on a
    GPU halves the batch, then the tile, for good; `on_message` hears of that and of an engine that cannot be used.
    """

    def __init__(
        self,
        network: Upscaler,
        device: torch.device,
        dtype: torch.dtype,
        *,
        scale: Literal[1, 2] = 1,
        luma: bool = False,
        tile: tuple[int, int] | Literal["auto", "none", "fastest"] = "auto",
        batch: int = 0,
        engine: EngineName = "auto",
        on_message: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.device = device
        self.scale = scale
        self.luma = luma
        self._tiles = tile_pass(network, device, dtype, scale, engine, on_message, luma=luma)
        self._halo = self._tiles.halo
        self._prepared = preparing(network, device)
        self.sees_luma_alone = network.blur_level is not None
        """Whether the colours of what it is given play no part."""
        self._tile = tile
        self._fastest: dict[tuple[int, int], tuple[int, int]] = {}
        shapes = ";".join(f"{name} {tuple(weight.shape)}" for name, weight in network.named_parameters())
        self._about = f"{type(network).__name__} {hashlib.sha1(shapes.encode()).hexdigest()[:12]} {dtype} x{scale}"
        self._about += " luma" if luma else ""
        self._batch = batch or (4 if device.type == "cuda" else 1)
        self._on_message = on_message

    @property
    def halo(self) -> int:
        """Input pixels around a tile that its result depends on."""
        return self._halo

    def __call__(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) float32 R'G'B' -> (B, 3, scale*H, scale*W) float32, not clamped (DESIGN section 3).

        (B, 1, scale*H, scale*W) where luma alone is computed.
        """
        with_border = self.bordered(rgb.shape[0], *rgb.shape[-2:])
        inside(with_border, self._halo).copy_(rgb)
        return self.resolve(with_border)

    def bordered(self, count: int, height: int, width: int) -> torch.Tensor:
        """Room for so many pictures and what lies around them, (B, 3, H + 2*halo, W + 2*halo); see `resolve`."""
        around = 2 * self._halo
        return torch.empty(count, 3, height + around, width + around, device=self.device)

    @torch.no_grad()
    def resolve(self, with_border: torch.Tensor) -> torch.Tensor:
        """As for a call, of pictures that were written into `inside` of what `bordered` gave.

        Their luma stays as it is, their colours may not: a network may want them otherwise (`Upscaler.prepared`).
        """
        rgb = inside(with_border, self._halo)
        prepared = self._prepared(rgb)
        if prepared is not rgb:
            rgb.copy_(prepared)
        _replicate(with_border, self._halo)
        height, width = rgb.shape[-2:]
        if self._tile == "fastest" and self.device.type == "cuda" and (height, width) not in self._fastest:
            self._fastest[height, width] = self._search(with_border)
        while True:
            try:
                return self._run(with_border, self._tile_size(height, width))
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                # The exception holds the frames in which tensors live: leave the handler before going on.
                self._shrink(height, width)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _tile_size(self, height: int, width: int) -> tuple[int, int]:
        if self._tile == "none":
            return width, height
        if isinstance(self._tile, tuple):
            return min(self._tile[0], width), min(self._tile[1], height)
        if (height, width) in self._fastest:
            return self._fastest[height, width]
        most = CUDA_TILE if self.device.type == "cuda" else band(width, CPU_TILE_PIXELS)
        return even_tile(height, width, most)

    def _search(self, with_border: torch.Tensor) -> tuple[int, int]:
        """The fastest tile for pictures of this size, on this GPU."""
        height, width = inside(with_border, self._halo).shape[-2:]
        card = torch.cuda.get_device_properties(self.device)
        key = f"{card.name} {card.total_memory >> 20} MiB, torch {torch.__version__}, {self._about}, {width}x{height}"

        def seconds(size: tuple[int, int]) -> float:
            marks = [torch.cuda.Event(enable_timing=True) for _ in range(_TRIES + 1)]  # type: ignore[no-untyped-call]
            try:
                self._run(with_border[:1], size)
                for mark in marks[:-1]:
                    mark.record()
                    self._run(with_border[:1], size)
                marks[-1].record()
                marks[-1].synchronize()
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                return math.inf
            return min(float(start.elapsed_time(end)) for start, end in pairwise(marks)) / 1000

        with torch.cuda.device(self.device):
            found = fastest(key, candidates(height, width), seconds, cache_file())
            torch.cuda.empty_cache()  # of what the others took
        return found

    def _shrink(self, height: int, width: int) -> None:
        if self._batch > 1:
            self._batch //= 2
            self._on_message(f"out of memory on {self.device}: going on with batches of {self._batch} tiles")
            return
        tile_width, tile_height = self._tile_size(height, width)
        if max(tile_width, tile_height) <= 64:
            raise DeviceError(f"{self.device} has no room for a {tile_width}x{tile_height} tile; wanted the device cpu")
        self._tile = (max(32, -(-tile_width // 2)), max(32, -(-tile_height // 2)))
        self._on_message(f"out of memory on {self.device}: going on with tiles of {self._tile[0]}x{self._tile[1]}")

    def _run(self, with_border: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        count, _, height, width = inside(with_border, self._halo).shape
        tile_width, tile_height = size
        grid = TileGrid(height, width, tile_height, tile_width, self.halo)
        places = [(picture, tile) for picture in range(count) for tile in grid.tiles]
        if len(grid.tiles) == 1 and count <= self._batch:
            return self._tiles(with_border)
        result = with_border.new_empty(count, 1 if self.luma else 3, self.scale * height, self.scale * width)
        for first in range(0, len(places), self._batch):
            chosen = places[first : first + self._batch]
            outputs = self._tiles(torch.stack([_cut(with_border[picture], tile, grid) for picture, tile in chosen]))
            for (picture, tile), output in zip(chosen, outputs, strict=True):
                y, x = self.scale * tile.y, self.scale * tile.x
                result[picture, :, y : y + output.shape[1], x : x + output.shape[2]] = output
        return result


def preparing(network: Upscaler, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """`network.prepared` on `device`, in float32, whatever size a picture has."""
    if network.blur_level is None:
        return network.prepared
    whole = torch_engine.frozen_copy(network, device, torch.float32)
    use_deterministic_convolution(whole)
    return whole.prepared


def enhanced_rgb(resolver: TiledUpscaler, rgb: torch.Tensor, strength: float = 1) -> torch.Tensor:
    """The picture that users get of R'G'B': (B, 3, H, W) in 0..1 -> (B, 3, scale*H, scale*W), clamped to 0..1.

    Where `resolver` computes luma alone, its change is added to R', G' and B' alike (`--chroma keep`); else the result
    is what the network says of all three (`--chroma sharpen`).
    """
    rgb = rgb.to(resolver.device)
    resolved = resolver(rgb)
    base = rgb if resolver.scale == 1 else double(rgb)
    if resolver.luma:
        return torch.add(base, resolved - colorplan.luma(base)[:, None], alpha=strength).clamp_(0, 1)
    return (resolved if strength == 1 else torch.lerp(base, resolved, strength)).clamp_(0, 1)


def _out_of_memory(error: RuntimeError) -> bool:
    """Whether it is that; cuDNN says so in other words where it has no room left to work in."""
    return isinstance(error, torch.OutOfMemoryError) or "unable to find an engine" in str(error)


def _cut(with_border: torch.Tensor, tile: Tile, grid: TileGrid) -> torch.Tensor:
    margin = 2 * grid.halo
    return with_border[:, tile.y : tile.y + grid.tile_height + margin, tile.x : tile.x + grid.tile_width + margin]


def inside(with_border: torch.Tensor, halo: int) -> torch.Tensor:
    """The pictures without what lies around them, a view."""
    height, width = with_border.shape[-2:]
    return with_border[..., halo : height - halo, halo : width - halo]


def _replicate(with_border: torch.Tensor, halo: int) -> None:
    """Write the picture's outermost pixels over all that lies around it."""
    if halo == 0:
        return
    rows = with_border[..., halo:-halo, :]
    rows[..., :halo] = rows[..., halo : halo + 1]
    rows[..., -halo:] = rows[..., -halo - 1 : -halo]
    with_border[..., :halo, :] = with_border[..., halo : halo + 1, :]
    with_border[..., -halo:, :] = with_border[..., -halo - 1 : -halo, :]

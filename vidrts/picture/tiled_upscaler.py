"""Pictures in, enhanced pictures or their luma out: tiles in batches through engine and tail, whatever the size."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import torch

from vidrts import colorplan
from vidrts.errors import DeviceError
from vidrts.messages import Code, Message, Tell, ignore
from vidrts.networks import noise
from vidrts.networks.network import Network
from vidrts.networks.spec import Context, next_multiple
from vidrts.ops.convolution import use_deterministic_convolution
from vidrts.ops.lanczos import enlarge
from vidrts.picture import banded_color
from vidrts.picture.computation import Computation
from vidrts.picture.engines import torch as torch_engine
from vidrts.picture.forward import tile_pass
from vidrts.picture.options import EngineName, NoiseKind
from vidrts.picture.tile_autotune import cache_file, candidates, fastest
from vidrts.picture.tiles import Tile, TileGrid, band, even_tile

CPU_TILE_PIXELS = 2**20 + 2**15
"""Half a 1080p frame at once (64 bf16 channels of it are 133 MB): as fast as the whole, and there are two workers."""
CUDA_TILE = 512
"""Side of a tile: 64 bf16 channels of it are 33 MB and stay in the L2 cache of a large GPU. Taken until a search
(`tile_autotune`) has found the fastest."""
_DEEP, _DEEP_TILE = 32, 512
"""Input pixels of reach from which on tiles are squares, of this side: bands would be halo for the most part, and such
networks take much memory for each pixel."""
_TRIES = 5
"""Times that a tile is tried in a search, after one to warm up; the shortest counts."""


def default_tile(device: torch.device, height: int, width: int, factor: int = 2, halo: int = 0) -> tuple[int, int]:
    """(width, height) of the tiles of such a picture; smaller for networks that enlarge by more than 2."""
    larger = max(1, factor // 2)
    if halo >= _DEEP:
        return even_tile(height, width, (_DEEP_TILE // larger,) * 2)
    if device.type == "cuda":
        return even_tile(height, width, (CUDA_TILE // larger,) * 2)
    return even_tile(height, width, band(width, CPU_TILE_PIXELS // larger**2))


def default_batch(device: torch.device) -> int:
    """Tiles per pass."""
    return 4 if device.type == "cuda" else 1


@dataclass(frozen=True)
class Extended:
    """Pictures, and what lies around them; made by `TiledUpscaler.extended`."""

    whole: torch.Tensor
    """(B, C, h, w): the halo on all sides, and below and at the right what fills sizes up to the network's multiple."""
    pictures: torch.Tensor
    """(B, C, H, W): the part of `whole` that pictures are written into."""


class TiledUpscaler:
    """What a network makes of a batch of pictures on one device: at scale 1 its result at the same size, or d(SR(x)) of
    one that enlarges by 2; at scale 2, 4, 8 SR(x) itself.

    The picture is extended by replication once, by all that network and tail see; inside, a tile computes the same
    values whatever its neighbours, so tiled equals untiled. Not thread-safe; one for each stream and device. Raises
    ValueError for a scale that the network does not offer (`NetworkSpec.scales`).

    `luma`: the result has one channel, the BT.709 Y' of what it would be; always so for networks of one channel.
    `tile`: (width, height) in input pixels, "none" for whole pictures, "auto" as the device likes, "fastest": on a GPU
    by a short search before the first picture of a size, for many pictures of one size; elsewhere as "auto".
    `batch`: tiles per pass, 0 = as the device likes. `engine`: what computes the residual branch. `amplitude`, `noise`,
    `seed`: W, the kind and the seed of the maps of networks that take noise; a W of 0 is none. Out of memory on a GPU
    halves the batch, then the tile, for good; `on_message` gets lines about that and about an engine that cannot be
    used. `between_tiles`: on a CPU, called before every pass but the first of a picture; what it raises ends the work.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device,
        dtype: torch.dtype,
        *,
        scale: int = 1,
        luma: bool = False,
        tile: tuple[int, int] | Literal["auto", "none", "fastest"] = "auto",
        batch: int = 0,
        engine: EngineName = "auto",
        amplitude: float = 0.0,
        noise: NoiseKind = "static",
        seed: int = 0,
        on_message: Tell = ignore,
        between_tiles: Callable[[], None] = lambda: None,
    ) -> None:
        spec = network.spec
        self.device = device
        self.scale = scale
        self.luma = luma or spec.channels == "luma"
        self.sees_luma_alone = network.sees_luma_alone
        """Whether the colours of its input play no part."""
        self._channels = 1 if spec.channels == "luma" else 3
        self._context = Context(spec.factor_for(scale))
        self._maps = partial(_maps, self._context.factor, amplitude, noise, seed) if spec.noise and amplitude else None
        self._tiles = tile_pass(network, device, dtype, scale, engine, on_message, luma=luma)
        self._halo, self._multiple = self._tiles.halo, self._tiles.multiple
        self._prepare = preparing(network, device)
        self._tile = tile
        self._fastest: dict[tuple[int, int], tuple[int, int]] = {}
        shapes = ";".join(f"{name} {tuple(weight.shape)}" for name, weight in network.named_parameters())
        self._about = f"{type(network).__name__} {hashlib.sha1(shapes.encode()).hexdigest()[:12]} {dtype} x{scale}"
        self._about += " luma" if luma else ""
        self._batch = batch or default_batch(device)
        self._on_message = on_message
        self._between_tiles = between_tiles

    def computation(self, height: int, width: int) -> Computation:
        """How pictures of this size are computed."""
        searched = self._tile == "fastest" and self.device.type == "cuda" and (height, width) not in self._fastest
        return Computation(
            engine=self._tiles.engine, device=str(self.device), precision=self._tiles.precision, batch=self._batch,
            tile=None if searched else self._tile_size(height, width),
        )  # fmt: skip

    def __call__(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) float32 R'G'B' -> (B, 3, scale*H, scale*W) float32, not clamped.

        (B, 1, scale*H, scale*W) where luma alone is computed.
        """
        extended = self.extended(rgb.shape[0], *rgb.shape[-2:])
        extended.pictures.copy_(rgb if self._channels == 3 else colorplan.luma(rgb)[:, None])
        return self.upscale(extended)

    def extended(self, count: int, height: int, width: int) -> Extended:
        """Room for so many pictures, and what lies around them; see `upscale`."""
        rows, columns = (next_multiple(side, self._multiple) + 2 * self._halo for side in (height, width))
        whole = torch.empty(count, self._channels, rows, columns, device=self.device)
        return Extended(whole, whole[..., self._halo : self._halo + height, self._halo : self._halo + width])

    @torch.no_grad()
    def upscale(self, extended: Extended) -> torch.Tensor:
        """As for a call, of pictures that were written into `extended.pictures`: R'G'B', or Y' for networks of it.

        Their luma stays as it is, their colours may not: a network may need others (`Network.prepared`).
        """
        pictures = extended.pictures
        self._prepare(pictures, pictures)
        _replicate(extended, self._halo)
        height, width = (side - 2 * self._halo for side in extended.whole.shape[-2:])
        if self._tile == "fastest" and self.device.type == "cuda" and (height, width) not in self._fastest:
            self._fastest[height, width] = self._search(extended.whole, height, width)
        while True:
            try:
                result = self._run(extended.whole, self._tile_size(height, width))
                return result[..., : self.scale * pictures.shape[-2], : self.scale * pictures.shape[-1]]
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
            return self._allowed(self._tile, height, width)
        if (height, width) in self._fastest:
            return self._fastest[height, width]
        most = default_tile(self.device, height, width, self._context.factor, self._halo)
        return self._allowed(most, height, width)

    def _allowed(self, size: tuple[int, int], height: int, width: int) -> tuple[int, int]:
        """The next tile of multiples that network and engine take, no larger than the picture."""
        return min(next_multiple(size[0], self._multiple), width), min(next_multiple(size[1], self._multiple), height)

    def _search(self, whole: torch.Tensor, height: int, width: int) -> tuple[int, int]:
        """The fastest tile for pictures of this size, on this GPU."""
        card = torch.cuda.get_device_properties(self.device)
        key = f"{card.name} {card.total_memory >> 20} MiB, torch {torch.__version__}, {self._about}, {width}x{height}"

        def seconds(size: tuple[int, int]) -> float:
            marks = [torch.cuda.Event(enable_timing=True) for _ in range(_TRIES + 1)]  # type: ignore[no-untyped-call]
            try:
                self._run(whole[:1], size)
                for mark in marks[:-1]:
                    mark.record()
                    self._run(whole[:1], size)
                marks[-1].record()
                marks[-1].synchronize()
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                return math.inf
            return min(float(start.elapsed_time(end)) for start, end in pairwise(marks)) / 1000

        sizes = list(dict.fromkeys(self._allowed(size, height, width) for size in candidates(height, width)))
        with torch.cuda.device(self.device):
            found = fastest(key, sizes, seconds, cache_file())
            torch.cuda.empty_cache()  # of what the others took
        return found

    def _shrink(self, height: int, width: int) -> None:
        if self._batch > 1:
            self._batch //= 2
            self._on_message(Message(Code.OUT_OF_MEMORY_BATCH, device=self.device, batch=self._batch))
            return
        tile_width, tile_height = self._tile_size(height, width)
        smaller = (max(32, -(-tile_width // 2)), max(32, -(-tile_height // 2)))
        if max(tile_width, tile_height) <= 64 or self._allowed(smaller, height, width) == (tile_width, tile_height):
            raise DeviceError(f"{self.device}: no memory for a tile of {tile_width}x{tile_height}; use the device cpu")
        self._tile = smaller
        self._on_message(
            Message(Code.OUT_OF_MEMORY_TILE, device=self.device, width=self._tile[0], height=self._tile[1])
        )

    def _run(self, whole: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        count = whole.shape[0]
        height, width = (side - 2 * self._halo for side in whole.shape[-2:])
        tile_width, tile_height = size
        grid = TileGrid(height, width, tile_height, tile_width, self._halo)
        places = [(picture, tile) for picture in range(count) for tile in grid.tiles]
        if len(grid.tiles) == 1 and count <= self._batch:
            return self._tiles(whole, self._context_of([Tile(0, 0)] * count, grid))
        result = whole.new_empty(count, 1 if self.luma else 3, self.scale * height, self.scale * width)
        for first in range(0, len(places), self._batch):
            if first and self.device.type == "cpu":  # a GPU takes little time, and may be recording a graph
                self._between_tiles()
            chosen = places[first : first + self._batch]
            inputs = torch.stack([_cut(whole[picture], tile, grid) for picture, tile in chosen])
            outputs = self._tiles(inputs, self._context_of([tile for _, tile in chosen], grid))
            for (picture, tile), output in zip(chosen, outputs, strict=True):
                y, x = self.scale * tile.y, self.scale * tile.x
                result[picture, :, y : y + output.shape[1], x : x + output.shape[2]] = output
        return result

    def _context_of(self, tiles: Sequence[Tile], grid: TileGrid) -> Context:
        """What the network is told about a batch of tiles: the noise that belongs to their places."""
        return Context(self._context.factor, self._maps(tiles, grid, self.device)) if self._maps else self._context


def _maps(
    factor: int,
    amplitude: float,
    kind: NoiseKind,
    seed: int,
    tiles: Sequence[Tile],
    grid: TileGrid,
    device: torch.device,
) -> tuple[torch.Tensor, ...]:  # fmt: skip
    """`Context.noise` of a batch of tiles: what belongs to their places."""
    height, width = grid.tile_height + 2 * grid.halo, grid.tile_width + 2 * grid.halo
    levels = range(noise.levels(factor))
    if kind == "constant":
        return tuple(
            torch.full((1, 1, height << level, width << level), amplitude, device=device).expand(len(tiles), -1, -1, -1)
            for level in levels
        )
    maps = {
        (level, tile): noise.normal(
            seed, level, (tile.y - grid.halo) << level, (tile.x - grid.halo) << level,
            height << level, width << level, device,
        )
        for level in levels for tile in dict.fromkeys(tiles)
    }  # fmt: skip
    return tuple(amplitude * torch.stack([maps[level, tile] for tile in tiles])[:, None] for level in levels)


def preparing(network: Network, device: torch.device) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """A function that writes `network.prepared` of pictures, in float32, into others, or the same, whatever their size.

    On a CPU a band of rows at a time: at once it would take three times the memory of a large picture.
    """
    if network.blur_level is None and not network.luma_input:
        return lambda pictures, out: None if out is pictures else _copy(pictures, out)
    copied = network
    if network.blur_level is not None:
        copied = torch_engine.frozen_copy(network, device, torch.float32)
        use_deterministic_convolution(copied)

    def prepare(pictures: torch.Tensor, out: torch.Tensor) -> None:
        estimate = copied.blur_level
        levels = None if estimate is None else estimate.of_pictures(colorplan.luma(pictures)[:, None])
        height = pictures.shape[-2]
        step = banded_color.ROWS if pictures.device.type == "cpu" else height
        for first in range(0, height, step):
            rows = slice(first, first + step)
            out[..., rows, :] = copied.prepared(pictures[..., rows, :], levels)

    return prepare


def _copy(pictures: torch.Tensor, out: torch.Tensor) -> None:
    out.copy_(pictures)


def enhanced_rgb(upscaler: TiledUpscaler, rgb: torch.Tensor, strength: float = 1) -> torch.Tensor:
    """The picture that users get of R'G'B': (B, 3, H, W) in 0..1 -> (B, 3, scale*H, scale*W), clamped to 0..1.

    Where `upscaler` computes luma alone, its change is added to R', G' and B' alike (`--chroma keep`); else the result
    is the network's of all three (`--chroma sharpen`).
    """
    rgb = rgb.to(upscaler.device)
    result = upscaler(rgb)
    base = rgb if upscaler.scale == 1 else enlarge(rgb, upscaler.scale)
    if upscaler.luma:
        return torch.add(base, result - colorplan.luma(base)[:, None], alpha=strength).clamp_(0, 1)
    return (result if strength == 1 else torch.lerp(base, result, strength)).clamp_(0, 1)


def _out_of_memory(error: RuntimeError) -> bool:
    """Whether it is that; cuDNN words it otherwise where it has no room left to work in."""
    return isinstance(error, torch.OutOfMemoryError) or "unable to find an engine" in str(error)


def _cut(whole: torch.Tensor, tile: Tile, grid: TileGrid) -> torch.Tensor:
    margin = 2 * grid.halo
    return whole[:, tile.y : tile.y + grid.tile_height + margin, tile.x : tile.x + grid.tile_width + margin]


def _replicate(extended: Extended, halo: int) -> None:
    """Write the pictures' outermost pixels over all that lies around them."""
    whole, (height, width) = extended.whole, extended.pictures.shape[-2:]
    rows = whole[..., halo : halo + height, :]
    rows[..., :halo] = rows[..., halo : halo + 1]
    rows[..., halo + width :] = rows[..., halo + width - 1 : halo + width]
    whole[..., :halo, :] = whole[..., halo : halo + 1, :]
    whole[..., halo + height :, :] = whole[..., halo + height - 1 : halo + height, :]

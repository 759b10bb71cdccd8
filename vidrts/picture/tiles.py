"""Tiles: how a picture is cut into equal pieces with a halo, so that the pieces computed alone give the whole.

The halo is the network's receptive radius plus the tail's; the picture is extended by replication by as much, once, so
that border tiles are like all others.
"""

from dataclasses import dataclass

from vidrts.errors import OptionError


@dataclass(frozen=True)
class Tile:
    """Where one tile's result goes, in pixels of the picture. Its input starts at (y, x) of the extended picture."""

    y: int
    x: int


@dataclass(frozen=True)
class TileGrid:
    """Equal tiles that cover a picture; the last ones of a row or column overlap their neighbours instead of shrinking.

    Equal shapes let tiles be batched and CUDA graphs be replayed; where two overlap both hold the same values.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    halo: int

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.tile_height, self.tile_width) < 1 or self.halo < 0:
            raise OptionError(f"tile grid: expected positive sizes, got {self}")
        if self.tile_height > self.height or self.tile_width > self.width:
            raise OptionError(f"tile {self.tile_width}x{self.tile_height} exceeds picture {self.width}x{self.height}")

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles, row by row."""
        return tuple(
            Tile(y, x)
            for y in _starts(self.height, self.tile_height)
            for x in _starts(self.width, self.tile_width)
        )  # fmt: skip


def _starts(length: int, tile: int) -> list[int]:
    count = -(-length // tile)
    return [min(i * tile, length - tile) for i in range(count)]


def even_tile(height: int, width: int, most: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) of the fewest equal tiles that cover the picture, none larger than `most` (width, height)."""
    columns, rows = -(-width // most[0]), -(-height // most[1])
    return -(-width // columns), -(-height // rows)


def band(width: int, most_pixels: int) -> tuple[int, int]:
    """A band (width, height) of about `most_pixels` pixels, as wide as the picture; at least 64 rows high.

    Bands waste the fewest halo pixels, and their rows lie together in memory.
    """
    return width, max(64, most_pixels // width)

"""The tile that a GPU is fastest with, found by trying and remembered.

The best tile depends on caches, on how well the library's kernels fill the chip, and on the picture; a second of trying
beats a rule. Results are kept in tiles.json in the user's cache folder, under a key that names all that they depend on.
"""

import contextlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

from vidrts.files import atomic_write
from vidrts.picture.tiles import band, even_tile

type Size = tuple[int, int]
"""(width, height) in pixels."""

_found: dict[tuple[Path, str], Size] = {}
"""Found by this process, where the folder cannot be written to: all its runners use one tile."""
_SQUARES = (384, 512, 768, 1024)
_BANDS = (2**19, 2**20, 2**21)


def candidates(height: int, width: int) -> list[Size]:
    """Tiles to try: squares and bands of several sizes, and the full picture."""
    most = [*((side, side) for side in _SQUARES), *(band(width, pixels) for pixels in _BANDS), (width, height)]
    return list(dict.fromkeys(even_tile(height, width, one) for one in most))


def cache_file() -> Path:
    """Where the tiles found are kept: $XDG_CACHE_HOME/vidrts, or ~/.cache/vidrts."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vidrts" / "tiles.json"


def fastest(key: str, sizes: list[Size], seconds: Callable[[Size], float], cache: Path) -> Size:
    """The size that takes the fewest `seconds`, by trying all, or as `cache` has it under `key`.

    `seconds` gives infinity for what cannot be done; where nothing can, the first size. A cache that cannot be
    read or written is ignored: it only saves time.
    """
    if (known := _found.get((cache, key))) in sizes:
        return known
    held = _read(cache)
    kept = held.get(key)
    if isinstance(kept, list) and tuple(kept) in sizes:
        return int(kept[0]), int(kept[1])
    taken = {size: seconds(size) for size in sizes}
    best = min(sizes, key=lambda size: taken[size])
    if math.isfinite(taken[best]):
        _found[cache, key] = best
        _write(cache, {**held, key: list(best)})
    return best


def _read(cache: Path) -> dict[str, object]:
    try:
        held = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def _write(cache: Path, held: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(cache) as part:
            part.write_text(json.dumps(held, indent=1, sort_keys=True))

"""How pictures are computed: `Computation`, what an enhancer chose."""

from dataclasses import dataclass

from vidrts.picture.options import EngineName, Precision


@dataclass(frozen=True, kw_only=True)
class Computation:
    """What an enhancer uses for pictures of one size."""

    engine: EngineName
    device: str
    """torch's name, cpu or cuda:0."""
    precision: Precision
    """Of the residual branch; fp32 for networks without one."""
    tile: tuple[int, int] | None
    """(width, height) in input pixels; None: found by a search before the first picture."""
    batch: int
    """Tiles per pass, at most."""

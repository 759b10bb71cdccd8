"""Luma: the one weighting of R'G'B' that the measures here share. VIQET alone has its own (BT.601)."""

from vidrts.colorplan import LUMA as WEIGHTS
from vidrts.colorplan import luma

__all__ = ["WEIGHTS", "luma"]

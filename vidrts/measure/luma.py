"""Luma: the one weighting of R'G'B' that the measures here share. VIQET alone has its own (BT.601)."""

from vidrts.color import luma
from vidrts.colorplan import LUMA as WEIGHTS

__all__ = ["WEIGHTS", "luma"]

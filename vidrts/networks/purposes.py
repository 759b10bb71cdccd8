"""What each shipped model is for, in the words of `vidrts models`; the cards have the figures."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """`use`: what to take it for. `quality`: one word, from the card's figures; harsh: sharpens sharp sources, too."""

    use: str
    quality: str


PURPOSES: Mapping[str, Purpose] = {
    "rts-lite": Purpose("films on a CPU", "good"),
    "rts-r3": Purpose("films on a GPU, clips on a CPU", "best"),
    "live": Purpose("films on a slow CPU, while they play", "fair"),
    "rts-lite-2x": Purpose("--scale 2, taken for rts-lite", "good"),
    "rts-r3-2x": Purpose("--scale 2, taken for rts-r3", "best"),
    "rts-r6-2x": Purpose("--scale 2, taken for rts-r6", "best"),
    "rts-lite-clean-2x": Purpose("--scale 2 of clean sources", "good"),
    "rts-r3-clean-2x": Purpose("--scale 2 of clean sources", "best"),
    "rts-r6-clean-2x": Purpose("--scale 2 of clean sources", "best"),
    "rts-lite32": Purpose("to compare: first training", "harsh"),
    "rts-r1": Purpose("to compare: first training, small", "harsh"),
    "rts-r6": Purpose("to compare: first training, large", "harsh"),
    "rts-r3-clean": Purpose("to compare: the paper's training", "harsh"),
}
"""Shipped model -> purpose, in the order in which they are listed."""

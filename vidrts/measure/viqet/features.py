"""All measures of one picture, and the vectors that the models take."""

import math
from dataclasses import dataclass

import numpy as np

from vidrts.measure.viqet.color_exposure import (
    badly_exposed,
    color_warmth,
    contrast_and_exposure,
    divergence_from_flat_histogram,
    saturation,
)
from vidrts.measure.viqet.edges import Edges, measure_edges
from vidrts.measure.viqet.final_noise import final_noise
from vidrts.measure.viqet.neighbours import measure_neighbours
from vidrts.measure.viqet.noise import BlockNoise, measure_block_noise
from vidrts.measure.viqet.preprocess import F64, Fitted
from vidrts.measure.viqet.texture import measure_texture

LENGTHS = {1: 61, 2: 317}
"""Length of the model vector by VIQET's version: 1 = Preview Release 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Everything that VIQET's models look at. Produced by `extract`, consumed by `MosModel.raw_mos` and `Scores`."""

    saturation: float  # 0..255
    contrast: float  # 0..1
    exposure: float  # 0..255
    divergence: float  # nats
    warmth: float  # kelvin
    over: float  # percent
    under: float  # percent
    edges: Edges
    noise: BlockNoise
    final_noise: float
    texture: F64  # (24,)
    neighbours: F64  # (256,)

    def vector(self, version: int) -> F64:
        """The model's input of `version` 1 or 2, ln(1 + x) of each number; (61,) or (317,).

        Version 1 has the final noise in second place, and no edge strength over e^noise.
        """
        noise = self.noise.signature
        damping = math.exp(noise)
        head = [noise] if version == 2 else [noise, self.final_noise]
        shared = [
            self.divergence,
            self.contrast * self.exposure,
            self.edges.strength_sum,
            self.edges.pixel_count,
            *self.edges.bands,
            self.warmth,
            self.saturation,
            self.over,
            self.under,
            self.noise.high_frequency,
            *self.texture,
            *(self.edges.bands / damping),
        ]
        damped_strength = [self.edges.strength_sum / damping] if version == 2 else []
        neighbours = list(self.neighbours) if version == 2 else []
        return np.log1p(np.array([*head, *shared, *damped_strength, *_ratios(self.texture), *neighbours]))


def extract(fitted: Fitted) -> Features:
    """Measure a fitted picture; about a second of CPU time."""
    contrast, exposure = contrast_and_exposure(fitted.grey)
    over, under = badly_exposed(fitted.grey)
    return Features(
        saturation=saturation(fitted.rgb),
        contrast=contrast,
        exposure=exposure,
        divergence=divergence_from_flat_histogram(fitted.grey),
        warmth=color_warmth(fitted.rgb),
        over=over,
        under=under,
        edges=measure_edges(fitted.grey),
        noise=measure_block_noise(fitted.rgb),
        final_noise=final_noise(fitted.rgb, fitted.grey),
        texture=measure_texture(fitted.grey),
        neighbours=measure_neighbours(fitted.grey),
    )


def _ratios(texture: F64) -> list[float]:
    """R1..R8: lowest bin over the others and middle bins over the highest, of mean |C|, variance, r and shape."""
    ratios: list[float] = []
    for first in (18, 12, 6, 0):
        middle = texture[first + 1 : first + 5].mean()
        highest = texture[first + 5]
        beside = highest if first else texture[4]  # of the shapes VIQET takes the fifth bin here, a defect
        ratios += [float(texture[first] / (1 + (middle + beside) / 2)), float(middle / (1 + highest))]
    return ratios

"""A result in words, of the means of its metrics."""

import pytest

from vidrts.compare.verdict import in_words
from vidrts.measure.metric import Reading


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({"edge_gain": 1.04, "noise_gain": 0.78, "flicker": 0.86, "overshoot": 0.05, "color_shift": 0.17},
         "Sharper, noise calmer, colours kept"),
        ({"edge_gain": 1.5, "noise_gain": 1.3, "flicker": 1.2, "overshoot": 2.0, "color_shift": 1.4},
         "Sharper, noisier, flickers more, halos, colours changed"),
        ({"edge_gain": 0.9, "noise_gain": 1.0, "color_shift": 0.1}, "Softer, noise kept, colours kept"),
        ({"edge_gain": 1.01}, "As sharp"),
        ({"difference_ratio": 0.0, "edge_gain": 1.0}, "No difference: every pixel is the source's"),
        ({}, ""),
    ],
)  # fmt: skip
def test_words(means: dict[str, float], words: str) -> None:
    assert in_words({**{key: Reading(value) for key, value in means.items()}, "flat_noise": None}) == words

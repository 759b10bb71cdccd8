"""A result in a few words, before any number: "Sharper, noise calmer, colours kept"."""

from collections.abc import Mapping

from vidrts.measure.metric import Reading
from vidrts.measure.registry import METRICS

_WORDS: Mapping[str, Mapping[str, str]] = {
    "edge_gain": {"more": "sharper", "same": "as sharp", "less": "softer"},
    "noise_gain": {"more": "noisier", "same": "noise kept", "less": "noise calmer"},
    "flicker": {"more": "flickers more"},
    "overshoot": {"more": "halos"},
    "color_shift": {"more": "colours changed", "same": "colours kept"},
}
"""Key of a metric -> what is said for `Metric.verdict`."""


def in_words(means: Mapping[str, Reading | None]) -> str:
    """What a result is beside its source, of the mean of each metric by its key; "" where nothing is known."""
    change = means.get("difference_ratio")
    if change is not None and change.value == 0:
        return "No difference: every pixel is the source's"
    parts = [words.get(METRICS[key].verdict(means.get(key)), "") for key, words in _WORDS.items()]
    said = ", ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]
